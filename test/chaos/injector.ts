// Carries out faults on the cluster, its network and the workers, and keeps a timeline of what was done.
//
// Invariants:
//   J1. When run() has resolved all is well again: brokers and workers are up, the network is fine.

import { systemClock } from '../../lib/clock.ts';
import type { KafkaCluster } from '../../testing/kafka/cluster.ts';
import { API_KEYS, type KafkaProxy, type NetworkState } from '../../testing/kafka/proxy.ts';
import type { WorkerProcess } from '../../testing/worker-process.ts';
import type { Fault, Planned } from './faults.ts';
import { tasksOnDisk } from './state.ts';

export interface InjectorOptions {
  readonly cluster: KafkaCluster;
  readonly workers: readonly WorkerProcess[];
  /** The broker that coordinates the workers' group. */
  readonly coordinator: () => Promise<number>;
  /** Resolves once every replica has what its leader has: before that, a second broker that dies takes partitions along. */
  readonly untilInSync: () => Promise<void>;
}

/** Something that happened, in ms since 1970. */
export interface TimelineEntry {
  readonly time: number;
  readonly text: string;
}

export interface WorkerStart {
  readonly worker: number;
  readonly time: number;
  /** Tasks of which the worker then had state on its disk. */
  readonly onDisk: readonly string[];
}

/** A worker may have to wait for brokers that are down, too. */
const RUNNING_MS = 180_000;

export class Injector {
  readonly #options: InjectorOptions;
  readonly timeline: TimelineEntry[] = [];
  readonly starts: WorkerStart[] = [];

  constructor(options: InjectorOptions) {
    this.#options = options;
  }

  note(text: string): void {
    this.timeline.push({ time: systemClock.now(), text });
  }

  /** Starts a worker and waits until it runs. */
  async startWorker(number: number): Promise<void> {
    const worker = this.#options.workers[number]!;
    this.starts.push({ worker: number, time: systemClock.now(), onDisk: tasksOnDisk(worker.folder) });
    worker.start();
    await worker.untilRunning(RUNNING_MS);
    this.note(`worker ${number} runs`);
  }

  /** Goes through the tracks side by side until `signal` aborts; the faults then under way end as planned. */
  async run(tracks: readonly Generator<Planned>[], signal: AbortSignal): Promise<void> {
    const follow = async (track: Generator<Planned>): Promise<void> => {
      for (const { fault, pauseMs } of track) {
        await systemClock.sleep(pauseMs, signal);
        if (signal.aborted) return;
        this.note(JSON.stringify(fault));
        await this.#inject(fault);
      }
    };
    // All are waited for, whatever comes of one: none may go on after this has thrown.
    const results = await Promise.allSettled(tracks.map(follow));
    this.#network(null, {});
    for (const { apiKey, proxy } of this.#losses()) proxy.loseNext(apiKey, 'request', 0);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    this.note('no more faults');
  }

  async #inject(fault: Fault): Promise<void> {
    switch (fault.kind) {
      case 'kill':
      case 'freeze':
      case 'restart':
        return this.#worker(fault.kind, fault.worker, fault.ms);
      case 'kill-broker':
      case 'bounce-broker':
        return this.#broker(fault.kind, fault.broker ?? (await this.#options.coordinator()), fault.ms);
      case 'slow':
        return this.#for(fault.ms, fault.proxy, { delayMs: fault.delayMs });
      case 'throttle':
        return this.#for(fault.ms, fault.proxy, { bytesPerSecond: fault.bytesPerSecond });
      case 'hole':
        return this.#for(fault.ms, fault.proxy, { isBlackHole: true });
      case 'refuse':
        for (const proxy of this.#proxies(fault.proxy)) proxy.cut();
        return this.#for(fault.ms, fault.proxy, { refuses: true });
      case 'cut':
        for (let time = 0; time < fault.times; time++) {
          for (const proxy of this.#proxies(fault.proxy)) proxy.cut();
          await systemClock.sleep(fault.ms);
        }
        return;
      case 'lose':
        for (const proxy of this.#proxies(null)) proxy.loseNext(API_KEYS[fault.api], fault.half);
        await systemClock.sleep(fault.ms);
    }
  }

  async #worker(kind: 'kill' | 'freeze' | 'restart', number: number, ms: number): Promise<void> {
    const worker = this.#options.workers[number]!;
    if (kind === 'freeze') {
      worker.freeze();
      await systemClock.sleep(ms);
      worker.thaw();
      this.note(`worker ${number} goes on`);
      return;
    }
    await (kind === 'kill' ? worker.kill() : worker.stop());
    this.note(`worker ${number} is down`);
    await systemClock.sleep(ms);
    await this.startWorker(number);
  }

  async #broker(kind: 'kill-broker' | 'bounce-broker', number: number, ms: number): Promise<void> {
    const { cluster } = this.#options;
    await (kind === 'kill-broker' ? cluster.kill(number) : cluster.shutDown(number));
    this.note(`broker ${number} is down`);
    await systemClock.sleep(ms);
    await cluster.restart(number);
    this.note(`broker ${number} is up`);
    await this.#options.untilInSync();
    this.note('every partition has all its replicas');
  }

  async #for(ms: number, proxy: number | null, state: Partial<NetworkState>): Promise<void> {
    this.#network(proxy, state);
    await systemClock.sleep(ms);
    this.#network(proxy, {});
    this.note('the network is fine');
  }

  #network(proxy: number | null, state: Partial<NetworkState>): void {
    for (const each of this.#proxies(proxy)) each.set(state);
  }

  #proxies(proxy: number | null): readonly KafkaProxy[] {
    const { proxies } = this.#options.cluster;
    return proxy === null ? proxies : [proxies[proxy]!];
  }

  #losses(): { apiKey: number; proxy: KafkaProxy }[] {
    return Object.values(API_KEYS).flatMap((apiKey) => this.#proxies(null).map((proxy) => ({ apiKey, proxy })));
  }
}
