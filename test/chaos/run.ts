// One chaos run from beginning to end: a cluster, workers, events, faults; then everything is stopped and read.
//
// Owns: the order of things. Does not own: what must have come of it (chaos.test.ts).

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { openKafkaLog } from '../../connectors/logs/kafka/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { decisionCodec } from '../../schemas/framed.ts';
import { readTopic, TopicTail } from '../../services/topics/read-topic.ts';
import { type KafkaCluster, startKafka } from '../../testing/kafka/cluster.ts';
import { type LogLine, WorkerProcess } from '../../testing/worker-process.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { decisionOf } from '../oracle/engine.ts';
import type { OracleDecision, OracleEvent } from '../oracle/oracle.ts';
import { coordinatorOf, untilInSync } from './cluster-state.ts';
import { planFaults } from './faults.ts';
import { Injector, type TimelineEntry, type WorkerStart } from './injector.ts';
import { type Outcome, readOutcome } from './outcome.ts';
import { produce } from './producer.ts';
import { excusedUsers, isComplete, textOf } from './verdict.ts';
import { expectedOf, OUT_OF_ORDERNESS_MS, planEvents, RULES, SOURCES } from './workload.ts';

export const APPLICATION = 'chaos';
const BROKERS = 3;
/** Everything expected must have been decided so long after the last event and the last fault. */
const COMPLETE_MS = 90_000;

export interface ChaosOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly workers: number;
  readonly partitions: number;
  readonly eventsPerSecond: number;
  /** workload.ts; without it the workers have one source only. */
  readonly repartitions: boolean;
  /** Of members of the group, ms: also what the workers are configured with. */
  readonly sessionTimeoutMs: number;
  readonly standbyReplicas: number;
  readonly threads: number;
  /** Workers have names, and a stop is not told to the group. */
  readonly isStatic: boolean;
}

/** A run that is over: the workers have stopped, the cluster is still there. */
export interface Finished {
  readonly start: number;
  readonly log: Log;
  /** Of each input partition, in the order of its log. */
  readonly inputs: readonly (readonly OracleEvent[])[];
  readonly expected: ReadonlyMap<string, readonly OracleDecision[]>;
  readonly delays: ReadonlyMap<string, number>;
  /** Users of whom nothing is known, since the run's own producer was held up too long. */
  readonly excused: ReadonlySet<string>;
  readonly outcome: Outcome;
  /** Ids of decisions as our own reader saw them while all went on, in the order read. */
  readonly tailed: readonly string[];
  readonly timeline: readonly TimelineEntry[];
  readonly starts: readonly WorkerStart[];
  readonly logs: readonly LogLine[];
  /** What workers did that they never should. */
  readonly failures: readonly string[];
  /** Folder of each worker, with its tripline.yaml and data. */
  readonly folders: readonly string[];
  close(): Promise<void>;
}

