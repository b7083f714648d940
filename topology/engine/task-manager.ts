// Follows what the group assigns: opens tasks, gives others up, keeps copies of state, and joins again when it must.
//
// Owns: the steps of a rebalance. Does not own: who gets what (group/assign-tasks.ts), the group's protocol (connectors/).
//
// A rebalance, from here: the group summons; all that was processed is committed; the member joins, saying what it has;
// it is told what it is to have. What is taken away is committed and closed, and only once it has said so by joining
// again is it given to others. Tasks that stay go on all the while; only commits wait for the group's answer.
//
// Invariants:
//   G1. What a member says it owns, it owns: a task is given up before the member joins without it (A1).
//   G2. A task that cannot be opened ends the engine's life, not the task alone: supervise.ts starts all anew.

import { assert } from '../../lib/assert.ts';
import { RetryableError } from '../../lib/errors.ts';
import type { KeyValueStore } from '../../state/store/api.ts';
import type { Engine } from './engine.ts';
import type { EngineTask } from './engine-task.ts';
import { inputsOf, tasksOfPartitions } from './group/assign-partitions.ts';
import type { CommitPermit } from './group/commit-permit.ts';
import { type AskAddress, decodeLeaderNote, encodeNote } from './group/notes.ts';
import { type OpenTaskOptions, openTask } from './open-task.ts';
import type { GroupMember, MemberAssignment } from './ports.ts';
import { Standbys } from './standbys.ts';
import { readChangelogNote } from './task-note.ts';
import type { TaskSpec } from './tasks.ts';

export interface TaskManagerOptions extends OpenTaskOptions {
  readonly engine: Engine;
  readonly member: GroupMember;
  readonly permit: CommitPermit;
  readonly tasks: readonly TaskSpec[];
  /** Names the process, whose threads share state folders; and the writer of this thread. */
  readonly process: string;
  readonly transactionalId: string;
  /** Where the process takes questions of other workers; null: nowhere. */
  readonly ask: AskAddress | null;
  /** Changelog offsets of state that is on disk and not open, by task id; kept up to date. */
  readonly onDisk: Map<string, number>;
}

interface Opening {
  readonly spec: TaskSpec;
  readonly stop: AbortController;
  /** Null while it goes on. */
  result: { readonly task: EngineTask } | { readonly error: unknown } | null;
  readonly ended: Promise<void>;
}

/** Deliveries under way when a task is given up get this long; the others pause meanwhile. */
const REVOKE_GRACE_MS = 1_000;
/** A copy this close behind is ready; well below what the leader accepts, so that one request is enough. */
const READY_LAG = 1_000;

export class TaskManager {
  readonly #options: TaskManagerOptions;
  readonly #standbys: Standbys;
  readonly #opening = new Map<string, Opening>();
  #followed: MemberAssignment | null = null;
  #warmups: readonly TaskSpec[] = [];
  #writers: readonly string[] | null = null;
  #joinedAt: number;

  constructor(options: TaskManagerOptions) {
    this.#options = options;
    this.#standbys = new Standbys(options);
    this.#joinedAt = options.clock.now();
  }

