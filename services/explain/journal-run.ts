// Runs the task that evaluated an entity again, from its journal: the same inputs, in the same order, with the same
// looks at the clock, so that what was late, or came just in time, is so again (I1). Only the one entity is evaluated.
//
// Owns: walking journal and inputs side by side. Does not own: the task (topology/engine/task.ts), what is noted
// (tracer.ts).
//
// Invariants:
//   J1. Memory does not grow with the journal or the inputs: both are read a page at a time.
//   J2. It reads what is committed, and writes nothing.

import { Counters } from '../../lib/counters.ts';
import type { LogRecord } from '../../schemas/record.ts';
import { CachedDocumentStore } from '../../state/store/document-store.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import type { SubTopology } from '../../topology/engine/builder.ts';
import { type JournalStep, journalCodec } from '../../topology/engine/journal.ts';
import { type Log, partitionKey, type TopicPartition } from '../../topology/engine/ports.ts';
import { Task } from '../../topology/engine/task.ts';
import { taskId, taskInputs } from '../../topology/engine/tasks.ts';
import { journalTopic } from '../../topology/engine/topics.ts';
import { readPartition } from '../topics/read-topic.ts';

export interface JournalRunOptions {
  readonly log: Log;
  readonly application: string;
  /** The part that evaluates, with a trace, and the partition of the entity. */
  readonly part: SubTopology;
  readonly partition: number;
  readonly outOfOrdernessMs: number;
}

const CACHE_BYTES = 4 * 1024 * 1024;

/** What could not be had, in words. */
export async function runFromJournal(options: JournalRunOptions): Promise<readonly string[]> {
  const { log, application, part, partition, outOfOrdernessMs } = options;
  const id = taskId(part, partition);
  const partitions = await log.admin.topics();
  const inputs = taskInputs(part, partition, partitions);
  const store = new MemoryStore();
  const documents = new CachedDocumentStore(store, part.store!.spec.documents, { cacheBytes: CACHE_BYTES });
  const task = new Task({
    id,
    partition,
    part,
    inputs,
    outOfOrdernessMs,
    documents,
    counters: new Counters(),
    emit: () => {},
  });
  const notes: string[] = [];
  const cursors = new Map(inputs.map((input) => [partitionKey(input), new Cursor(log, input)]));
  for (const input of inputs) {
    const { first } = await log.admin.offsets(input);
    if (first > 0)
      notes.push(`${input.topic} begins at offset ${first}: what was there before is gone, and not seen here`);
  }
  const apply = async ({ kind, input, value }: JournalStep, names: readonly string[]): Promise<void> => {
    if (kind === 'rules') task.useVersion(value);
    if (kind === 'wall' && task.advanceWall(value)) await task.settle();
    if (kind !== 'read' && kind !== 'end') return;
    const place = inputs.findIndex((each) => partitionKey(each) === names[input]);
    // The configuration has changed since: what it reads no more is not evaluated again.
    if (place < 0) return;
    if (kind === 'end') {
      if (task.end(place, value)) await task.settle();
      return;
    }
    for await (const record of cursors.get(names[input]!)!.upTo(value)) {
      if (task.read(place, record)) await task.settle();
    }
  };
  try {
    let entries = 0;
    for await (const records of readPartition(log, { topic: journalTopic(application), partition })) {
      for (const { value } of records) {
        const entry = journalCodec.decode(value!);
        if (entry.task !== id) continue;
        entries++;
        for (const step of entry.steps) await apply(step, entry.inputs);
        await task.commitAlone();
      }
    }
    if (entries === 0) notes.push('no worker has evaluated anything yet');
  } finally {
    task.close();
    for (const cursor of cursors.values()) await cursor.close();
  }
  return notes;
}

/** Reads on in one partition, record by record. */
class Cursor {
  readonly #pages: AsyncGenerator<readonly LogRecord[]>;
  #page: readonly LogRecord[] = [];
  #next = 0;

  constructor(log: Log, from: TopicPartition) {
    this.#pages = readPartition(log, from);
  }

  /** The records that are left before this offset. */
  async *upTo(offset: number): AsyncGenerator<LogRecord> {
    for (;;) {
      const record = this.#page[this.#next];
      if (record === undefined) {
        const { value, done } = await this.#pages.next();
        if (done === true) return;
        this.#page = value;
        this.#next = 0;
        continue;
      }
      if (record.offset >= offset) return;
      this.#next++;
      yield record;
    }
  }

  async close(): Promise<void> {
    await this.#pages.return(undefined);
  }
}
