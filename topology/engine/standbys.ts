// Copies of other workers' state, kept up with by reading their changelogs, so that a task can move here in a moment.
//
// Owns: the databases of standby tasks and one reader for all their changelogs. Gives a database away when its task
// becomes active here.
//
// Invariants:
//   I5: a copy is always the fold of its changelog up to the offset noted in it.

import { assert } from '../../lib/assert.ts';
import type { Clock } from '../../lib/clock.ts';
import { RetryableError } from '../../lib/errors.ts';
import type { KeyValueStore } from '../../state/store/api.ts';
import { ChangelogFold } from '../../state/store/restore.ts';
import type { EngineMonitor } from './monitor.ts';
import { openStore } from './open-task.ts';
import { type FetchedPartition, type Log, type LogReader, partitionKey } from './ports.ts';
import { startOfRestore } from './restore-state.ts';
import { changelogNote } from './task-note.ts';
import type { TaskSpec } from './tasks.ts';

export interface StandbysOptions {
  readonly log: Log;
  readonly application: string;
  readonly clock: Clock;
  /** Left out: nobody watches. */
  readonly monitor?: EngineMonitor;
  readonly openStore: (taskId: string) => Promise<KeyValueStore>;
}

interface Copy {
  readonly spec: TaskSpec;
  readonly store: KeyValueStore;
  readonly fold: ChangelogFold;
  position: number;
  /** First offset that was not there when it was last read; Infinity: not read yet. */
  end: number;
  /** What is being written to the database. */
  applying: Promise<void>;
}

/** A copy is read beside the work of other tasks, so less at a time than in a restore. */
const READ_BYTES = 1024 * 1024;
/** Also the longest that a new assignment waits for a read of the old one. */
const READ_WAIT_MS = 250;
/** A cluster in trouble is asked once a second by each thread. */
const RETRY_MS = 1_000;

export class Standbys {
  readonly #options: StandbysOptions;
  readonly #reader: LogReader;
  /** By changelog partition. */
  readonly #copies = new Map<string, Copy>();
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  readonly #hideLag: (() => void) | undefined;
  #changed = Promise.withResolvers<void>();
  #error: unknown = null;
  #assignment = 0;

  constructor(options: StandbysOptions) {
    this.#options = options;
    this.#reader = options.log.openReader();
    this.#hideLag = options.monitor?.metrics.collect((report) => {
      for (const { spec, position, end } of this.#copies.values()) {
        if (end !== Infinity) report.gauge('standby-lag', Math.max(0, end - position), { task: spec.id });
      }
    });
    this.#running = this.#run();
  }

  /** What ended the reading for good; null while it goes on. */
  get error(): unknown {
    return this.#error;
  }

  /** Changelog offset of each copy, by task id. */
  offsets(): ReadonlyMap<string, number> {
    return new Map([...this.#copies.values()].map(({ spec, position }) => [spec.id, position]));
  }

  /** Changelog offsets that a copy is behind; Infinity: not read yet, or there is none. */
  lag(taskId: string): number {
    const copy = [...this.#copies.values()].find(({ spec }) => spec.id === taskId);
    return copy === undefined ? Infinity : Math.max(0, copy.end - copy.position);
  }

  has({ changelog }: TaskSpec): boolean {
    return changelog !== null && this.#copies.has(partitionKey(changelog));
  }

  /** Follows this task's changelog from now on. `store`: its database, when it is open already. */
  async follow(spec: TaskSpec, store: KeyValueStore | null): Promise<void> {
    const { log, application } = this.#options;
    const opened = store ?? (await openStore(this.#options, spec.id, this.#closing.signal));
    try {
      const { offset: position, isEmpty } = await startOfRestore(log, application, spec, opened);
      const fold = new ChangelogFold(opened, isEmpty);
      const copy: Copy = { spec, store: opened, fold, position, end: Infinity, applying: Promise.resolve() };
      this.#copies.set(partitionKey(spec.changelog!), copy);
    } catch (error) {
      await opened.close();
      throw error;
    }
    this.#assign();
  }

  /** Follows it no longer, and hands over its database; null when it was not followed. */
  async take({ changelog }: TaskSpec): Promise<KeyValueStore | null> {
    if (changelog === null) return null;
    const key = partitionKey(changelog);
    const copy = this.#copies.get(key);
    if (copy === undefined) return null;
    this.#copies.delete(key);
    this.#assign();
    await copy.applying.catch(() => {});
    return copy.store;
  }

  /** The tasks followed. */
  get tasks(): readonly TaskSpec[] {
    return [...this.#copies.values()].map(({ spec }) => spec);
  }

  async close(): Promise<void> {
    this.#hideLag?.();
    this.#closing.abort();
    this.#changed.resolve();
    await this.#running;
    await this.#reader.close();
    for (const { store, applying } of this.#copies.values()) {
      await applying.catch(() => {});
      await store.close();
    }
    this.#copies.clear();
  }

  #assign(): void {
    const copies = [...this.#copies.values()];
    this.#reader.assign(copies.map(({ spec, position }) => ({ ...spec.changelog!, offset: position })));
    this.#assignment++;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        if (this.#copies.size === 0) await this.#changed.promise;
        else await this.#read(signal);
      } catch (error) {
        // A copy is worth waiting for, whatever the cluster's trouble; only what time cannot mend ends it. A damaged copy is
        // built anew when it is opened the next time: the engine starts again.
        const mends = error instanceof RetryableError && error.code !== 'TRG_STATE_CORRUPT';
        if (!mends) this.#error = error;
        if (!mends || signal.aborted) return;
        await clock.sleep(RETRY_MS, signal);
      }
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const assignment = this.#assignment;
    const all = await this.#reader.read({ maxBytes: READ_BYTES, waitMs: READ_WAIT_MS, signal });
    for (const fetched of all) {
      const copy = this.#copies.get(partitionKey(fetched));
      // What was read under an older assignment is read again.
      if (copy === undefined || assignment !== this.#assignment) return;
      copy.applying = this.#apply(copy, fetched);
      await copy.applying;
    }
  }

  async #apply(copy: Copy, { records, nextOffset, endOffset }: FetchedPartition): Promise<void> {
    assert(nextOffset >= copy.position, 'a copy folds its changelog forwards, each record once (I5)');
    if (nextOffset > copy.position) {
      await copy.fold.apply(records, [changelogNote(nextOffset)]);
      await copy.fold.done();
      copy.position = nextOffset;
    }
    copy.end = endOffset;
  }
}
