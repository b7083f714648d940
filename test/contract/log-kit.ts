// Small helpers that tests of logs share.

import assert from 'node:assert/strict';
import type { LogRecord, NewRecord } from '../../schemas/record.ts';
import type { FakeClock } from '../../testing/fake-clock.ts';
import { until } from '../../testing/until.ts';
import type { Log, PartitionPosition, TopicPartition } from '../../topology/engine/ports.ts';

/** What helpers need of a test's context. */
export interface Cleanup {
  after(work: () => unknown): void;
}

/** Far longer than any partition of a test takes. */
const READ_MS = 60_000;

export const bytes = (text: string): Uint8Array => Buffer.from(text);

export const text = (value: Uint8Array | null): string | null => value && Buffer.from(value).toString();

/** A record of `topic/partition` such as `events/0`. */
export function record(where: string, value: string | null, key: string | null = null): NewRecord {
  const slash = where.lastIndexOf('/');
  return {
    topic: where.slice(0, slash),
    partition: Number(where.slice(slash + 1)),
    timestamp: 1_000,
    key: key === null ? null : bytes(key),
    value: value === null ? null : bytes(value),
    headers: [],
  };
}

/** Commits the records in one transaction of a writer of its own. */
export async function write(
  log: Log,
  records: readonly NewRecord[],
  id = 'writer',
): Promise<ReadonlyMap<string, number>> {
  const writer = await log.openWriter(id);
  writer.send(records);
  const ends = await writer.commit('group', []);
  await writer.close();
  return ends;
}

/** Every record of a partition from `offset` to its end, read in answers of about `maxBytes`. */
export async function readAll(
  log: Log,
  { topic, partition }: TopicPartition,
  { offset = 0, maxBytes = 1_000_000 }: { offset?: number; maxBytes?: number } = {},
): Promise<LogRecord[]> {
  const reader = log.openReader();
  reader.assign([{ topic, partition, offset }]);
  const records: LogRecord[] = [];
  try {
    for (const start = performance.now(); ; ) {
      const [fetched] = await reader.read({ maxBytes, waitMs: 0 });
      const { nextOffset, endOffset } = fetched!;
      records.push(...fetched!.records);
      if (nextOffset >= endOffset) return records;
      const isInTime = performance.now() - start < READ_MS;
      assert.ok(isInTime, `${topic}/${partition} is read up to ${nextOffset} of ${endOffset} only`);
    }
  } finally {
    await reader.close();
  }
}

/** Their values as text, in order. */
export async function valuesOf(log: Log, topic: string, partition = 0, offset = 0): Promise<(string | null)[]> {
  return (await readAll(log, { topic, partition }, { offset })).map(({ value }) => text(value));
}

export const at = (topic: string, partition: number, offset: number): PartitionPosition => ({
  topic,
  partition,
  offset,
});

/** Resolves once someone sleeps on the clock. */
export async function someoneSleeps(clock: FakeClock): Promise<void> {
  await until(() => clock.sleeping > 0, { message: 'someone sleeps on the clock' });
}
