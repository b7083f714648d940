import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareDue, compareUtf8, DueHeap } from '../../../state/store/due-heap.ts';

interface Row {
  readonly key: string;
  readonly due: number;
}

const key = fc.constantFrom(
  'a',
  'b',
  'c',
  'ä',
  'ab',
  '\u{ffff}',
  '\u{10000}',
  ...Array.from({ length: 20 }, (_, i) => `k${i}`),
);
const due = fc.integer({ min: 0, max: 12 });
const operation = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('set' as const), key, due: fc.option(due, { nil: Infinity }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('keepFirst' as const), count: fc.integer({ min: 1, max: 8 }) }) },
);

/** The same by the simplest means: an array that is sorted when looked at. */
class SortedRows {
  rows: Row[] = [];

  set(name: string, at: number): void {
    this.rows = this.rows.filter((row) => row.key !== name);
    if (at !== Infinity) this.rows.push({ key: name, due: at });
    this.rows.sort((a, b) => compareDue(a.due, a.key, b.due, b.key));
  }
}

function drained(heap: DueHeap): Row[] {
  const rows: Row[] = [];
  for (let first = heap.peek(); first !== undefined; first = heap.peek()) {
    rows.push({ key: first.key, due: first.due });
    heap.set(first.key, Infinity);
  }
  return rows;
}

test('after any steps the heap gives what a sorted array gives (H1, H2)', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 80 }), (operations) => {
      const heap = new DueHeap();
      const model = new SortedRows();
      for (const step of operations) {
        if (step.do === 'set') {
          heap.set(step.key, step.due);
          model.set(step.key, step.due);
        } else {
          const last = heap.keepFirst(step.count);
          model.rows = model.rows.slice(0, step.count);
          assert.equal(last?.key, model.rows.at(-1)?.key);
        }
        assert.equal(heap.size, model.rows.length);
        assert.equal(heap.peek()?.key, model.rows[0]?.key);
        assert.equal(heap.peek()?.due, model.rows[0]?.due);
      }
      assert.deepEqual(drained(heap), model.rows);
    }),
    { numRuns: 500 },
  );
});

test('setting a key again and again does not make the heap grow (H1)', () => {
  const heap = new DueHeap();
  for (let i = 0; i < 10_000; i++) heap.set(`k${i % 10}`, i);
  assert.equal(heap.size, 10);
  assert.deepEqual(
    drained(heap).map((row) => row.due),
    [9_990, 9_991, 9_992, 9_993, 9_994, 9_995, 9_996, 9_997, 9_998, 9_999],
  );
});

test('strings compare as their UTF-8 bytes do', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      assert.equal(Math.sign(compareUtf8(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { numRuns: 1_000 },
  );
});
