import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { channelTraits } from '../../../connectors/channels/index.ts';
import { formatProblem } from '../../../lib/problem.ts';
import { type ContextFiles, checkRules } from '../../../rules/index.ts';
import { check, errorsOf } from '../kit.ts';

const RULE = '{ id: a, when: { event: e } }';

function mistakes(context: ContextFiles, rule = RULE, entities: string[] = []): string[] {
  return errorsOf(rule, { context, entities });
}

const segment = (text: string): ContextFiles => ({ segments: [{ file: 's.yaml', text }] });
const model = (text: string): ContextFiles => ({ models: [{ file: 'm.yaml', text }] });
const caps = (text: string): ContextFiles => ({ caps: [{ file: 'c.yaml', text }] });
const holdouts = (text: string): ContextFiles => ({ holdouts: [{ file: 'h.yaml', text }] });

test('mistakes in segments are reported at their place', () => {
  assert.deepEqual(mistakes(segment('id: vip\nwhere: profile.plan')), []);
  assert.deepEqual(mistakes(segment('id: vip')), ['s.yaml:1:1: a segment needs "where"']);
  assert.deepEqual(mistakes(segment('id: vip\nwhere: event.event == "x"\nentity: devise'), RULE, ['device']), [
    's.yaml:2:8: "event" is not known here (a segment is over what is known of the entity: profile, account, count(), last(), sent())',
  ]);
  assert.deepEqual(mistakes(segment('id: vip\nentity: devise\nwhere: "true"'), RULE, ['device']), [
    's.yaml:2:9: unknown entity "devise" (did you mean "device"?)',
  ]);
  assert.match(
    mistakes(segment('id: vip\nwhere: inSegment("vip")'))[0]!,
    /^s.yaml:2:8: "inSegment" cannot be asked here/,
  );
  assert.match(
    mistakes(segment('id: vip\nwhere: "true"\n---\nid: vip\nwhere: "false"'))[0]!,
    /the segment id "vip" is used already/,
  );
});

test('who belongs to a segment over a score is looked at with every event that the model counts', () => {
  const { ruleSet, errors } = checkRules([{ file: 'rule.yaml', text: RULE }], {
    context: {
      ...segment('id: hot\nwhere: score("lead") > 0.5'),
      ...model('id: lead\ntype: linear\nfeatures: [{ name: n, value: \'count("demo", "7d")\', weight: 1 }]'),
    },
    outOfOrdernessMs: 0,
    entities: [],
    channels: channelTraits({}),
  });
  assert.deepEqual(errors, []);
  assert.deepEqual([...ruleSet.segments('user')[0]!.needs.history], [['demo', 7 * 86_400_000]]);
});

test('a rule asks for segments of its own entity that there are', () => {
  const around = segment('id: hot\nentity: device\nwhere: "true"');
  const rule = `{ id: a, when: { event: e }, if: 'inSegment("hot")' }`;
  assert.deepEqual(mistakes(around, rule, ['device']), [
    'rule.yaml:1:7: the rule is about a user, the segment "hot" about a device',
  ]);
  assert.deepEqual(mistakes(around, `{ id: a, entity: device, when: { segment: { enters: hut } } }`, ['device']), [
    'rule.yaml:1:53: unknown segment "hut" (did you mean "hot"?)',
  ]);
  assert.deepEqual(mistakes(around, '{ id: a, when: { segment: {} } }', ['device']), [
    'rule.yaml:1:27: "segment" needs "enters" or "leaves" (such as { enters: vip })',
  ]);
});

