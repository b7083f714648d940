// Several workers on one log in memory, that come, go, die, lose their disks and stop for a while.
//
// Owns: workers and their turns. A worker is opened anew after a fault, as supervise.ts does it.

import assert from 'node:assert/strict';
import { Counters } from '../../lib/counters.ts';
import { FencedError, RetryableError } from '../../lib/errors.ts';
import type { KeyValueStore } from '../../state/store/api.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import type { FakeClock } from '../../testing/fake-clock.ts';
import type { MemoryLog } from '../../testing/memory-log.ts';
import type { Topology } from '../../topology/engine/builder.ts';
import type { EngineThread } from '../../topology/engine/engine-thread.ts';
import { openEngine } from '../../topology/engine/open-engine.ts';
import type { GroupMember, Log } from '../../topology/engine/ports.ts';
import { APPLICATION, type Tuning } from './live.ts';

export interface ClusterOptions {
  readonly log: MemoryLog;
  readonly clock: FakeClock;
  readonly topology: () => Topology;
  readonly tuning: Tuning;
  readonly standbyReplicas: number;
  readonly outOfOrdernessMs: number;
}

/** Short, so that events of the run's time scale are not late for what a rebalance takes. */
export const SESSION_MS = 2_000;
const STEP_MS = 250;
const POLLS_MAX = 50;
/** So often a turn is given way to before others go on beside it. */
const IMMEDIATES = 200;

interface Freezable extends GroupMember {
  freeze(): void;
  thaw(): void;
}

class Worker {
  readonly name: string;
  readonly stores = new Map<string, MemoryStore>();
  engine: EngineThread | null = null;
  member: Freezable | null = null;
  isFrozen = false;
  isStopping = false;
  /** A turn that goes on: it may wait for the group, and so for the turns of others. */
  turn: Promise<void> | null = null;

  constructor(name: string) {
    this.name = name;
  }
}

export class Cluster {
  readonly counters = new Counters();
  readonly #options: ClusterOptions;
  readonly #workers: Worker[] = [];
  #made = 0;
  #error: unknown = null;

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#workers.length;
  }

  /** Of those that were not told to stop. */
  get staying(): number {
    return this.#workers.filter(({ isStopping }) => !isStopping).length;
  }

  add(): void {
    this.#workers.push(new Worker(`worker${this.#made++}`));
  }

  /** As SIGTERM: commits, hands over and leaves, in its next turn. */
  stop(index: number): void {
    this.#workers[index % this.#workers.length]!.isStopping = true;
  }

  /** As kill -9; comes back under its name, with its disk or without, in its next turn. */
  async kill(index: number, losesDisk: boolean): Promise<void> {
    const worker = this.#workers[index % this.#workers.length]!;
    await this.#drop(worker);
    if (losesDisk) worker.stores.clear();
  }

  /** As kill -9, for good: the others have to wait until its session has timed out. */
  async lose(index: number): Promise<void> {
    await this.#drop(this.#take(index));
  }

  /** As SIGSTOP: it keeps what it has and says nothing. */
  freeze(index: number): void {
    const worker = this.#workers[index % this.#workers.length]!;
    if (worker.member === null) return;
    worker.isFrozen = true;
    worker.member.freeze();
  }

  thaw(): void {
    for (const worker of this.#workers) {
      if (worker.isFrozen) worker.member?.thaw();
      worker.isFrozen = false;
    }
  }

  /** Turns of all workers, a quarter of a second apart. */
  async run(turns: number): Promise<void> {
    for (let turn = 0; turn < turns; turn++) {
      for (const worker of [...this.#workers]) {
        if (worker.isFrozen || worker.turn !== null) continue;
        const started = this.#turn(worker);
        worker.turn = started;
        void started.finally(() => {
          if (worker.turn === started) worker.turn = null;
        });
        // Until it is done or waits for others.
        for (let i = 0; i < IMMEDIATES && worker.turn === started; i++) await new Promise(setImmediate);
      }
      if (this.#error !== null) throw this.#error;
      await this.#options.clock.advance(STEP_MS);
    }
  }

  /** Until all that was written has been processed and committed. */
  async settle(): Promise<void> {
    await this.run(Math.ceil((3 * SESSION_MS) / STEP_MS));
  }

  async close(): Promise<void> {
    this.thaw();
    for (const worker of this.#workers) worker.isStopping = true;
    await this.settle();
    assert.equal(this.#workers.length, 0, 'a worker did not stop');
  }

  #take(index: number): Worker {
    return this.#workers.splice(index % this.#workers.length, 1)[0]!;
  }

  /** What goes on of its turn is cut off from the log, as by the end of its process. */
  async #drop(worker: Worker): Promise<void> {
    for (const task of worker.engine?.tasks ?? []) task.close();
    await worker.member?.close({ leave: false });
    worker.engine = null;
    worker.member = null;
    worker.isFrozen = false;
    worker.turn = null;
  }

  async #turn(worker: Worker): Promise<void> {
    let engine: EngineThread | null = null;
    try {
      engine = worker.engine ?? (await this.#open(worker));
      worker.engine = engine;
      if (worker.isStopping) {
        await engine.drain(0);
        this.#workers.splice(this.#workers.indexOf(worker), 1);
        await engine.close();
        return;
      }
      // As often as there is something to do: restoring and opening take turns of their own.
      for (let polls = 0; polls < POLLS_MAX && (await engine.poll(0)); polls++) await new Promise(setImmediate);
    } catch (error) {
      if (worker.engine !== engine) return;
      if (!isMended(error)) this.#error ??= error;
      await engine?.close();
      worker.engine = null;
    }
  }

  async #open(worker: Worker): Promise<EngineThread> {
    const { log, clock, topology, tuning, standbyReplicas, outOfOrdernessMs } = this.#options;
    return openEngine({
      log: logOf(log, (member) => {
        worker.member = member;
      }),
      topology: topology(),
      application: APPLICATION,
      clock,
      counters: this.counters,
      transactionalId: `${APPLICATION}-${worker.name}`,
      membership: {
        process: worker.name,
        instanceId: worker.name,
        leaves: true,
        protocol: 'classic',
        sessionTimeoutMs: SESSION_MS,
        standbyReplicas,
        onDisk: new Map(),
      },
      openStore: async (task) => storeOf(worker, task),
      outOfOrdernessMs,
      ...tuning,
    });
  }
}

/** Outlives the engine, as a disk does. */
function storeOf({ stores }: Worker, task: string): KeyValueStore {
  const store = stores.get(task) ?? new MemoryStore();
  stores.set(task, store);
  return store;
}

function logOf(log: MemoryLog, onMember: (member: Freezable) => void): Log {
  return {
    admin: log.admin,
    openReader: () => log.openReader(),
    openWriter: (id) => log.openWriter(id),
    openMember: (options) => {
      const member = log.openMember(options);
      onMember(member);
      return member;
    },
    close: () => log.close(),
  };
}

function isMended(error: unknown): boolean {
  return error instanceof RetryableError || error instanceof FencedError;
}
