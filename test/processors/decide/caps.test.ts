import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitsCaps, rememberForCaps } from '../../../processors/decide/caps.ts';
import type { CompiledCap } from '../../../rules/project/surroundings.ts';
import { emptyContext } from '../../../state/entity/context.ts';
import { contextOf, emptyEntityDocument } from '../../../state/entity/document.ts';
import { check, compiled } from '../../rules/kit.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A Monday. */
const MONDAY = Date.UTC(2026, 0, 5, 12);
const RULE = compiled('{ id: a, when: { event: paid }, category: news, then: [{ send: { channel: webhook } }] }');
const OTHER = compiled('{ id: b, when: { event: paid }, then: [{ send: { channel: webhook } }] }');

function capsOf(text: string): readonly CompiledCap[] {
  const { ruleSet, errors } = check('{ id: x, when: { event: x } }', {
    around: { caps: [{ file: 'caps.yaml', text }] },
  });
  assert.deepEqual(errors, []);
  return ruleSet.surroundings.caps;
}

/** Whether one more fits for someone of whom what was sent up to `forgotten` is no longer known. */
function fitsAfter(cap: string, forgotten: number, at: number): boolean {
  const context = { ...emptyContext(), forgotten };
  return fitsCaps(capsOf(cap), RULE, ['webhook'], at, () => ({}), context);
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
  const caps = capsOf(
    '- { max: 1, per: week, category: news, timezone: UTC }\n- { max: 900, per: day, timezone: UTC }',
  );
  const document = emptyEntityDocument();
  const fits = (at: number): boolean => fitsCaps(caps, RULE, ['webhook'], at, () => ({}), document.context);
  rememberForCaps(document, caps, RULE, ['webhook'], MONDAY);
  rememberForCaps(document, caps, OTHER, ['webhook'], MONDAY + 5 * DAY);
  assert.equal(fits(MONDAY + 6 * DAY), false);
  assert.equal(fits(MONDAY + 7 * DAY), true);
});

test('what no cap will ask for again is forgotten, twice as late as the longest of them asks, and up to when is noted (C2)', () => {
  const caps = capsOf('- { max: 5, per: 1h }\n- { max: 5, per: 3h, channel: webhook }');
  const document = emptyEntityDocument();
  const times = [0, 1, 6 * HOUR, 6 * HOUR + 1];
  for (const at of times) rememberForCaps(document, caps, RULE, ['webhook'], at);
  const context = contextOf(document);
  assert.deepEqual(
    context.fired.map(({ at }) => at),
    [6 * HOUR, 6 * HOUR + 1],
  );
  assert.equal(context.forgotten, 1);
});

test('of someone who is sent without end a bounded number is kept, and the oldest goes (C2)', () => {
  const caps = capsOf('- { max: 1000, per: 1h }');
  const document = emptyEntityDocument();
  const context = contextOf(document);
  context.fired = Array.from({ length: 4_000 }, (_, at) => ({ at, category: null, channels: ['webhook'] }));
  rememberForCaps(document, caps, RULE, ['webhook'], 4_000);
  assert.deepEqual([context.fired.length, context.fired[0]!.at, context.fired.at(-1)!.at], [4_000, 1, 4_000]);
  assert.equal(context.forgotten, 0);
});