test('mistakes in models are reported at their place', () => {
  const linear = 'id: m\ntype: linear\nfeatures: [{ name: n, value: profile.n, weight: 1 }]';
  assert.deepEqual(mistakes(model(linear)), []);
  const cases: Readonly<Record<string, RegExp>> = {
    'id: m\ntype: linear\nfeatures: [{ name: n, value: profile.n }]': /^m.yaml:3:12: the feature "n" needs "weight"$/,
    'id: m\ntype: http\nfeatures: [{ name: n, value: profile.n }]': /^m.yaml:1:1: a model of type http needs "url"$/,
    'id: m\ntype: onnx\nfeatures: [{ name: n, value: profile.n }]': /^m.yaml:1:1: a model of type onnx needs "file"$/,
    'id: m\ntype: http\nurl: http://x/\nfeatures: [{ name: n, value: profile.n, weight: 1 }]':
      /^m.yaml:4:49: a model of type http has its weights itself$/,
    [`${linear}\nurl: http://x/`]: /^m.yaml:4:6: "url" does not belong to a model of type linear$/,
    'id: m\ntype: linear\nfeatures: [{ name: n, value: event.event, weight: 1 }]':
      /"event" is not known here \(a linear model/,
    'id: m\ntype: linear\nfeatures: [{ name: n, value: score("m"), weight: 1 }]':
      /"score" cannot be asked here \(a model cannot/,
    'id: m\ntype: tree\nfeatures: []': /"type" must be one of linear, http, onnx/,
    [linear.replace('features: [', 'features: [{ name: n, value: profile.x, weight: 1 }, ')]:
      /the feature "n" is named twice/,
    [`${linear}\n---\n${linear}`]: /the model id "m" is used already/,
  };
  for (const [text, expected] of Object.entries(cases)) assert.match(mistakes(model(text)).join('\n'), expected, text);
});

test('mistakes in caps are reported at their place', () => {
  assert.deepEqual(
    mistakes(caps('- { max: 3, per: 7d, channel: any, category: promotions, timezone: profile.timezone }')),
    [],
  );
  assert.deepEqual(mistakes(caps('- { max: 1000, per: 400d }')), []);
  assert.deepEqual(mistakes(caps('- { max: 3, per: 9601h }')), [
    'c.yaml:1:18: "per" must be longer than nothing, and at most 400d',
  ]);
  assert.deepEqual(mistakes(caps('- { max: 3, per: day, timezone: Mars }\n- { per: 0s, max: 1, channel: emial }')), [
    'c.yaml:1:33: "Mars" is neither a time zone nor an attribute (such as profile.timezone, Europe/Berlin or UTC)',
    'c.yaml:2:10: "per" must be longer than nothing, and at most 400d',
    'c.yaml:2:31: unknown channel "emial" (did you mean "email"?)',
  ]);
  assert.deepEqual(mistakes(caps('max: 3')), ['c.yaml:1:1: the caps must be a list, not a mapping']);
});

test('mistakes in hold-outs are reported at their place', () => {
  assert.deepEqual(mistakes(holdouts('- { group: everyone, share: 5%, exempt: [security] }')), []);
  assert.deepEqual(
    mistakes(holdouts('- { group: a, share: 101% }\n- { group: a, share: 1%, entity: devise }'), RULE, ['device']),
    [
      'h.yaml:1:22: a share is at most 100%, not 101%',
      'h.yaml:2:12: the group "a" is held out already',
      'h.yaml:2:34: unknown entity "devise" (did you mean "device"?)',
    ],
  );
  assert.deepEqual(
    mistakes(holdouts('- { group: A b, share: tenth }\n- { share: 5% }\n- { group: c, share: 5%, exampt: [] }')),
    [
      'h.yaml:1:12: "group" cannot be "A b" (lower case letters, digits and single hyphens, such as cart-abandonment)',
      'h.yaml:1:24: "share" cannot be "tenth" (a percentage such as 50%)',
      'h.yaml:2:3: an entry of the hold-outs needs "group"',
      'h.yaml:3:26: unknown field "exampt" (did you mean "exempt"?)',
    ],
  );
  assert.deepEqual(mistakes(holdouts('share: 5%')), ['h.yaml:1:1: the hold-outs must be a list, not a mapping']);
});

test('a group that is held out in two files is a mistake in the second', () => {
  const files = ['a', 'b'].map((name) => ({ file: `${name}.yaml`, text: '- { group: x, share: 1% }' }));
  assert.deepEqual(mistakes({ holdouts: files }), ['b.yaml:1:12: the group "x" is held out already']);
});

test('an exempt category that no rule has is warned of', () => {
  const context = holdouts('- { group: all, share: 5%, exempt: [security, recepts] }');
  const rules =
    '{ id: a, when: { event: e }, category: security }\n---\n{ id: b, when: { event: e }, category: receipts }';
  const { errors, warnings } = check(rules, { context });
  assert.deepEqual(errors, []);
  assert.deepEqual(warnings.map(formatProblem), [
    'h.yaml:1:47: no rule has the category "recepts" (did you mean "receipts"?)',
  ]);
  assert.deepEqual(
    check(RULE, { context }).warnings.map(({ hint }) => hint),
    Array(2).fill('no rule has a category'),
  );
});

test('a model that answers later is asked only where a candidate can wait', () => {
  const around = model('id: m\ntype: http\nurl: http://x/\nfeatures: [{ name: n, value: profile.n }]');
  const ask = 'score("m") > 0.5';
  assert.deepEqual(
    mistakes(around, `{ id: a, when: { event: e }, if: '${ask}', review: '${ask}', audience: '${ask}' }`),
    [],
  );
  assert.match(
    mistakes(around, `{ id: a, when: { event: e, where: '${ask}' } }`)[0]!,
    /answers later and cannot be asked here/,
  );
  assert.match(
    mistakes({ ...around, ...segment(`id: s\nwhere: '${ask}'`) })[0]!,
    /answers later and cannot be asked here/,
  );
});

test('every example of docs/rules.md of segments, models, caps and hold-outs is without mistakes', async () => {
  const text = await readFile(new URL('../../../docs/rules.md', import.meta.url), 'utf8');
  const examples = [...text.matchAll(/```yml\n# (\w+)[^\n]*\n(.*?)```/gs)];
  const filesOf = (kind: string) =>
    examples.filter(([, name]) => name === kind).map(([, , example]) => ({ file: `${kind}.yaml`, text: example! }));
  const around = {
    segments: filesOf('segments'),
    models: filesOf('models'),
    caps: filesOf('caps'),
    holdouts: filesOf('holdouts'),
  };
  const rules = filesOf('rules');
  assert.deepEqual(
    [around.segments, around.models, around.caps, around.holdouts, rules].map(({ length }) => length),
    [1, 1, 1, 1, 1],
  );
  assert.deepEqual(errorsOf(rules[0]!.text, { context: around }), []);
});
