import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelTraits } from '../../../connectors/channels/index.ts';
import { checkRules } from '../../../rules/index.ts';
import { lookBackMs } from '../../../services/backtest/look-back.ts';

const HOUR = 3_600_000;

function lookBackOf(text: string, caps = ''): number {
  const context = caps === '' ? {} : { caps: [{ file: 'caps.yaml', text: caps }] };
  const options = { outOfOrdernessMs: 0, entities: [], channels: channelTraits({}), context };
  const { ruleSet, bodies, errors } = checkRules([{ file: 'r.yaml', text: `id: r\n${text}` }], options);
  assert.deepEqual(errors, []);
  return lookBackMs(ruleSet.rule('r')!, bodies.get('r')!, ruleSet.context);
}

test('a rule looks back as far as the windows of its pattern and then of its gates', () => {
  assert.equal(lookBackOf('when: { event: x }'), 0);
  assert.equal(lookBackOf('when: { absence: { after: { event: x }, of: y, within: 2h } }'), 2 * HOUR);
  assert.equal(lookBackOf('when: { count: { event: x, atLeast: 3, within: 1h } }\ncooldown: 24h'), 25 * HOUR);
  assert.equal(lookBackOf('when: { inactive: { event: x, for: 7d } }'), 7 * 24 * HOUR);
  assert.equal(lookBackOf('when: { event: x }\nif: count("y", "3h") > 2'), 3 * HOUR);
  const nested = 'when: { all: [ { count: { event: x, atLeast: 2, within: 1h } }, { event: y } ], within: 4h }';
  assert.equal(lookBackOf(nested), 5 * HOUR);
});

test('caps count for rules that send, up to a week where they go by the calendar', () => {
  const sends = 'when: { event: x }\nthen: [{ send: { channel: webhook } }]';
  assert.equal(lookBackOf(sends, '- { max: 3, per: 2d }'), 48 * HOUR);
  assert.equal(lookBackOf(sends, '- { max: 3, per: day }'), 7 * 24 * HOUR);
  assert.equal(lookBackOf('when: { event: x }', '- { max: 3, per: 2d }'), 0);
});

test('what compares with whatever was last, or reads the profile, looks back without bound', () => {
  for (const text of [
    'when: { change: { of: profile.plan } }',
    'when: { threshold: { event: x, value: event.properties.v, above: 3 } }',
    'when: { sequence: { steps: [ { event: x }, { event: y } ] } }',
    'when: { event: x }\nif: profile.plan == "pro"',
    'when: { event: x }\nif: last("y") != null',
  ]) {
    assert.equal(lookBackOf(text), Infinity, text);
  }
});

test('a rule whose flows last looks back as long as all of its waits', () => {
  const rule = (then: string, more = ''): number => lookBackOf(`when: { event: x }\n${more}then: [${then}]`);
  const send = '{ send: { channel: webhook, data: { until: \'"later"\', atMost: 4h } } }';
  assert.equal(rule(`${send}, { wait: 2h }, ${send}`), 2 * HOUR);
  assert.equal(rule(`{ wait: { for: 90m } }, { waitFor: { event: y, atMost: 3h, then: [{ wait: 1h }] } }`), 5.5 * HOUR);
  assert.equal(rule('{ review: { atMost: 12h, onTimeout: approve } }'), 12 * HOUR);
  assert.equal(rule(`{ wait: 2h }, ${send}`, 'goal: { event: y, within: 3d }\n'), 72 * HOUR);
  assert.equal(rule('{ wait: { until: "09:00", days: [mon], timezone: UTC } }'), 8 * 24 * HOUR);
  assert.equal(rule('{ wait: { until: event.properties.at } }'), Infinity);
  assert.equal(rule('{ send: { channel: webhook, digest: { window: 6h } } }'), 6 * HOUR);
});

test('a rule that asks for flows of other rules looks back without bound', () => {
  assert.equal(lookBackOf('when: { event: x }\nexclusive: checkout\nthen: [{ send: { channel: webhook } }]'), Infinity);
});
