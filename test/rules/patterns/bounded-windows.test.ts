// What the patterns over figures keep is bounded, and exact as far as they say.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ruleSetOf } from '../../../rules/index.ts';
import type { BaselineState } from '../../../rules/patterns/baseline.ts';
import type { CompoundState } from '../../../rules/patterns/compound.ts';
import type { AtMostState } from '../../../rules/patterns/count/at-most.ts';
import type { DistinctState } from '../../../rules/patterns/count/distinct.ts';
import { PATTERN_STATES } from '../../../rules/patterns/index.ts';
import type { PatternState } from '../../../rules/patterns/pattern.ts';
import type { SessionState } from '../../../rules/patterns/session/figures.ts';
import type { AggregateState } from '../../../rules/patterns/window-rows.ts';
import { Section } from '../../../schemas/section.ts';
import { entityDocumentSpec } from '../../../state/entity/codec.ts';
import { type EntityDocument, emptyEntityDocument } from '../../../state/entity/document.ts';
import { documentBytes, documentOf } from '../../../state/store/stored-document.ts';
import { compiled, event, PatternRun } from '../kit.ts';

function aggregate(fields: string, options = {}): PatternRun {
  return new PatternRun(compiled(`{ id: a, when: { aggregate: { event: e, ${fields} } } }`, options));
}

const at = (time: number, value: number) => event('e', time, { value });

function rowsOf(run: PatternRun): number {
  assert.equal(run.state?.kind, 'aggregate');
  return (run.state as AggregateState).times.length;
}

/** How many bytes the state takes in its entity's document, whether they come back the same, and what comes back. */
function stored(state: PatternState): { bytes: number; isSame: boolean; back: PatternState } {
  const spec = entityDocumentSpec(() => ruleSetOf([]));
  const codec = PATTERN_STATES.get(state.kind)!;
  const document: EntityDocument = emptyEntityDocument();
  const empty = documentBytes(spec, document).length;
  document.rules.add({ rule: 'a', fired: [], forgotten: -1, instances: [{ by: '', state: Section.of(codec, state) }] });
  const bytes = documentBytes(spec, document);
  const back = documentOf(spec, bytes);
  const isSame = Buffer.compare(documentBytes(spec, back), bytes) === 0;
  return { bytes: bytes.length - empty, isSame, back: back.rules.get('a')!.instances[0]!.state.open(codec)! };
}

test('a sum is exact to the millisecond while a window has at most 1000 events (W1)', () => {
  const run = aggregate('sum: event.properties.value, within: 1000s, above: 999');
  for (let i = 0; i < 999; i++) run.see(at(i * 1_000 + 7, 1));
  assert.deepEqual(run.times, []);
  run.see(at(999_000, 1));
  assert.deepEqual(run.times, [999_000]);
  assert.equal(rowsOf(run), 1_000);
});

test('beyond that, rows never exceed their bound, however many events come (W2)', () => {
  const run = aggregate('sum: event.properties.value, within: 1h, above: 5000');
  let most = 0;
  for (let i = 0; i < 20_000; i++) {
    run.see(at(i * 500, 1));
    most = Math.max(most, rowsOf(run));
  }
  assert.equal(most, 1_000);
  const { bytes, back } = stored(run.state!);
  assert.ok(bytes < 20_000, `${bytes} bytes`);
  assert.deepEqual(back, run.state);
});

test('the resolution is then a 500th of the window: a sum crosses at most a step from where it does exactly (W2)', () => {
  const run = aggregate('sum: event.properties.value, within: 1000s, above: 1950');
  // Two events a second fill the window with 2000, one in two seconds empties it again, four a second fill it.
  const times = [
    ...Array.from({ length: 2_000 }, (_, i) => i * 500),
    ...Array.from({ length: 60 }, (_, i) => 1_000_000 + i * 2_000),
    ...Array.from({ length: 600 }, (_, i) => 1_120_000 + i * 250),
  ];
  const sumAt = (time: number): number => times.filter((one) => one > time - 1_000_000 && one <= time).length;
  const exact = times.find((time) => time >= 1_120_000 && sumAt(time) > 1_950)!;
  for (const time of times) run.see(at(time, 1));
  assert.equal(run.times[0], 975_000);
  assert.ok(Math.abs(run.times[1]! - exact) <= 2_000, `${run.times[1]} for ${exact}`);
});

