// Opens a task: ends what a dead predecessor left open, finds where the last commit ended, restores the state.
//
// Invariants:
//   E1. Positions are read once no transaction that holds them is under way, and the changelog's end after that: what is
//       then written there is all that can ever be committed before this task's own commits (I5).
//   E2. A writer is fenced only when its member has left the group: it is gone, or is a zombie that must not write.
//
// Edge `restore`: the state of a task is opened, proved and brought up to date from its changelog.
//   throws: the engine starts again, after 0.1 to 30 s; a state that is damaged is rebuilt from its changelog. A right that is
//     missing, or another program that has the folder, ends the worker
//   rejects: as a throw
//   hangs: the task waits, and with it those of its thread that are not open yet; a stop ends it
//   too large: cannot: rows and changelog are read in bounded parts
//   behind: state/store/
//   only in topology/engine/open-task.ts: await open(taskId)

import type { Clock } from '../../lib/clock.ts';
import type { Counters } from '../../lib/counters.ts';
import { EngineError } from '../../lib/errors.ts';
import type { KeyValueStore } from '../../state/store/api.ts';
import { CachedDocumentStore } from '../../state/store/document-store.ts';
import type { Caution } from './caution.ts';
import type { Engine } from './engine.ts';
import type { EngineTask } from './engine-task.ts';
import type { EngineMonitor } from './monitor.ts';
import type { Log } from './ports.ts';
import { decodePositionNote } from './position-note.ts';
import { restoreState } from './restore-state.ts';
import { Task } from './task.ts';
import { TaskMeter } from './task-meter.ts';
import { TaskQueue } from './task-queue.ts';
import type { TaskSpec } from './tasks.ts';

export interface OpenTaskOptions {
  readonly log: Log;
  readonly application: string;
  readonly clock: Clock;
  readonly counters: Counters;
  /** Left out: nobody watches. */
  readonly monitor?: EngineMonitor;
  /** Opens the database of a task. */
  readonly openStore: (taskId: string) => Promise<KeyValueStore>;
  readonly outOfOrdernessMs: number;
  /** What outlives the engine; left out: a failure that is a bug ends it. */
  readonly caution?: Caution;
}

export interface TaskOpening {
  /** The database, when it is open already, as a standby's. */
  readonly store: KeyValueStore | null;
  /** Writers of the group's members; null: not known. */
  readonly writers: readonly string[] | null;
  readonly signal: AbortSignal;
}

/** Another thread of this process may take a moment to close a database that it has given up. */
const LOCK_WAIT_MS = 10_000;
/** A database is closed within some ten ms. */
const LOCK_RETRY_MS = 50;

/** Throws what the log and the store throw, and the signal's reason when it aborts; the store is then closed. */
export async function openTask(
  options: OpenTaskOptions,
  hooks: Engine['hooks'],
  spec: TaskSpec,
  { store: given, writers, signal }: TaskOpening,
): Promise<EngineTask> {
  const { log, application, counters, outOfOrdernessMs } = options;
  const { id, part, partition, inputs, changelog } = spec;
  let store = given;
  try {
    if (store === null && changelog !== null) store = await openStore(options, id, signal);
    await fenceDeadWriter(log, application, spec, writers);
    const committed = await log.admin.committed(application, inputs);
    signal.throwIfAborted();
    if (changelog !== null) await restoreState(options, spec, store!, signal);
    const { spec: storeSpec } = part.store ?? {};
    const documents = storeSpec === undefined ? null : new CachedDocumentStore(store!, storeSpec.documents, storeSpec);
    const { monitor, caution } = options;
    const meter = monitor && { meter: new TaskMeter(monitor, id, part.name) };
    const common = { id, partition, part, inputs, outOfOrdernessMs, documents, counters };
    const task = new Task({ ...common, ...meter, ...hooks, ...(caution !== undefined && { caution }) });
    const note = decodePositionNote(committed[0]?.metadata);
    if (note !== null) task.restoreTime(note.time);
    const starts = await Promise.all(
      inputs.map(async (input, i) => committed[i]?.offset ?? (await log.admin.offsets(input)).first),
    );
    signal.throwIfAborted();
    return { spec, store, queue: new TaskQueue(task, starts) };
  } catch (error) {
    await store?.close();
    throw error;
  }
}

export async function openStore(
  { openStore: open, clock }: Pick<OpenTaskOptions, 'openStore' | 'clock'>,
  taskId: string,
  signal: AbortSignal,
): Promise<KeyValueStore> {
  for (let waited = 0; ; waited += LOCK_RETRY_MS) {
    try {
      return await open(taskId);
    } catch (error) {
      const isLocked = error instanceof EngineError && error.code === 'TRG_STATE_LOCKED';
      if (!isLocked || waited >= LOCK_WAIT_MS) throw error;
      await clock.sleep(LOCK_RETRY_MS, signal);
      signal.throwIfAborted();
    }
  }
}

/** E2. Otherwise everyone who reads behind its open transaction would wait until the cluster gives it up. */
async function fenceDeadWriter(
  log: Log,
  application: string,
  { inputs }: TaskSpec,
  writers: readonly string[] | null,
): Promise<void> {
  if (writers === null) return;
  const [position] = await log.admin.committed(application, inputs.slice(0, 1), { unsettled: true });
  const note = decodePositionNote(position?.metadata);
  if (note === null || writers.includes(note.writer)) return;
  const writer = await log.openWriter(note.writer);
  await writer.close();
}
