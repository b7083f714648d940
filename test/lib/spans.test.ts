import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRng } from '../../lib/rng.ts';
import { SPANS_MAX, type Span, Spans } from '../../lib/spans.ts';

const SPAN: Span = {
  name: 'turn',
  kind: 'internal',
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  parentSpanId: null,
  startMs: 1,
  endMs: 2,
  attributes: {},
  failed: false,
};

test('spans are taken once, and what does not fit is dropped and counted (S2)', () => {
  const spans = new Spans({ rng: seededRng(1), sampleRatio: 1 });
  for (let i = 0; i < SPANS_MAX + 3; i++) spans.add(SPAN);
  assert.equal(spans.dropped, 3);
  assert.equal(spans.take().length, SPANS_MAX);
  assert.equal(spans.take().length, 0);
  spans.add(SPAN);
  assert.deepEqual(spans.take(), [SPAN]);
});

test('of the traces that begin here as many are kept as the ratio says (S1)', () => {
  for (const [sampleRatio, least, most] of [
    [0, 0, 0],
    [0.1, 60, 140],
    [1, 1_000, 1_000],
  ] as const) {
    const spans = new Spans({ rng: seededRng(7), sampleRatio });
    const kept = Array.from({ length: 1_000 }, () => spans.sample()).filter(Boolean).length;
    assert.ok(kept >= least && kept <= most, `${kept} of 1000 at ${sampleRatio}`);
  }
});

test('ids have their length and are never all zeros, whatever the random numbers are', () => {
  for (const next of [0, 0.5, 1 - 2 ** -53]) {
    const spans = new Spans({ rng: { next: () => next }, sampleRatio: 1 });
    assert.match(spans.newTraceId(), /^(?!0+$)[0-9a-f]{32}$/);
    assert.match(spans.newSpanId(), /^(?!0+$)[0-9a-f]{16}$/);
  }
});