  /** What there is to do before the next turn of the engine. Throws when the member is one no longer. */
  async step(): Promise<void> {
    const { member, engine, permit } = this.#options;
    permit.throwIfFailed();
    if (this.#standbys.error !== null) throw this.#standbys.error;
    this.#adoptOpened();
    if (member.state === 'summoned') {
      await engine.commit();
      await this.#join();
    } else if (member.state === 'settled' && member.assignment !== this.#followed) {
      await this.#follow(member.assignment!);
    } else if (member.state === 'settled' && this.#isWarm()) {
      await this.#join();
    }
  }

  /** Waits until every task assigned has been opened. */
  async untilOpened(): Promise<void> {
    await this.step();
    await Promise.all([...this.#opening.values()].map(({ ended }) => ended));
    this.#adoptOpened();
  }

  /** Tasks that were assigned and cannot run yet. */
  get opening(): readonly TaskSpec[] {
    return [...this.#opening.values()].map(({ spec }) => spec);
  }

  get isOpening(): boolean {
    return this.#opening.size > 0;
  }

  /** Whether the group has said which tasks are its own. */
  get hasAssignment(): boolean {
    return this.#followed !== null;
  }

  /** Whether the group has answered and everything it gave is open. */
  get isSettled(): boolean {
    return this.#followed !== null && this.#opening.size === 0 && this.#options.member.state !== 'joining';
  }

  /** Gives up what is not the engine's: openings and copies. */
  async close(): Promise<void> {
    const { engine, onDisk } = this.#options;
    for (const opening of [...this.#opening.values()]) await (await this.#cancel(opening))?.close();
    for (const [id, offset] of [...this.#standbys.offsets(), ...engine.offsets()]) onDisk.set(id, offset);
    await this.#standbys.close();
  }

  async #join(): Promise<void> {
    // A commit that is under way is one of the generation that ends.
    await this.#options.engine.commitEnded();
    const { member, engine, process, transactionalId: writer, ask, onDisk, monitor, clock } = this.#options;
    const offsets = Object.fromEntries([...onDisk, ...this.#standbys.offsets(), ...engine.offsets()]);
    this.#warmups = [];
    this.#joinedAt = clock.now();
    monitor?.joining();
    member.join(inputsOf([...engine.specs, ...this.opening]), encodeNote({ process, writer, offsets, ask }));
  }

  async #follow(assignment: MemberAssignment): Promise<void> {
    const { engine, tasks, monitor, clock } = this.#options;
    this.#followed = assignment;
    const { active, standby } = tasksOfPartitions(tasks, assignment.partitions);
    const note = decodeLeaderNote(assignment.note);
    this.#writers = note?.writers ?? null;
    const stores = new Map<TaskSpec, KeyValueStore>();
    const revoked = await this.#giveUp(new Set(active), stores);
    await this.#followCopies(active, standby, stores);
    for (const spec of active) {
      if (engine.specs.includes(spec) || this.#opening.has(spec.id)) continue;
      this.#open(spec, await this.#standbys.take(spec));
    }
    this.#warmups = standby.filter(({ id }) => note?.warmup.includes(id));
    const activeTasks = active.length;
    monitor?.rebalanced({ durationMs: clock.now() - this.#joinedAt, activeTasks, standbyTasks: standby.length });
    if (revoked) await this.#join();
  }

  /** Gives up what is not in `kept`; adds databases that stay open to `stores`. Returns whether there was anything. */
  async #giveUp(kept: ReadonlySet<TaskSpec>, stores: Map<TaskSpec, KeyValueStore>): Promise<boolean> {
    const { engine } = this.#options;
    const cancelled = [...this.#opening.values()].filter(({ spec }) => !kept.has(spec));
    for (const opening of cancelled) {
      const store = await this.#cancel(opening);
      if (store !== null) stores.set(opening.spec, store);
    }
    const gone = new Set(engine.specs.filter((spec) => !kept.has(spec)));
    if (gone.size > 0) {
      for (const { spec, store } of await engine.release(gone, REVOKE_GRACE_MS)) {
        if (store !== null) stores.set(spec, store);
      }
    }
    return cancelled.length + gone.size > 0;
  }

  /** Copies of `standby`, no others; `stores` are databases that are open and belong to none of the active tasks. */
  async #followCopies(
    active: readonly TaskSpec[],
    standby: readonly TaskSpec[],
    stores: ReadonlyMap<TaskSpec, KeyValueStore>,
  ): Promise<void> {
    for (const spec of this.#standbys.tasks) {
      if (standby.includes(spec) || active.includes(spec)) continue;
      await this.#closeStore(spec, (await this.#standbys.take(spec))!);
    }
    for (const [spec, store] of stores) {
      if (standby.includes(spec)) await this.#standbys.follow(spec, store);
      else await this.#closeStore(spec, store);
    }
    for (const spec of standby) {
      if (!this.#standbys.has(spec)) await this.#standbys.follow(spec, null);
      this.#options.onDisk.delete(spec.id);
    }
  }

  async #closeStore(spec: TaskSpec, store: KeyValueStore): Promise<void> {
    this.#options.onDisk.set(spec.id, readChangelogNote(store));
    await store.close();
  }

  #open(spec: TaskSpec, store: KeyValueStore | null): void {
    const { engine } = this.#options;
    assert(!this.#opening.has(spec.id) && !this.#standbys.has(spec), 'a task is in one place of its process (A1)');
    this.#options.onDisk.delete(spec.id);
    const stop = new AbortController();
    const opened = openTask(this.#options, engine.hooks, spec, { store, writers: this.#writers, signal: stop.signal });
    const opening: Opening = {
      spec,
      stop,
      result: null,
      ended: opened.then(
        (task) => void (opening.result = { task }),
        (error: unknown) => void (opening.result = { error }),
      ),
    };
    void opening.ended.then(engine.hooks.wake);
    this.#opening.set(spec.id, opening);
  }

  /** G2 */
  #adoptOpened(): void {
    const opened: EngineTask[] = [];
    const errors: unknown[] = [];
    for (const [id, { result }] of this.#opening) {
      if (result === null) continue;
      this.#opening.delete(id);
      if ('error' in result) errors.push(result.error);
      else opened.push(result.task);
    }
    // Also when another failed: the engine then closes them.
    if (opened.length > 0) this.#options.engine.adopt(opened);
    if (errors.length > 0) throw errors[0];
  }

  /** Returns the database when the task had been opened, for whoever needs it next. */
  async #cancel(opening: Opening): Promise<KeyValueStore | null> {
    opening.stop.abort(new RetryableError('TRG_LOG_CLOSED', `${opening.spec.id} was given up while it was opened`));
    await opening.ended;
    this.#opening.delete(opening.spec.id);
    if (opening.result === null || 'error' in opening.result) return null;
    const { queue, store } = opening.result.task;
    queue.task.close();
    return store;
  }

  /** Whether a copy that is to become a task here is ready for it. */
  #isWarm(): boolean {
    return this.#warmups.some(({ id }) => this.#standbys.lag(id) <= READY_LAG);
  }
}
