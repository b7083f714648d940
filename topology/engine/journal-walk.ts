// Runs a task of a finished or running worker again, from its journal: the same inputs, in the same order, with the same looks
// at the clock and the same changes of rules, into a store of its own. What comes out is what the worker wrote (I1).
//
// Owns: walking journal and inputs side by side. Does not own: the task (task.ts), what becomes of its outputs, what is watched
// (both the caller's).
//
// Invariants:
//   J1. Memory does not grow with the journal or the inputs: both are read a page at a time, and steps are let go of.
//   J2. It reads what is committed, and writes nothing to the log.
//   J3. Nothing but inputs, journal and rules goes in: no clock, no committed state, no committed positions.
//   J4. What a worker took back, as an output that the log would have refused, is taken back here too, and is the same dead letter.
//   J5. Watermarks between tasks are left out: they are said when a commit is made, and a walk makes none.

import { assert } from '../../lib/assert.ts';
import type { LogRecord, NewRecord } from '../../schemas/record.ts';
import type { Message } from '../../state/processor.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import type { SinkNode, SubTopology } from './builder.ts';
import { Caution } from './caution.ts';
import { type JournalEntry, type JournalStep, journalCodec } from './journal.ts';
import { loneTask, type WaitingOutputs } from './lone-task.ts';
import { type OutputBounds, outputRecords } from './output-record.ts';
import { type Log, partitionKey, type TopicPartition } from './ports.ts';
import { readPartition } from './read-partition.ts';
import type { Task } from './task.ts';
import { taskId, taskInputs } from './tasks.ts';
import { journalTopic } from './topics.ts';

export interface JournalWalkOptions {
  readonly log: Log;
  readonly application: string;
  /** The part that the task is one of: with the rules that it had, by version. */
  readonly part: SubTopology;
  readonly partition: number;
  readonly outOfOrdernessMs: number;
  /** Told of each record that the task would write. `at`: the step of whose doing it is. */
  readonly emit: (record: NewRecord, at: WalkedStep) => void;
  /** Where what is emitted waits; left out: it does not wait. */
  readonly outputs?: WaitingOutputs;
  /** Told of entries that do not go on where the one before them ended; left out: nobody is. */
  readonly gap?: (gap: JournalGap) => void;
  /**
   * What is done where the journal names an input that the part no longer reads: `skip` leaves out what came by it, `refuse`
   * takes it for a bug of the caller.
   */
  readonly strangeInputs: 'skip' | 'refuse';
  /** Bytes of decoded documents kept; default 4 MB. */
  readonly cacheBytes?: number;
  /** Documents are written to the store whenever this much waits, in estimated heap bytes; default as `cacheBytes`. */
  readonly dirtyBytesMax?: number;
  /** Called after every some thousand records, and waits: whoever shares the thread with others lets them have it, or throws. */
  readonly pause?: () => Promise<void>;
}

/** A step of a journal. */
export interface WalkedStep {
  /** Offset of its entry in the journal. */
  readonly entry: number;
  readonly kind: JournalStep['kind'];
  /** Of a read: the record, `topic/partition` and offset; null of any other. */
  readonly record: { readonly input: string; readonly offset: number } | null;
}

/** An entry that goes on elsewhere than the one before it ended: what was between them is missing. */
export interface JournalGap {
  /** Offset of the entry in the journal. */
  readonly entry: number;
  /** `topic/partition` for its position, `wall`, `streamTime` or `rules`. */
  readonly of: string;
  readonly ended: number;
  readonly goesOn: number;
}

/** What a walk could not see. */
export interface JournalWalk {
  /** Entries of the task's journal; 0: no worker has run it yet. */
  readonly entries: number;
  /** End of the journal's partition as of which it was walked. */
  readonly end: number;
  /** Inputs whose first records are gone, and where they begin now. */
  readonly shortened: readonly (TopicPartition & { readonly first: number })[];
  /** Inputs that the journal names and the part no longer reads, as `topic/partition`. */
  readonly skipped: readonly string[];
}

