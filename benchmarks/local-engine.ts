// One engine thread as a worker has it, in this process, on an embedded log in a folder: where only the engine's own cost
// counts, and no broker is to be beside it.
//
// Owns: the job with a worker's settings, and following what it has committed.
// Does not own: what is measured.

import { join } from 'node:path';
import { channelTraits } from '../connectors/channels/index.ts';
import { type EmbeddedLog, openEmbeddedLog } from '../connectors/logs/embedded/index.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { Counters } from '../lib/counters.ts';
import { checkRules } from '../rules/index.ts';
import { LevelStore } from '../state/store/level-store.ts';
import type { Topology } from '../topology/engine/builder.ts';
import type { EngineThread } from '../topology/engine/engine-thread.ts';
import { EngineMonitor } from '../topology/engine/monitor.ts';
import { openEngine } from '../topology/engine/open-engine.ts';
import type { Log } from '../topology/engine/ports.ts';
import { requiredTopics } from '../topology/topics.ts';
import { triplineTopology } from '../topology/topology.ts';
import { committedRecords } from './worker-load.ts';

/** Keyed by user. */
export const LOCAL_TOPIC = 'events';
export const LOCAL_PARTITIONS = 4;
const APPLICATION = 'bench';
const DAY_MS = 86_400_000;
/** Those of a worker (services/job/job.ts, docs/configuration.md): decoded documents of a thread, and the rest. */
const THREAD_CACHE_BYTES = 48 * 1024 * 1024;
const COMMIT_INTERVAL = { minMs: 5, maxMs: 100 };
export const OUT_OF_ORDERNESS_MS = 5_000;
const POLL_MS = 50;

/** "add_to_cart, no purchase in 24 hours" */
export const CART_RULE = `id: cart-abandonment
when:
  absence: { after: { event: add_to_cart, as: cart }, of: { event: purchase }, within: 24h }
then: [{ send: { channel: webhook } }]
`;

function topologyOf(rules: string): Topology {
  const { ruleSet } = checkRules([{ file: 'rules.yaml', text: rules }], {
    outOfOrdernessMs: OUT_OF_ORDERNESS_MS,
    entities: [],
    channels: channelTraits({}),
  });
  return triplineTopology({
    application: APPLICATION,
    prefix: 'tripline',
    sources: [{ topic: LOCAL_TOPIC, format: 'segment', keyed: true, entity: 'user' }],
    rules: () => ruleSet,
    channels: ['webhook'],
    maxClockSkewMs: 300_000,
    dedupeWindowMs: DAY_MS,
    dedupeMax: 1_000,
    recordBytesMax: 1_048_576,
    useRecordTime: true,
    cacheBytes: THREAD_CACHE_BYTES,
  });
}

/** The log of `folder`, with the topics of the job. Nothing is forced to disk, and nothing cleaned meanwhile. */
export async function openLocalLog(folder: string): Promise<EmbeddedLog> {
  const log = await openEmbeddedLog({ dir: logFolder(folder), clock: systemClock, fsync: 'never', cleanEveryMs: 0 });
  await log.admin.createTopics([
    { topic: LOCAL_TOPIC, partitions: LOCAL_PARTITIONS },
    ...requiredTopics(APPLICATION, topologyOf(CART_RULE).subTopologies(), LOCAL_PARTITIONS),
  ]);
  return log;
}

/** Where the log of the engine in `folder` lies. */
export function logFolder(folder: string): string {
  return join(folder, 'log');
}

/** Where the databases of the engine in `folder` lie. */
export function stateFolder(folder: string): string {
  return join(folder, 'state');
}

export interface LocalEngineOptions {
  /** Its databases come to lie below. */
  readonly folder: string;
  readonly log: Log;
  readonly clock?: Clock;
  /** YAML; default CART_RULE. */
  readonly rules?: string;
}

export class LocalEngine {
  readonly #thread: EngineThread;
  readonly #log: Log;

  private constructor(thread: EngineThread, log: Log) {
    this.#thread = thread;
    this.#log = log;
  }

  static async open({ folder, log, clock = systemClock, rules = CART_RULE }: LocalEngineOptions): Promise<LocalEngine> {
    const counters = new Counters();
    const thread = await openEngine({
      log,
      topology: topologyOf(rules),
      application: APPLICATION,
      clock,
      counters,
      monitor: new EngineMonitor({ clock, counters }),
      transactionalId: `${APPLICATION}-0`,
      openStore: (task) => LevelStore.open(join(stateFolder(folder), task)),
      outOfOrdernessMs: OUT_OF_ORDERNESS_MS,
      commitInterval: COMMIT_INTERVAL,
    });
    return new LocalEngine(thread, log);
  }

  poll(): Promise<boolean> {
    return this.#thread.poll(POLL_MS);
  }

  /** Runs until so many records of the input have been committed; returns how many they are then. */
  async runUntil(records: number): Promise<number> {
    for (;;) {
      const committed = await committedRecords(this.#log, APPLICATION, LOCAL_TOPIC, LOCAL_PARTITIONS);
      if (committed >= records) return committed;
      await this.poll();
    }
  }

  /** Commits, and brings the databases up to date. */
  drain(): Promise<void> {
    return this.#thread.drain(0);
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
