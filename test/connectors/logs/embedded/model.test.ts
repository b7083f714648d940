// Any sequence of transactions, aborts, reads, compactions and restarts gives the same answers as the log in memory.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { EmbeddedLog } from '../../../../connectors/logs/embedded/embedded-log.ts';
import { openEmbeddedLog } from '../../../../connectors/logs/embedded/embedded-log.ts';
import { seededRng } from '../../../../lib/rng.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { type MemoryLog, openMemoryLog } from '../../../../testing/memory-log.ts';
import type { Log, LogReader } from '../../../../topology/engine/ports.ts';
import { at, record, text } from '../../../contract/log-kit.ts';
import { CrashDisk } from './crash-disk.ts';

const PARTITIONS = ['events/0', 'events/1', 'profiles/0'];
const POSITIONS = [at('events', 0, 0), at('events', 1, 0), at('profiles', 0, 0)];

const newRecord = fc
  .record({
    where: fc.constantFrom(...PARTITIONS),
    key: fc.option(fc.constantFrom('a', 'b', 'c', ''), { freq: 5 }),
    value: fc.option(fc.string({ maxLength: 60 }), { freq: 4 }),
    timestamp: fc.integer({ min: -5, max: 2 ** 45 }),
    headers: fc.array(fc.tuple(fc.string({ maxLength: 5 }), fc.uint8Array({ maxLength: 5 })), { maxLength: 2 }),
  })
  .map(({ where, key, value, timestamp, headers }) => ({ ...record(where, value, key), timestamp, headers }));

const operation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('transaction' as const),
      records: fc.array(newRecord, { maxLength: 8 }),
      offset: fc.nat({ max: 100 }),
      aborts: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('read' as const), maxBytes: fc.integer({ min: 1, max: 400 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('seek' as const),
      offsets: fc.array(fc.nat({ max: 30 }), { minLength: 3, maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clean' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('days' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
);

type Operation = typeof operation extends fc.Arbitrary<infer Op> ? Op : never;

class Pair {
  readonly #clock = new FakeClock();
  readonly #disk = new CrashDisk(seededRng(1));
  readonly #model: MemoryLog = openMemoryLog({ clock: this.#clock });
  #log!: EmbeddedLog;
  #readers!: readonly [LogReader, LogReader];

  async open(): Promise<void> {
    await this.#reopen();
    for (const log of this.#logs()) {
      await log.admin.createTopics([
        { topic: 'events', partitions: 2 },
        { topic: 'profiles', partitions: 1, compacted: true },
      ]);
    }
  }

  async perform(op: Operation): Promise<void> {
    switch (op.kind) {
      case 'transaction':
        return this.#same((log) => this.#transaction(log, op));
      case 'read':
        return this.#readOn(op.maxBytes);
      case 'seek':
        for (const reader of this.#readers)
          reader.assign(POSITIONS.map((where, i) => ({ ...where, offset: op.offsets[i]! })));
        return;
      case 'clean':
        this.#model.clean();
        await this.#log.clean({ force: true });
        return;
      case 'days':
        return this.#clock.advance(25 * 3_600_000);
      case 'reopen':
        return this.#reopen();
    }
  }

  /** Compares everything: ends, positions, records. */
  async compare(): Promise<void> {
    for (const where of POSITIONS) await this.#same((log) => log.admin.offsets(where));
    await this.#same((log) => log.admin.committed('group', POSITIONS));
    for (const reader of this.#readers) reader.assign(POSITIONS);
    await this.#readOn(Number.MAX_SAFE_INTEGER);
    await this.#log.close();
  }

  async #reopen(): Promise<void> {
    await this.#log?.close();
    const options = { dir: '/disk/data', clock: this.#clock, segmentBytes: 250, cleanEveryMs: 0 };
    this.#log = await openEmbeddedLog({ ...options, fileSystem: this.#disk });
    this.#readers = [this.#log.openReader(), this.#model.openReader()];
  }

  async #transaction(log: Log, op: Operation & { kind: 'transaction' }): Promise<unknown> {
    const writer = await log.openWriter('writer');
    writer.send(op.records);
    if (op.aborts) return writer.abort();
    const ends = await writer.commit('group', [{ ...at('events', 1, op.offset), metadata: `${op.offset}` }]);
    return [...ends].sort();
  }

  /** Both read until the records that are there are read; how they are dealt out to answers may differ. */
  async #readOn(maxBytes: number): Promise<void> {
    const [actual, expected] = await Promise.all(this.#readers.map((reader) => drained(reader, maxBytes)));
    assert.deepEqual(actual, expected);
  }

  async #same(ask: (log: Log) => Promise<unknown>): Promise<void> {
    const [actual, expected] = await Promise.all(this.#logs().map(ask));
    assert.deepEqual(actual, expected);
  }

  #logs(): readonly [Log, Log] {
    return [this.#log, this.#model];
  }
}

async function drained(reader: LogReader, maxBytes: number): Promise<unknown> {
  const records = new Map<string, unknown[]>();
  for (;;) {
    const answer = await reader.read({ maxBytes, waitMs: 0 });
    for (const { topic, partition, records: some } of answer) {
      const all = records.get(`${topic}/${partition}`) ?? [];
      for (const { offset, timestamp, key, value, headers } of some) {
        const named = headers.map(([name, content]) => [name, [...content]]);
        all.push([offset, timestamp, text(key), text(value), named]);
      }
      records.set(`${topic}/${partition}`, all);
    }
    if (answer.every(({ nextOffset, endOffset }) => nextOffset >= endOffset)) return records;
  }
}

test('the embedded log answers as the log in memory does, whatever is done', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async (operations) => {
      const pair = new Pair();
      await pair.open();
      for (const op of operations) await pair.perform(op);
      await pair.compare();
    }),
    { numRuns: 150 },
  );
});