/** A walk follows few entities closely; what is not here is read from memory all the same. */
const CACHE_BYTES = 4 * 1024 * 1024;
/** Steps that the walked task has noted itself, before they are let go of (J1). */
const STEPS_MAX = 10_000;
/** Some ten ms of work between two pauses. */
const PAUSE_RECORDS = 5_000;

/** Throws AssertionError for strange inputs that are refused, and what the log throws. */
export async function walkJournal(options: JournalWalkOptions): Promise<JournalWalk> {
  const walk = await Walk.open(options);
  try {
    return await walk.run();
  } finally {
    await walk.close();
  }
}

class Walk {
  readonly #options: JournalWalkOptions;
  readonly #task: Task;
  /** By `topic/partition`. */
  readonly #inputs: ReadonlyMap<string, { readonly place: number; readonly cursor: Cursor }>;
  readonly #prepare: readonly SubTopology['sources'][number]['prepare'][];
  readonly #shortened: JournalWalk['shortened'];
  readonly #skipped = new Set<string>();
  readonly #dirtyBytesMax: number;
  readonly #bounds: OutputBounds;
  /** What the step at hand has emitted (J4). */
  readonly #emitted: NewRecord[] = [];
  readonly #offsets: number[];
  #entry = -1;
  #step: JournalStep['kind'] = 'wall';
  #record: WalkedStep['record'] = null;
  #steps = 0;
  #records = 0;

