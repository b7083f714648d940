import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { verdictOn } from '../../../processors/decide/decide.ts';
import { isChannelGate } from '../../../rules/gates/gate.ts';
import type { CompiledRule } from '../../../rules/project/compiled-rule.ts';
import type { RuleMemory } from '../../../state/entity/rule-memories.ts';
import { candidateOf, compiled } from '../../rules/kit.ts';

const HOUR = 3_600_000;
const BARE =
  'id: one\nwhen: { event: paid }\nthen: [{ send: { channel: webhook } }, { send: { channel: pagerduty } }]\n';

function memoryOf(times: readonly number[], fields: Partial<RuleMemory> = {}): RuleMemory {
  const fired = times.map((at) => ({ key: '', at }));
  return { rule: 'one', fired, forgotten: -1, instances: [], ...fields };
}

function refusalAt(rule: CompiledRule, at: number, fired: RuleMemory, firedKey = ''): string | null {
  const candidate = candidateOf(rule, at, { profile: { plan: 'free' } }, { fired, firedKey });
  const { reason, refusal } = verdictOn(candidate);
  assert.deepEqual(refusal, reason === null ? null : { until: null }, 'who is refused does not wait');
  assert.deepEqual(
    candidate.routes.map(({ channels, passedOver }) => [channels, passedOver]),
    rule.program.sends.map(({ channels }) => [channels, []]),
    'no way of any send is taken out',
  );
  return reason;
}

/** How long its fired decisions matter to the rule's gates, ms. */
function historyMsOf(rule: CompiledRule): number {
  return Math.max(0, ...rule.gates.map((gate) => (isChannelGate(gate) ? 0 : (gate.historyMs ?? 0))));
}

test('a rule without gates lets everything through', () => {
  assert.equal(refusalAt(compiled(BARE), 5, memoryOf([1, 2, 3])), null);
  assert.equal(historyMsOf(compiled(BARE)), 0);
});

test('of several reasons the first in order is given: disabled, condition, cooldown, limit', () => {
  const all = `${BARE}cooldown: 1h\nlimit: [{ max: 1, per: 1h }]\n`;
  const memory = memoryOf([10]);
  assert.equal(refusalAt(compiled(`${all}enabled: false\nif: 'profile.plan == "pro"'`), 20, memory), 'disabled');
  assert.equal(refusalAt(compiled(`${all}if: 'profile.plan == "pro"'`), 20, memory), 'condition');
  assert.equal(refusalAt(compiled(`${all}if: 'profile.plan == "free"'`), 20, memory), 'cooldown');
  assert.equal(refusalAt(compiled(all.replace('cooldown: 1h\n', '')), 20, memory), 'limit');
});

test('after a decision at t a cooldown of D refuses up to t + D - 1 ms, and allows at t + D', () => {
  const rule = compiled(`${BARE}cooldown: 1h`);
  assert.equal(refusalAt(rule, 100 + HOUR - 1, memoryOf([100])), 'cooldown');
  assert.equal(refusalAt(rule, 100 + HOUR, memoryOf([100])), null);
});

test('a candidate that comes late is held against the decision stamped after it too (G2)', () => {
  const rule = compiled(`${BARE}cooldown: 1h`);
  assert.equal(refusalAt(rule, 50, memoryOf([100])), 'cooldown');
});

test('each key of a cooldown cools down by itself', () => {
  const rule = compiled(`${BARE}cooldown: { for: 1h, key: 'event.properties.cart' }`);
  const memory = memoryOf([], { fired: [{ key: 'a', at: 100 }] });
  assert.equal(refusalAt(rule, 200, memory, 'a'), 'cooldown');
  assert.equal(refusalAt(rule, 200, memory, 'b'), null);
});

test('a limit counts the sliding window (t - per, t]', () => {
  const rule = compiled(`${BARE}limit: [{ max: 2, per: 1h }]`);
  assert.equal(refusalAt(rule, HOUR, memoryOf([1, 2])), 'limit');
  assert.equal(refusalAt(rule, HOUR + 1, memoryOf([1, 2])), null);
  assert.equal(refusalAt(rule, HOUR + 1, memoryOf([2, 3])), 'limit');
});

test('every limit must allow', () => {
  const rule = compiled(`${BARE}limit: [{ max: 5, per: 1h }, { max: 1, per: 1m }]`);
  assert.equal(refusalAt(rule, 100, memoryOf([50])), 'limit');
  assert.equal(historyMsOf(rule), HOUR);
});

test('whatever order candidates come in, no window ever holds more than the limit, and none is refused needlessly (I4)', () => {
  const rule = compiled(`${BARE}limit: [{ max: 2, per: 10ms }]`);
  const holds = (times: readonly number[]): boolean =>
    times.every((at) => times.filter((other) => other > at - 10 && other <= at).length <= 2);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 25 }), (candidates) => {
      const fired: number[] = [];
      for (const at of candidates) {
        const refused = refusalAt(rule, at, memoryOf(fired)) !== null;
        assert.equal(refused, !holds([...fired, at]));
        if (!refused) fired.push(at);
      }
    }),
    { numRuns: 500 },
  );
});

test('a candidate so late that what it must be held against is forgotten is refused (G2)', () => {
  const forgotten = memoryOf([], { forgotten: 5 * HOUR });
  assert.equal(refusalAt(compiled(`${BARE}cooldown: 1h`), 6 * HOUR - 1, forgotten), 'cooldown');
  assert.equal(refusalAt(compiled(`${BARE}cooldown: 1h`), 6 * HOUR, forgotten), null);
  assert.equal(refusalAt(compiled(`${BARE}limit: [{ max: 9, per: 1h }]`), 6 * HOUR - 1, forgotten), 'limit');
  assert.equal(refusalAt(compiled(`${BARE}limit: [{ max: 9, per: 1h }]`), 6 * HOUR, forgotten), null);
});