test('min, max and last keep the rows that can still matter only (W3)', () => {
  const rising = aggregate('min: event.properties.value, within: 1h, above: 1e9', { outOfOrdernessMs: 0 });
  const falling = aggregate('min: event.properties.value, within: 1h, above: 1e9', { outOfOrdernessMs: 0 });
  const last = aggregate('last: event.properties.value, within: 1h, above: 1e9', { outOfOrdernessMs: 0 });
  for (let i = 0; i < 500; i++) {
    rising.see(at(i * 1_000, i));
    falling.see(at(i * 1_000, -i));
    last.see(at(i * 1_000, i));
  }
  assert.deepEqual([rowsOf(rising), rowsOf(falling), rowsOf(last)], [500, 1, 1]);
});

test('the rows of a min that were put together decide as the rows themselves do', () => {
  const run = aggregate('min: event.properties.value, within: 1000s, below: 0', { outOfOrdernessMs: 0 });
  for (let i = 0; i < 3_000; i++) run.see(at(i * 500, i));
  run.see(at(1_500_000, -1), at(1_500_500, -2), at(2_501_000, -3));
  assert.deepEqual(run.times, [1_500_000, 2_501_000]);
  assert.ok(rowsOf(run) <= 1_000);
});

test('distinct keeps the newest of each value, of those that matter (V3)', () => {
  const run = new PatternRun(
    compiled('{ id: a, when: { count: { event: e, distinct: event.properties.value, atLeast: 5, within: 7d } } }'),
  );
  for (let i = 0; i < 5_000; i++) run.see(at(i * 1_000, i % 50));
  assert.ok((run.state as DistinctState).entries.length <= 11);
  assert.deepEqual(run.times, [4_000]);
});

test('a number that falls needs one entry more than the bound (F3)', () => {
  const run = new PatternRun(compiled('{ id: a, when: { count: { event: e, atMost: 2, within: 7d } } }'));
  for (let i = 0; i < 1_000; i++) run.see(at(i * 1_000, i));
  assert.equal((run.state as AtMostState).entries.length, 3);
});

test('a baseline keeps one number a window, and nothing of an entity that went silent (L4)', () => {
  const run = new PatternRun(
    compiled('{ id: a, when: { baseline: { event: e, window: 1h, against: 4, dropBy: 50% } } }', {
      outOfOrdernessMs: 0,
    }),
  );
  for (let i = 0; i < 5_000; i++) run.see(at(i * 60_000, i));
  assert.equal((run.state as BaselineState).previous.length, 4);
  assert.ok(stored(run.state!).bytes < 100);
  run.passTo(5_000 * 60_000 + 6 * 3_600_000);
  assert.equal(run.state, null);
});

test('a threshold without an excursion, and a moment that is over, leave nothing in order of event time', () => {
  const hot = new PatternRun(
    compiled(
      '{ id: a, order: event-time, when: { threshold: { event: e, value: event.properties.value, above: 5 } } }',
    ),
  );
  hot.seeInOrder(at(0, 6));
  assert.notEqual(hot.state, null);
  hot.seeInOrder(at(1, 5));
  assert.equal(hot.state, null);
  const date = new PatternRun(compiled('{ id: a, when: { at: { event: e, date: event.properties.ends } } }'));
  date.seeInOrder(event('e', 0, { ends: '1970-01-02' }));
  assert.notEqual(date.state, null);
  date.passTo(86_400_000);
  assert.deepEqual([date.times, date.state], [[86_400_000], null]);
});

test('a session keeps figures and no events, and tells a thousand values apart', () => {
  const run = new PatternRun(
    compiled(`{ id: a, when: { session: { gap: 1h, when: 'session.distinct(event.properties.value) > 2000' } } }`),
  );
  for (let i = 0; i < 3_000; i++) run.seeInOrder(at(i, i));
  assert.equal((run.state as SessionState).distinct[0]!.values.length, 1_000);
  assert.equal(run.drops.length, 2_000);
  assert.deepEqual(stored(run.state!).back.kind, 'session');
  run.passTo(3_600_000 + 2_999);
  assert.equal(run.state, null);
});

test('the states of patterns in patterns come back from the document', () => {
  const run = new PatternRun(
    compiled(`
id: a
when:
  all:
    - count: { event: e, atLeast: 2, within: 1h }
    - any: [{ absence: { after: { event: e, as: start }, of: f, within: 1h } }, { event: g, as: start }]
    - sequence: { steps: [{ event: e }, { event: h }], within: 1h }
  within: 2h
if: start.event == "e"`),
  );
  run.seeInOrder(at(0, 1), at(1_000, 2));
  const { matched, inner } = run.state as CompoundState;
  assert.deepEqual([matched.length, inner.length], [1, 3]);
  const { isSame, back } = stored(run.state!);
  assert.equal(isSame, true);
  assert.deepEqual(
    (back as CompoundState).inner.map((one) => one.state.kind),
    ['count', 'compound', 'sequence'],
  );
});
