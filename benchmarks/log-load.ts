// The load of the benchmarks of logs: one writer, then one reader.
//
// Measured: records of 300 bytes with a key of 16, 1,000 a commit; then all of them read back.

import type { NewRecord } from '../schemas/record.ts';
import type { Log } from '../topology/engine/ports.ts';
import { elapsed, type Figure } from './figure.ts';

const RECORDS = 1_000_000;
const RECORDS_PER_COMMIT = 1_000;
const VALUE_BYTES = 300;
const PARTITIONS = 4;
const READ_BYTES = 4 * 1024 * 1024;

/** `scale` 1 writes and reads a million records. */
export async function measureLog(name: string, log: Log, scale: number): Promise<Figure[]> {
  await log.admin.createTopics([{ topic: 'events', partitions: PARTITIONS }]);
  const commits = Math.max(PARTITIONS, Math.round((RECORDS * scale) / RECORDS_PER_COMMIT));
  const records = commits * RECORDS_PER_COMMIT;
  const appendSeconds = (await elapsed(() => append(log, commits))).wall;
  const readSeconds = (await elapsed(() => readBack(log, records))).wall;
  return [
    { name: `${name}: append`, value: Math.round(records / appendSeconds), unit: 'records/s' },
    { name: `${name}: append`, value: Math.round(commits / appendSeconds), unit: 'commits/s' },
    { name: `${name}: read`, value: Math.round(records / readSeconds), unit: 'records/s' },
  ];
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
