// Dead letters as the log has them, and sending them on their way again.
//
// A replay leaves a marker in the dead-letter topic beside the letter: a record without value under the key
// `replayed/OFFSET`. It lives as long as the letters around it, and needs no store of its own.
//
// Invariants:
//   R1. Record and marker are one transaction, so a letter is replayed once however often a replay is broken off.
//   R2. The record goes back as it was (dead-letter.ts, L1) to the partition it came from, which is where the state of its
//       entity is, with one header more: REPLAYED_FROM.
//   R3. Memory holds one transaction of letters and, a partition at a time, the offsets of those replayed (I8).

import { asBuffer } from '../../lib/bytes.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import { type DeadLetter, PARTITION_OF_KEY, REPLAYED_FROM } from '../../schemas/dead-letter.ts';
import { deadLetterCodec } from '../../schemas/framed.ts';
import type { NewRecord, RecordHeader } from '../../schemas/record.ts';
import type { Log, LogWriter } from '../../topology/engine/ports.ts';
import { readPartition } from '../../topology/engine/read-partition.ts';
import type { Pause } from '../operation.ts';

const MARKER = 'replayed/';

/** One transaction: small enough to be held, large enough that a disk sync each does not count. */
const TRANSACTION_LETTERS = 1_000;
const TRANSACTION_BYTES = 8 * 1024 * 1024;

export interface FoundLetter {
  readonly letter: DeadLetter;
  /** Where the letter itself is in the dead-letter topic. */
  readonly partition: number;
  readonly offset: number;
  /** Time of the record that the letter has in it, ms; of a delivery's, when it was given up. */
  readonly timestamp: number;
  readonly replayed: boolean;
}

export interface LetterFilter {
  readonly reason?: string;
  /** Only those that came from this topic. */
  readonly topic?: string;
  /** Only those given up at or after this wall time, ms. */
  readonly since?: number;
  /** Only the letter there. */
  readonly at?: { readonly partition: number; readonly offset: number };
}

export interface Replayed {
  readonly replayed: number;
  /** Letters whose topic or partition is no more, by `topic/partition`. */
  readonly homeless: ReadonlyMap<string, number>;
}

/** All that the filter lets through, also those replayed already, by partition and offset. */
export async function* deadLetters(log: Log, topic: string, filter: LetterFilter): AsyncGenerator<FoundLetter> {
  const partitions = (await log.admin.topics()).get(topic) ?? 0;
  for (let partition = 0; partition < partitions; partition++) {
    if (filter.at !== undefined && filter.at.partition !== partition) continue;
    const done = await replayedOffsets(log, topic, partition);
    for await (const records of readPartition(log, { topic, partition })) {
      for (const { offset, timestamp, value } of records) {
        if (value === null || (filter.at !== undefined && filter.at.offset !== offset)) continue;
        const letter = deadLetterCodec.decode(value);
        if (filter.reason !== undefined && filter.reason !== letter.reason) continue;
        if (filter.topic !== undefined && filter.topic !== letter.topic) continue;
        if (filter.since !== undefined && letter.at < filter.since) continue;
        const time = letter.timestamp ?? timestamp;
        yield { letter, partition, offset, timestamp: time, replayed: done.has(offset) };
      }
    }
  }
}

export interface ReplayOptions {
  readonly topic: string;
  readonly group: string;
  readonly filter: LetterFilter;
  /** Called after each transaction; what it throws ends the replay there. */
  readonly pause?: Pause;
}

/**
 * Sends the letters that were not replayed yet back to where they came from.
 * Throws what LogWriter.commit and `pause` throw; what was committed before that stays replayed.
 */
export async function replayLetters(log: Log, writer: LogWriter, options: ReplayOptions): Promise<Replayed> {
  const { topic, group, filter, pause } = options;
  const partitions = await log.admin.topics();
  const homeless = new Map<string, number>();
  let replayed = 0;
  let letters = 0;
  let bytes = 0;
  const commit = async (): Promise<void> => {
    if (letters > 0) await writer.commit(group, []);
    replayed += letters;
    letters = 0;
    bytes = 0;
    await pause?.();
  };
  for await (const found of deadLetters(log, topic, filter)) {
    if (found.replayed) continue;
    const { letter } = found;
    const partition = homeOf(letter, partitions.get(letter.topic) ?? 0);
    if (partition === null) {
      const home = `${letter.topic}/${letter.partition}`;
      homeless.set(home, (homeless.get(home) ?? 0) + 1);
      continue;
    }
    writer.send([original(found, partition), marker(topic, found)]);
    letters++;
    bytes += letter.value?.length ?? 0;
    if (letters >= TRANSACTION_LETTERS || bytes >= TRANSACTION_BYTES) await commit();
  }
  await commit();
  return { replayed, homeless };
}

async function replayedOffsets(log: Log, topic: string, partition: number): Promise<ReadonlySet<number>> {
  const offsets = new Set<number>();
  for await (const records of readPartition(log, { topic, partition })) {
    for (const { key, value } of records) {
      if (value !== null || key === null) continue;
      const text = Buffer.from(key).toString('utf8');
      if (text.startsWith(MARKER)) offsets.add(Number(text.slice(MARKER.length)));
    }
  }
  return offsets;
}

/** R2. Null: it is no more. */
function homeOf({ partition, key }: DeadLetter, partitions: number): number | null {
  if (partition === PARTITION_OF_KEY && partitions > 0 && key !== null) return partitionOf(asBuffer(key), partitions);
  return partition >= 0 && partition < partitions ? partition : null;
}

function original({ letter, partition, offset, timestamp }: FoundLetter, to: number): NewRecord {
  const headers = letter.headers
    .filter(({ name }) => name !== REPLAYED_FROM)
    .map(({ name, value }): RecordHeader => [name, value]);
  headers.push([REPLAYED_FROM, Buffer.from(`${partition}:${offset}`)]);
  const { topic, key, value } = letter;
  return { topic, partition: to, timestamp, key, value, headers };
}

function marker(topic: string, { partition, offset, timestamp }: FoundLetter): NewRecord {
  return { topic, partition, timestamp, key: Buffer.from(`${MARKER}${offset}`), value: null, headers: [] };
}