  private constructor(
    options: JournalWalkOptions,
    partitions: ReadonlyMap<string, number>,
    shortened: JournalWalk['shortened'],
  ) {
    const { log, part, partition, outOfOrdernessMs, cacheBytes = CACHE_BYTES } = options;
    this.#options = options;
    this.#shortened = shortened;
    this.#dirtyBytesMax = options.dirtyBytesMax ?? cacheBytes;
    this.#bounds = { partitions, recordBytesMax: log.recordBytesMax ?? Infinity };
    const caution = new Caution(null, null);
    caution.turnOn();
    const inputs = taskInputs(part, partition, partitions);
    this.#offsets = inputs.map(() => 0);
    this.#task = loneTask({
      id: taskId(part, partition),
      partition,
      part,
      inputs,
      outOfOrdernessMs,
      emit: (sink, message) => this.#emit(sink, message),
      caution,
      mark: () => this.#tell(),
      undo: () => this.#emitted.splice(0),
      outputs: options.outputs,
      store: new MemoryStore(),
      cacheBytes,
      dirtyBytesMax: this.#dirtyBytesMax,
    });
    this.#inputs = new Map(
      inputs.map((input, place) => [partitionKey(input), { place, cursor: new Cursor(log, input) }] as const),
    );
    this.#prepare = inputs.map(({ topic }) => part.sources.find((source) => source.topic === topic)?.prepare);
  }

  static async open(options: JournalWalkOptions): Promise<Walk> {
    const { log, part, partition } = options;
    const shortened = await Promise.all(
      part.sources.map(async ({ topic }) => ({
        topic,
        partition,
        first: (await log.admin.offsets({ topic, partition })).first,
      })),
    );
    const partitions = await log.admin.topics();
    return new Walk(
      options,
      partitions,
      shortened.filter(({ first }) => first > 0),
    );
  }

  async run(): Promise<JournalWalk> {
    const { log, application, partition, outputs } = this.#options;
    const journal = { topic: journalTopic(application), partition };
    const { end } = await log.admin.offsets(journal);
    let entries = 0;
    for await (const records of readPartition(log, journal, { to: end })) {
      for (const { offset, value } of records) {
        const entry = journalCodec.decode(value!);
        if (entry.task !== this.#task.id) continue;
        this.#entry = offset;
        this.#refuseStrange(entry);
        if (entries++ > 0) this.#lookForGap(entry);
        for (const step of entry.steps) {
          await this.#apply(step, entry.inputs);
          this.#tell();
          if (this.#isHigh || ++this.#steps >= STEPS_MAX) await this.#letGo();
        }
      }
    }
    if (outputs !== undefined) await outputs.take();
    return { entries, end, shortened: this.#shortened, skipped: [...this.#skipped] };
  }

  async close(): Promise<void> {
    this.#task.close();
    for (const { cursor } of this.#inputs.values()) await cursor.close();
  }

  #emit(sink: SinkNode, message: Message<unknown>): void {
    if (sink.toAllPartitions?.(message.value as never) === true) return;
    this.#emitted.push(...outputRecords(sink, message, this.#bounds));
  }

  #tell(): void {
    const at = { entry: this.#entry, kind: this.#step, record: this.#record };
    for (const record of this.#emitted.splice(0)) this.#options.emit(record, at);
  }

  get #isHigh(): boolean {
    return this.#task.dirtyBytes >= this.#dirtyBytesMax;
  }

  async #letGo(): Promise<void> {
    this.#steps = 0;
    await this.#task.commitAlone();
  }

  #refuseStrange({ task, inputs }: JournalEntry): void {
    if (this.#options.strangeInputs === 'skip') return;
    assert(inputs.join() === [...this.#inputs.keys()].join(), `the journal of ${task} names other inputs`);
  }

  /** Of inputs that were there before: one that was added later begins anywhere. */
  #lookForGap({ inputs, from }: JournalEntry): void {
    const { gap } = this.#options;
    if (gap === undefined || from === null) return;
    const { wallTime, streamTime, version } = this.#task;
    const stands: [of: string, ended: number, goesOn: number][] = [
      ['wall', wallTime, from.wall],
      ['streamTime', streamTime, from.streamTime],
      ['rules', version, from.rules],
    ];
    for (const [i, name] of inputs.entries()) {
      const known = this.#inputs.get(name);
      const ended = known === undefined ? 0 : this.#offsets[known.place]!;
      if (ended > 0) stands.unshift([name, ended, from.positions[i]!]);
    }
    const wrong = stands.find(([, ended, goesOn]) => ended !== goesOn);
    if (wrong !== undefined) gap({ entry: this.#entry, of: wrong[0], ended: wrong[1], goesOn: wrong[2] });
  }

  async #apply({ kind, input, value }: JournalStep, names: readonly string[]): Promise<void> {
    const task = this.#task;
    this.#step = kind;
    this.#record = null;
    if (kind === 'rules') return task.useVersion(value);
    if (kind === 'wall') {
      if (task.advanceWall(value)) await task.settle();
      return;
    }
    const known = this.#inputs.get(names[input]!);
    if (known === undefined) this.#skipped.add(names[input]!);
    else if (kind === 'read') await this.#read(names[input]!, known, value);
    else if (task.end(known.place, value)) await task.settle();
  }

  async #read(input: string, { place, cursor }: { place: number; cursor: Cursor }, to: number): Promise<void> {
    const { pause, outputs } = this.#options;
    for (let record = await cursor.next(to); record !== null; record = await cursor.next(to)) {
      for (let wait = this.#prepare[place]?.(record); wait; wait = this.#prepare[place]?.(record)) {
        await wait;
        // What is waited for may have been given up: then the pause throws, or this would go on for ever.
        await pause?.();
      }
      this.#record = { input, offset: record.offset };
      if (this.#task.read(place, record)) await this.#task.settle();
      this.#tell();
      if (outputs?.isFull === true) await outputs.take();
      if (++this.#records % PAUSE_RECORDS === 0) await pause?.();
    }
    this.#offsets[place] = to;
  }
}

/** Reads on in one partition, record by record. */
class Cursor {
  readonly #pages: AsyncGenerator<readonly LogRecord[]>;
  #page: readonly LogRecord[] = [];
  #next = 0;

  constructor(log: Log, from: TopicPartition) {
    this.#pages = readPartition(log, from);
  }

  /** The next record before this offset; null: there is none. */
  async next(before: number): Promise<LogRecord | null> {
    for (;;) {
      const record = this.#page[this.#next];
      if (record !== undefined) {
        if (record.offset >= before) return null;
        this.#next++;
        return record;
      }
      const { value, done } = await this.#pages.next();
      if (done === true) return null;
      this.#page = value;
      this.#next = 0;
    }
  }

  async close(): Promise<void> {
    await this.#pages.return(undefined);
  }
}
