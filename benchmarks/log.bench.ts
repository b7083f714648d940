// How fast the embedded log appends and reads, on a real disk, with one writer and one reader.
//
// Measured: records of 300 bytes with a key of 16, 1,000 a commit, each commit synced; then all of them read back,
// checksums checked. Not measured: other topics in the same commit, reading from a cold disk cache.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedLog } from '../connectors/embedded-log/index.ts';
import { systemClock } from '../lib/clock.ts';
import type { NewRecord } from '../schemas/record.ts';
import type { Log } from '../topology/ports.ts';
import { elapsed, type Figure } from './figure.ts';

const RECORDS = 1_000_000;
const RECORDS_PER_COMMIT = 1_000;
const VALUE_BYTES = 300;
const PARTITIONS = 4;
const READ_BYTES = 4 * 1024 * 1024;

/** `scale` 1 writes and reads a million records. */
export async function run(options: { scale: number }): Promise<Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), 'tripline-log-bench-'));
  const log = await openEmbeddedLog({ dir, clock: systemClock });
  try {
    await log.admin.createTopics([{ topic: 'events', partitions: PARTITIONS }]);
    const commits = Math.max(PARTITIONS, Math.round((RECORDS * options.scale) / RECORDS_PER_COMMIT));
    const records = commits * RECORDS_PER_COMMIT;
    const appendSeconds = (await elapsed(() => append(log, commits))).wall;
    const readSeconds = (await elapsed(() => readBack(log, records))).wall;
    return [
      { name: 'embedded log: append', value: Math.round(records / appendSeconds), unit: 'records/s' },
      { name: 'embedded log: append', value: Math.round(commits / appendSeconds), unit: 'commits/s' },
      { name: 'embedded log: read', value: Math.round(records / readSeconds), unit: 'records/s' },
    ];
  } finally {
    await log.close();
    await rm(dir, { recursive: true, force: true });
  }
}

async function append(log: Log, commits: number): Promise<void> {
  const writer = await log.openWriter('bench');
  const batches = Array.from({ length: PARTITIONS }, (_, partition) => madeUpRecords(partition));
  for (let i = 0; i < commits; i++) {
    writer.send(batches[i % PARTITIONS]!);
    await writer.commit('bench', [{ topic: 'events', partition: i % PARTITIONS, offset: i, metadata: '' }]);
  }
  await writer.close();
}

async function readBack(log: Log, expected: number): Promise<void> {
  const reader = log.openReader();
  reader.assign(Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: 'events', partition, offset: 0 })));
  let got = 0;
  while (got < expected) {
    for (const { records } of await reader.read({ maxBytes: READ_BYTES, waitMs: 0 })) got += records.length;
  }
  await reader.close();
}

function madeUpRecords(partition: number): NewRecord[] {
  return Array.from({ length: RECORDS_PER_COMMIT }, (_, i) => ({
    topic: 'events',
    partition,
    timestamp: 1_767_225_600_000 + i,
    key: Buffer.from(`user-${i}`.padEnd(16, '0')),
    value: Buffer.alloc(VALUE_BYTES, i),
    headers: [],
  }));
}
