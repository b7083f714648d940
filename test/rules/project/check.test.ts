import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblem } from '../../../lib/problem.ts';
import { checkRules } from '../../../rules/index.ts';
import { check, errorsOf, OPTIONS } from '../kit.ts';

test('a rule with many different mistakes has all of them reported, each at its place', () => {
  const text = `id: Cart_A
when:
  absence:
    after: { event: add, where: 'event.propertis.value >= 50.0', as: cart }
    of: { event: purchase, where: 'evnt.properties.x == "a"' }
    withn: 24h
if: '1 + 2'
priority: 101
urgency: high
cooldown: { for: 7x, key: 'basket.properties.id' }
limit: [{ max: 0, per: 7d }]
order: arival
exclusive: Checkout
entity: devise
then:
  - send: { channel: emial, template: x, data: { a: SAVE, tripline: 1, v: 'event.event', n: 'cart.properties.n' } }
  - wait: 3h
  - {}
tests:
  - name: t
    given: [{ at: 2026-01-01, user: u1, event: e }]
    expect: [{ at: "2026-01-02T10:00:00Z", outcome: maybe }]
`;
  assert.deepEqual(
    check(text, { entities: ['device'] }).errors.map(({ line, column, message }) => `${line}:${column} ${message}`),
    [
      '1:5 "id" cannot be "Cart_A"',
      '4:5 "absence" needs "within"',
      '4:40 an event has no field "propertis"',
      '5:36 unknown name "evnt"',
      '6:5 unknown field "withn"',
      '7:6 a condition must be true or false, this is int',
      '8:11 "priority" must be at most 100',
      '9:10 "urgency" must be one of critical, operational, marketing',
      '10:18 "for" must be a duration, not "7x"',
      '10:28 unknown name "basket"',
      '11:16 "max" must be at least 1',
      '12:8 "order" must be one of arrival, event-time',
      '13:12 "exclusive" cannot be "Checkout"',
      '14:9 unknown entity "devise"',
      '16:22 unknown channel "emial"',
      '16:53 unknown name "SAVE"',
      '16:69 "tripline" is reserved in data',
      '16:76 "event" is not known here',
      '18:5 the step says nothing to do',
      '21:19 "at" must be a time with its zone, not "2026-01-01"',
      '21:37 this rule is about a devise',
      '22:53 "outcome" must be one of fired, suppressed, deferred, review',
    ],
  );
});

test('every part of the language that is not there yet is refused by its name, unlike an unknown field', () => {
  const later = [
    'when: { event: e }\nthen: [{ emit: { event: x, to: { segment: vip } } }]',
    'when: { event: e }\nthen: [{ choose: { experiment: x, reward: {}, variants: [{ name: a, weight: 1 }, { name: b, weight: 1 }] } }]',
  ];
  for (const text of later) {
    const errors = errorsOf(`id: a\n${text}`);
    assert.equal(errors.length, 1, `${text}: ${errors.join('; ')}`);
    assert.match(errors[0]!, /is part of the rule language but not available in this version$/);
  }
  assert.deepEqual(errorsOf('id: a\nwhen: { event: e }\nprioritty: 3'), [
    'rule.yaml:3:1: unknown field "prioritty" (did you mean "priority"?)',
  ]);
});

test('auto has no fallback, and is none; a rate is a number by a unit', () => {
  const send = (text: string) => errorsOf(`{ id: a, when: { event: e }, then: [{ send: { template: x, ${text} } }] }`);
  assert.deepEqual(send('channel: auto'), []);
  assert.match(send('channel: auto, fallback: [email]')[0]!, /"auto" has its own fallback/);
  assert.match(send('channel: email, fallback: [auto]')[0]!, /"auto" stands as `channel`/);
  assert.deepEqual(send('channel: email, rate: 100/s'), []);
  assert.match(send('channel: email, rate: fast')[0]!, /rate/);
});

