import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cappedMessages } from '../../../rules/gates/cap.ts';
import type { GateContext } from '../../../rules/gates/gate.ts';
import type { CompiledRule } from '../../../rules/project/compiled-rule.ts';
import { Sections } from '../../../schemas/section.ts';
import { candidateOf, channelGateOf, check, compiled, OPTIONS } from '../kit.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A Monday. */
const MONDAY = Date.UTC(2026, 0, 5, 12);
const RULE = compiled('{ id: a, when: { event: paid }, category: news, then: [{ send: { channel: webhook } }] }');
const OTHER = compiled('{ id: b, when: { event: paid }, then: [{ send: { channel: webhook } }] }');

function withCaps(text: string): GateContext {
  const { ruleSet, errors } = check('{ id: x, when: { event: x } }', {
    context: { caps: [{ file: 'caps.yaml', text }] },
  });
  assert.deepEqual(errors, []);
  return { ...ruleSet.context, channels: OPTIONS.channels };
}

function fits(around: GateContext, at: number, sections: Sections): boolean {
  const candidate = candidateOf(RULE, at, {}, { around, sections });
  return channelGateOf(RULE, 'cap').allows({ ...candidate, at, before: [] }, 'webhook');
}

function remember(around: GateContext, rule: CompiledRule, at: number, sections: Sections): void {
  const candidate = candidateOf(rule, at, {}, { around, sections });
  channelGateOf(rule, 'cap').sent!({ ...candidate, at, before: [] }, 'webhook');
}

/** Whether one more fits for someone of whom what was sent up to `forgotten` is no longer known. */
function fitsAfter(cap: string, forgotten: number, at: number): boolean {
  const sections = new Sections();
  sections.put(cappedMessages, { fired: [], forgotten });
  return fits(withCaps(cap), at, sections);
}

test('one so late that what it must be held against is forgotten is refused, and one after that is not (C1)', () => {
  for (const [per, reach] of [
    ['1h', HOUR],
    ['day', 2 * DAY],
    ['week', 9 * DAY],
  ] as const) {
    const cap = `- { max: 9, per: ${per}, timezone: UTC }`;
    assert.equal(fitsAfter(cap, MONDAY, MONDAY + reach - 1), false, per);
    assert.equal(fitsAfter(cap, MONDAY, MONDAY + reach), true, per);
    assert.equal(fitsAfter(cap, -1, 0), true, 'nothing is forgotten yet');
  }
});

test('what a cap of a week counts outlives what is sent later in the week (C1)', () => {
  const around = withCaps(
    '- { max: 1, per: week, category: news, timezone: UTC }\n- { max: 900, per: day, timezone: UTC }',
  );
  const sections = new Sections();
  remember(around, RULE, MONDAY, sections);
  remember(around, OTHER, MONDAY + 5 * DAY, sections);
  assert.equal(fits(around, MONDAY + 6 * DAY, sections), false);
  assert.equal(fits(around, MONDAY + 7 * DAY, sections), true);
});

test('what no cap will ask for again is forgotten, twice as late as the longest of them asks, and up to when is noted (C2)', () => {
  const around = withCaps('- { max: 5, per: 1h }\n- { max: 5, per: 3h, channel: webhook }');
  const sections = new Sections();
  for (const at of [0, 1, 6 * HOUR, 6 * HOUR + 1]) remember(around, RULE, at, sections);
  const { fired, forgotten } = sections.open(cappedMessages)!;
  assert.deepEqual(
    fired.map(({ at }) => at),
    [6 * HOUR, 6 * HOUR + 1],
  );
  assert.equal(forgotten, 1);
});

test('of someone who is sent without end a bounded number is kept, and the oldest goes (C2)', () => {
  const around = withCaps('- { max: 1000, per: 1h }');
  const sections = new Sections();
  const known = Array.from({ length: 4_000 }, (_, at) => ({ at, category: null, channels: ['webhook'] }));
  sections.put(cappedMessages, { fired: known, forgotten: -1 });
  remember(around, RULE, 4_000, sections);
  const { fired, forgotten } = sections.open(cappedMessages)!;
  assert.deepEqual([fired.length, fired[0]!.at, fired.at(-1)!.at], [4_000, 1, 4_000]);
  assert.equal(forgotten, 0);
});