export async function runChaos(options: ChaosOptions): Promise<Finished> {
  const root = mkdtempSync(join(tmpdir(), 'tripline-chaos-'));
  const cluster = await startKafka({ brokers: BROKERS, proxied: true });
  const log = openKafkaLog({ brokers: cluster.bootstrap, clientId: 'chaos', clock: systemClock });
  const workers = workersIn(root, cluster, options);
  const close = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.kill()));
    await log.close();
    await cluster.stop();
    rmSync(root, { recursive: true, force: true });
  };
  try {
    await log.admin.createTopics(Object.values(SOURCES).map((topic) => ({ topic, partitions: options.partitions })));
    const finished = await play(options, cluster, log, workers);
    return { ...finished, log, folders: workers.map(({ folder }) => folder), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function play(
  options: ChaosOptions,
  cluster: KafkaCluster,
  log: Log,
  workers: readonly WorkerProcess[],
): Promise<Omit<Finished, 'log' | 'folders' | 'close'>> {
  const { bootstrap } = cluster;
  const injector = new Injector({
    cluster,
    workers,
    coordinator: () => coordinatorOf(bootstrap, APPLICATION),
    untilInSync: () => untilInSync(bootstrap),
  });
  await Promise.all(workers.map(({ number }) => injector.startWorker(number)));
  const tail = await DecisionTail.open(log);
  const start = systemClock.now();
  const planned = planEvents(options);
  const over = new AbortController();
  void systemClock.sleep(options.durationMs, over.signal).then(() => over.abort());
  const tracks = planFaults({ ...options, brokers: BROKERS });
  const producing = produce(cluster.bootstrap, planned, start);
  const [produced] = await allOf([producing, injector.run(tracks, over.signal)]);
  const until = systemClock.now() + COMPLETE_MS;
  const inputs = await inputsOf(log);
  const expected = expectedOf(inputs);
  const excused = excusedUsers(inputs, produced.delays, OUT_OF_ORDERNESS_MS);
  const isDone = (): boolean => isComplete(tail.decided, expected, excused);
  while (!isDone() && systemClock.now() < until && workers.every(({ isUp }) => isUp)) await tail.read();
  injector.note(isDone() ? 'all that was expected is decided' : 'NOT ALL that was expected is decided');
  await Promise.all(workers.map((worker) => worker.stop()));
  injector.note('the workers have stopped');
  const outcome = await readOutcome(cluster.bootstrap);
  await tail.close();
  return {
    start,
    inputs,
    expected,
    excused,
    delays: produced.delays,
    outcome,
    tailed: tail.ids,
    timeline: injector.timeline,
    starts: injector.starts,
    logs: workers.flatMap((worker) => worker.log()),
    failures: workers.flatMap(({ failures }) => failures),
  };
}

function workersIn(
  root: string,
  cluster: KafkaCluster,
  { workers, repartitions, sessionTimeoutMs, standbyReplicas, threads, isStatic }: ChaosOptions,
): WorkerProcess[] {
  mkdirSync(join(root, 'rules'));
  writeFileSync(join(root, 'rules', 'rules.yaml'), RULES);
  return Array.from({ length: workers }, (_, number) => {
    const settings = {
      application: APPLICATION,
      dataDir: './data',
      kafka: { brokers: cluster.proxies.map(({ port }) => `127.0.0.1:${port}`) },
      outOfOrderness: `${OUT_OF_ORDERNESS_MS}ms`,
      rules: '../rules',
      group: { sessionTimeout: `${sessionTimeoutMs}ms`, ...(isStatic && { instanceId: `worker-${number}` }) },
      standbyReplicas,
      threads,
      deliveredElsewhere: ['webhook'],
      sources: [
        { topic: SOURCES.keyed, format: 'segment', keyed: true },
        ...(repartitions ? [{ topic: SOURCES.unkeyed, format: 'segment' }] : []),
      ],
    };
    return new WorkerProcess({ number, folder: join(root, `worker-${number}`), config: stringify(settings) });
  });
}

/** What is decided, read with our own reader while all goes on. */
class DecisionTail {
  readonly #tail: TopicTail;
  readonly ids: string[] = [];
  readonly decided = new Set<string>();

  private constructor(tail: TopicTail) {
    this.#tail = tail;
  }

  static async open(log: Log): Promise<DecisionTail> {
    return new DecisionTail(await TopicTail.open(log, ['tripline.decisions']));
  }

  async read(): Promise<void> {
    for (const { record } of await this.#tail.next(200)) {
      if (record.value === null || record.value.length === 0) continue;
      const decision = decisionCodec.decode(record.value);
      this.ids.push(decision.id);
      this.decided.add(textOf(decisionOf(decision)));
    }
  }

  /** Reads what is left. */
  async close(): Promise<void> {
    for (let before = -1; before < this.ids.length; await this.read()) before = this.ids.length;
    await this.#tail.close();
  }
}

/** The events as they stand in the log. */
async function inputsOf(log: Log): Promise<OracleEvent[][]> {
  const inputs: OracleEvent[][] = [];
  for (const topic of Object.values(SOURCES)) {
    const byPartition = new Map<number, OracleEvent[]>();
    for await (const { partition, value } of readTopic(log, topic)) {
      const { timestamp: time, ...event } = JSON.parse(Buffer.from(value!).toString()) as Omit<OracleEvent, 'time'> & {
        timestamp: number;
      };
      if (!byPartition.has(partition)) byPartition.set(partition, []);
      byPartition.get(partition)!.push({ ...event, time });
    }
    inputs.push(...byPartition.values());
  }
  return inputs;
}

/** Waits for both, whatever comes of one: nothing may go on after this has thrown. */
async function allOf<A, B>(both: readonly [Promise<A>, Promise<B>]): Promise<[A, B]> {
  await Promise.allSettled(both);
  return Promise.all(both);
}