test('a channel that nobody delivers is worth a warning, and in a worker a mistake with both mends', () => {
  const text = '{ id: a, when: { event: e }, then: [{ send: { channel: sms, template: x, fallback: [email] } }] }';
  const served = new Set(['email']);
  const { errors, warnings } = check(text, { served });
  assert.deepEqual(errors, []);
  assert.equal(warnings.length, 1);
  assert.match(
    formatProblem(warnings[0]!),
    /deliver "sms" \(configure channels\.sms, .* deliveredElsewhere: \[sms\]\)/,
  );
  const live = check(text, { served, mustBeServed: true });
  assert.deepEqual([live.errors.length, live.warnings.length], [1, 0]);
});

test('"when" has exactly one pattern', () => {
  assert.match(errorsOf('{ id: a, when: { where: "true" } }')[0]!, /"when" has no pattern \(one of event, absence/);
  assert.match(
    errorsOf('{ id: a, when: { event: e, inactive: { for: 1d } } }')[0]!,
    /"when" must have exactly one pattern, not event and inactive/,
  );
});

test('where and as beside a pattern that has its own are refused', () => {
  assert.deepEqual(errorsOf('{ id: a, when: { inactive: { for: 1d }, where: "true" } }'), [
    'rule.yaml:1:49: "where" does not belong beside "inactive" (put it into inactive: {…})',
  ]);
});

test('by may stand in the pattern or beside it, but not in both', () => {
  const inside = '{ id: a, when: { inactive: { for: 1d, by: event.event } } }';
  const beside = '{ id: a, when: { inactive: { for: 1d }, by: event.event } }';
  assert.deepEqual([errorsOf(inside), errorsOf(beside)], [[], []]);
  const both = '{ id: a, when: { inactive: { for: 1d, by: event.event }, by: event.event } }';
  assert.match(errorsOf(both)[0]!, /"by" is given twice/);
});

test('required fields are asked for where they are missing', () => {
  assert.deepEqual(errorsOf('id: a'), ['rule.yaml:1:1: a rule needs "when"']);
  assert.deepEqual(errorsOf('when: { count: { event: e, within: 1h } }'), [
    'rule.yaml:1:1: a rule needs "id"',
    'rule.yaml:1:16: "count" needs "atLeast" or "atMost"',
  ]);
});

test('an empty list of events, an empty name and a duration of nothing are refused', () => {
  assert.match(errorsOf('{ id: a, when: { event: [] } }')[0]!, /"event" must not be empty/);
  assert.match(errorsOf('{ id: a, when: { event: "" } }')[0]!, /"event" must not be empty/);
  assert.match(errorsOf('{ id: a, when: { inactive: { for: 0s } } }')[0]!, /must be longer than nothing/);
  assert.match(errorsOf('{ id: a, when: { inactive: { for: 99999w } } }')[0]!, /must be at most 36500d/);
});

test('a name given by as must not mean something else already', () => {
  for (const name of ['event', 'profile', 'account', 'session', 'now', 'sent', 'size', 'in', 'string']) {
    assert.match(errorsOf(`{ id: a, when: { event: e, as: ${name} } }`)[0]!, /cannot be a name/, name);
  }
  assert.match(errorsOf('{ id: a, when: { event: e, as: my-cart } }')[0]!, /"as" cannot be "my-cart" \(a letter/);
});

test('the start of an absence cannot read its own capture, the answer can', () => {
  const text = `
id: a
when:
  absence:
    after: { event: add, as: cart, where: cart.properties.n == 1 }
    of: { event: buy, where: cart.properties.n == 1 }
    within: 1h
`;
  assert.deepEqual(errorsOf(text), [
    'rule.yaml:5:43: unknown name "cart" (known here: event, profile, account, now; text stands in quotes)',
  ]);
});

test('data of an absence has no event, and the hint names the capture', () => {
  const rule = (as: string): string => `
id: a
when: { absence: { after: { event: add${as} }, of: buy, within: 1h } }
if: event.properties.n > 1
then: [{ send: { channel: webhook, data: { n: event.properties.n } } }]
`;
  assert.deepEqual(errorsOf(rule(', as: cart')), [
    'rule.yaml:5:47: "event" is not known here (for absence only captures exist: use cart)',
  ]);
  assert.match(errorsOf(rule(''))[0]!, /name the event with after: \{ …, as: name \}/);
});

test('two rules with one id are reported with both places, across files', () => {
  const text = 'id: twin\nwhen: { event: e }';
  const files = [
    { file: 'a.yaml', text },
    { file: 'b.yaml', text: `# second\n${text}` },
  ];
  assert.deepEqual(checkRules(files, OPTIONS).errors.map(formatProblem), [
    'b.yaml:2:5: the rule id "twin" is used already (first used at a.yaml:1:5)',
  ]);
});

test('a rule with a mistake is left out, the others are compiled', () => {
  const { rules, errors } = check('id: good\nwhen: { event: e }\n---\nid: bad\nwhen: { event: [] }');
  assert.deepEqual(
    rules.map((rule) => rule.id),
    ['good'],
  );
  assert.equal(errors.length, 1);
});

test('several documents of a file are several rules, with places counted through the file', () => {
  assert.deepEqual(errorsOf('id: a\nwhen: { event: e }\n---\nid: b\nwhen: { event: e }\nif: "1"\n---\n'), [
    'rule.yaml:6:6: a condition must be true or false, this is int (compare it with something)',
  ]);
});

test('JSON files are read as they are, with places', () => {
  const text = '{\n  "id": "a",\n  "when": { "event": "e" },\n  "priority": "high"\n}\n';
  assert.deepEqual(errorsOf(text), ['rule.yaml:4:15: "priority" must be a whole number, not "high"']);
});

test('mistakes of the YAML itself have their place', () => {
  assert.match(errorsOf('id: a\nwhen: { event: e')[0]!, /^rule\.yaml:2:\d+: /);
  assert.match(errorsOf('id: a\nid: b\nwhen: { event: e }')[0]!, /^rule\.yaml:2:1: Map keys must be unique/);
});

test('a file without rules is a warning', () => {
  const { errors, warnings } = check('# nothing yet\n');
  assert.deepEqual([errors.length, warnings.map(formatProblem)], [0, ['rule.yaml:1:1: the file has no rules']]);
});

test('a document that is not a mapping is refused', () => {
  assert.deepEqual(errorsOf('- id: a'), ['rule.yaml:1:1: a rule must be a mapping, not a list']);
  assert.deepEqual(errorsOf('hello'), ['rule.yaml:1:1: a rule must be a mapping, not "hello"']);
});

test('aliases are followed, and ones that multiply beyond reason are refused', () => {
  const shared = 'id: a\nwhen: { event: &name signup }\ncategory: *name\n';
  assert.equal(check(shared).rules[0]?.category, 'signup');
  const levels = Array.from(
    { length: 8 },
    (_, i) => `  l${i + 1}: &l${i + 1} [${Array(10).fill(`*l${i}`).join(', ')}]`,
  );
  const bomb = `id: a\nwhen: { event: e }\nthen:\n- send:\n    channel: webhook\n    data:\n      l0: &l0 1\n${levels.map((line) => `    ${line}`).join('\n')}`;
  assert.match(errorsOf(bomb)[0]!, /the document is too large for one rule/);
  assert.match(errorsOf('id: a\nwhen: &w { event: [*w] }')[0]!, /contains itself/);
});

test('a test that expects a decision of a rule that does not exist is refused', () => {
  const text = `
id: a
when: { event: e }
tests:
  - name: t
    given: [{ at: "2026-01-01T10:00:00Z", user: u1, event: e }]
    expect: [{ at: "2026-01-01T10:00:00Z", rule: b, outcome: fired }]
`;
  assert.deepEqual(errorsOf(text), ['rule.yaml:7:14: the test expects a decision of an unknown rule "b"']);
});
