// The order in which the records of several sources are replayed, against an order made by sorting everything.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LogRecord } from '../../../schemas/record.ts';
import { BacktestInput, type InputOptions } from '../../../services/backtest/input.ts';
import type { ReplaySource, SourcePage } from '../../../services/backtest/replay-source.ts';

const ALL = { order: 'auto', outOfOrdernessMs: 0, from: -Infinity, to: Infinity } as const;

function recordOf(offset: number, timestamp: number): LogRecord {
  return { offset, timestamp, key: null, value: Buffer.from(String(timestamp)), headers: [] };
}

/** A source of records at these times; a negative time is one that nobody can read. */
class Given implements ReplaySource {
  readonly name = 'given';
  readonly input = { format: 'segment', entity: 'user' } as const;
  readonly size: number;
  readonly isReopenable: boolean;
  readonly missing = null;
  readonly kind: ReplaySource['kind'];
  readonly #times: readonly number[];
  readonly #pageLength: number;
  opened = 0;
  open = 0;

  constructor(times: readonly number[], pageLength = 2, kind: ReplaySource['kind'] = 'topic') {
    this.#times = times;
    this.#pageLength = pageLength;
    this.size = times.length;
    this.kind = kind;
    this.isReopenable = kind === 'file';
  }

  async *pages(): AsyncGenerator<SourcePage> {
    this.opened++;
    this.open++;
    try {
      for (let from = 0; from < this.#times.length; from += this.#pageLength) {
        const times = this.#times.slice(from, from + this.#pageLength);
        yield { records: times.map((time, i) => recordOf(from + i, time)), refused: [], done: from + times.length };
      }
    } finally {
      this.open--;
    }
  }

  timeOf({ timestamp }: LogRecord): number | null {
    return timestamp < 0 ? null : timestamp;
  }

  placeOf(offset: number): number {
    return offset;
  }
}

/** `input:offset` of all records, in the order in which they are replayed. */
async function orderOf(sources: readonly ReplaySource[], options: Partial<InputOptions> = {}): Promise<string[]> {
  const seen: string[] = [];
  for await (const { runs } of new BacktestInput({ ...ALL, sources, ...options }).batches()) {
    for (const { input, records } of runs) seen.push(...records.map(({ offset }) => `${input}:${offset}`));
  }
  return seen;
}

/** Each record by the newest time of its source up to there; ties by source, then by place. */
function expected(all: readonly (readonly number[])[]): string[] {
  const rows = all.flatMap((times, input) =>
    times.map((_, offset) => ({ key: Math.max(-1, ...times.slice(0, offset + 1)), input, offset })),
  );
  rows.sort((a, b) => a.key - b.key || a.input - b.input || a.offset - b.offset);
  return rows.map(({ input, offset }) => `${input}:${offset}`);
}

const times = fc.array(fc.integer({ min: -1, max: 30 }), { maxLength: 12 });

test('sources are merged by the newest event of each, ties in the order of naming, however they come in pages', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(times, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 5 }),
      async (all, cut) => {
        const sources = all.map((each) => new Given(each, cut));
        assert.deepEqual(await orderOf(sources), expected(all));
        assert.ok(sources.every(({ open }) => open === 0));
      },
    ),
    { numRuns: 300 },
  );
});

test('sources that are in order come out as one sequence in order of time', async () => {
  const even = new Given([0, 2, 4, 6, 8]);
  const odd = new Given([1, 3, 5, 7, 9], 3);
  const order = await orderOf([even, odd]);
  assert.deepEqual(order, ['0:0', '1:0', '0:1', '1:1', '0:2', '1:2', '0:3', '1:3', '0:4', '1:4']);
});

test('a file that is in no order is sorted, and merged with those that are', async () => {
  const unsorted = new Given([9, 8, 7, 6, 5, 4, 3, 2, 1, 0], 4, 'file');
  const topic = new Given([0, 5, 10]);
  const order = await orderOf([unsorted, topic]);
  assert.deepEqual(order, [
    ...['1:0', '0:9', '0:8', '0:7', '0:6', '0:5', '1:1', '0:4', '0:3', '0:2', '0:1', '0:0', '1:2'],
  ]);
});

test('of many files those that are not due yet are closed again after a look at them', async () => {
  const days = Array.from({ length: 40 }, (_, day) => {
    return new Given(
      Array.from({ length: 20 }, (_, i) => day * 100 + i),
      5,
      'file',
    );
  });
  let most = 0;
  const onProgress = (): void => {
    most = Math.max(
      most,
      days.reduce((sum, { open }) => sum + open, 0),
    );
  };
  const order = await orderOf(days, { onProgress });
  assert.equal(order.length, 800);
  assert.ok(most <= 2, `${most} were open at a time`);
  assert.ok(days.every(({ opened }) => opened === 2));
});

test('a time that no event can have puts nothing behind everything else', async () => {
  const strange = new Given([1, 1_000_000, 2, 3]);
  const other = new Given([2, 4]);
  const order = await orderOf([strange, other], { eventTime: { min: 0, max: 100 } });
  assert.deepEqual(order, ['0:0', '0:1', '0:2', '1:0', '0:3', '1:1']);
});

test('a period is cut out of every source, and what has no time stays for intake to refuse', async () => {
  const sources = [new Given([1, 5, -1, 9]), new Given([4, 6])];
  const input = new BacktestInput({ ...ALL, sources, from: 5, to: 9 });
  const seen: string[] = [];
  for await (const { runs } of input.batches()) {
    for (const { input: place, records } of runs) seen.push(...records.map(({ timestamp }) => `${place}:${timestamp}`));
  }
  assert.deepEqual(seen, ['0:5', '0:-1', '1:6']);
  assert.equal(input.skipped, 3);
});
