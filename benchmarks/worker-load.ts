// Workers on a real cluster, as the benchmarks of Kafka run them: configuration, input, and how far they have come.
//
// Owns: making a worker's folder, writing events ahead, following committed positions. Does not own: what is measured.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { systemClock } from '../lib/clock.ts';
import { partitionOf } from '../lib/murmur2.ts';
import type { NewRecord } from '../schemas/record.ts';
import { WorkerProcess } from '../testing/worker-process.ts';
import type { Log } from '../topology/engine/ports.ts';
import { type EventOptions, eventLines } from './events.ts';

/** Thousands of events: a few megabytes. */
const CHUNKS_PER_COMMIT = 10;

export interface WorkerOptions {
  readonly application: string;
  readonly topic: string;
  readonly brokers: readonly string[];
  readonly rules: string;
  /** More of the configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** A worker that has not been started yet, in a folder of its own under `root`. */
export function workerIn(root: string, number: number, options: WorkerOptions): WorkerProcess {
  const { application, topic, brokers, rules, config } = options;
  const folder = join(root, `${application}-${number}`);
  mkdirSync(join(folder, 'rules'), { recursive: true });
  writeFileSync(join(folder, 'rules', 'rules.yaml'), rules);
  const settings = {
    application,
    dataDir: './data',
    kafka: { brokers },
    rules: './rules',
    // What is sent stays on the topics, and the events are of another time.
    deliveredElsewhere: ['webhook', 'email', 'slack'],
    validFor: { operational: 'forever', marketing: 'forever' },
    sources: [{ topic, format: 'segment', keyed: true }],
    ...config,
  };
  return new WorkerProcess({ number, folder, config: stringify(settings) });
}

/**
 * Writes the events, keyed by user; returns how many bytes their values have. Through a log without transactions the topic
 * holds nothing but them, so that whoever has read it all has committed as many records as there are events.
 */
export async function writeAhead(log: Log, topic: string, partitions: number, options: EventOptions): Promise<number> {
  const writer = await log.openWriter(`bench-input-${topic}`);
  let bytes = 0;
  let chunks = 0;
  for (const chunk of eventLines(options)) {
    const records = chunk
      .toString('latin1')
      .trimEnd()
      .split('\n')
      .map((line): NewRecord => {
        const key = Buffer.from(/"userId":"([^"]*)"/.exec(line)![1]!);
        const value = Buffer.from(line, 'latin1');
        bytes += value.length;
        const partition = partitionOf(key, partitions);
        return { topic, partition, timestamp: systemClock.now(), key, value, headers: [] };
      });
    writer.send(records);
    chunks++;
    if (chunks % CHUNKS_PER_COMMIT === 0) await writer.commit(`bench-input-${topic}`, []);
  }
  await writer.commit(`bench-input-${topic}`, []);
  await writer.close();
  return bytes;
}

/** How many records of the topic a group has committed. A commit under way is not waited for. */
export async function committedRecords(log: Log, group: string, topic: string, partitions: number): Promise<number> {
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
  const positions = await log.admin.committed(group, all, { unsettled: true });
  return positions.reduce((sum, position) => sum + (position?.offset ?? 0), 0);
}

/** Where the topic ends, all partitions together. */
export async function endOf(log: Log, topic: string, partitions: number): Promise<number> {
  let sum = 0;
  for (let partition = 0; partition < partitions; partition++)
    sum += (await log.admin.offsets({ topic, partition })).end;
  return sum;
}
