// The worker: ingest API, intake, evaluate and connectors as configured, in one thread or several, until told to stop.
//
// Owns: start and stop. Does not own: the engine (topology/runtime), what runs in it (job.ts), events over HTTP
// (with-ingest.ts).
//
// Invariants:
//   W1. On a stop every thread finishes its commit before the log closes.
//   W2. A thread that fails for good takes the worker down with its error: nothing runs on without its partitions.

import { MessageChannel, Worker } from 'node:worker_threads';
import { serveLog } from '../../connectors/embedded-log/index.ts';
import { RegistryClient, registerSchemas } from '../../connectors/schema-registry/index.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { Counters } from '../../lib/counters.ts';
import { FatalError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { SchemaIds } from '../../schemas/framed.ts';
import type { Topology } from '../../topology/builder.ts';
import type { Log } from '../../topology/ports.ts';
import { publicSchemas } from '../../topology/public-schemas.ts';
import { EngineMonitor } from '../../topology/runtime/monitor.ts';
import { requiredTopics } from '../../topology/topics.ts';
import type { Config } from '../config/index.ts';
import { loadFlawlessProject, type Project } from '../project/load-project.ts';
import { Telemetry } from '../telemetry/telemetry.ts';
import type { ThreadReports } from '../telemetry/thread-report.ts';
import { runEngineThread } from './engine-thread.ts';
import { identify, type WorkerIdentity } from './identity.ts';
import { type Job, jobOf, TOPIC_PREFIX } from './job.ts';
import { createTopics, type OpenedLog, openLog } from './open-log.ts';
import { keepPurging } from './purge.ts';
import type { ThreadData, ThreadMessage } from './thread-entry.ts';
import { untilReachable } from './until-reachable.ts';
import { withIngest } from './with-ingest.ts';

export interface WorkerOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly counters?: Counters;
  /** Called when the topics are there and nothing reads them yet. */
  readonly beforeRunning?: (log: Log) => Promise<void>;
  /** Called once all threads have restored their state and read. The log stays the worker's. */
  readonly onRunning?: (log: Log) => void;
}

/** Runs until `signal` aborts. Throws ProblemsError for rules with mistakes, FatalError for what time cannot mend. */
export async function runWorker(options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const { config, logger } = options;
  const clock = options.clock ?? systemClock;
  const project = loadFlawlessProject({ paths: [config.rules], folder: process.cwd(), config });
  const schemaIds = await register(config, clock, logger, signal);
  if (signal.aborted) return;
  const telemetry = Telemetry.start({ config, clock, logger });
  try {
    await runShown({ ...options, clock, project, schemaIds, telemetry }, signal);
  } finally {
    await telemetry.close();
  }
}

interface ShownOptions extends WorkerOptions {
  readonly clock: Clock;
  readonly project: Project;
  readonly schemaIds: SchemaIds;
  readonly telemetry: Telemetry;
}

async function runShown(options: ShownOptions, signal: AbortSignal): Promise<void> {
  const { config, clock, logger, project, schemaIds, telemetry } = options;
  const monitor = monitorHere(options);
  const job = jobOf(config, project, clock, { schemaIds, logger, monitor });
  const opened = await openLog(config, clock, logger);
  const { log } = opened;
  try {
    await untilReachable(() => createTopics(log.admin, job.topology, config), { clock, logger }, signal);
    if (signal.aborted) return;
    await options.beforeRunning?.(log);
    const { admin } = log;
    const purged = purgedTopics(config.application, job.topology);
    void keepPurging({ admin, group: config.application, topics: purged, clock, logger }, signal);
    const identity = opened.kind === 'kafka' ? await identify(config) : null;
    await withIngest({ config, log, clock, logger, telemetry }, signal, (engineSignal, onRunning) => {
      const all = (): void => {
        onRunning();
        options.onRunning?.(log);
      };
      return config.threads === 1
        ? runHere(options, job, log, clock, identity, monitor, all, engineSignal)
        : runThreads(config, schemaIds, opened, identity, telemetry.threads, all, engineSignal);
    });
  } finally {
    await job.close();
    await log.close();
  }
}

/** Of the engine that runs in this thread; with several threads, none does. */
function monitorHere({ config, clock, logger, counters, telemetry }: ShownOptions): EngineMonitor {
  const { spans, threads } = telemetry;
  const monitor = new EngineMonitor({
    clock,
    logger,
    ...(counters !== undefined && { counters }),
    ...(spans !== null && { spans }),
  });
  if (config.threads === 1) threads.watch(0, monitor);
  return monitor;
}

function purgedTopics(application: string, topology: Topology): readonly string[] {
  const topics = requiredTopics(application, topology.subTopologies(), 1);
  return topics.filter(({ purged }) => purged === true).map(({ topic }) => topic);
}

/** The schemas of what it writes; without a registry there is nothing to register. */
async function register(config: Config, clock: Clock, logger: Logger, signal: AbortSignal): Promise<SchemaIds> {
  if (config.registry === null) return {};
  const { startTimeoutMs: patienceMs, ...registry } = config.registry;
  const client = new RegistryClient(registry);
  return registerSchemas(client, publicSchemas(TOPIC_PREFIX), { clock, logger, patienceMs }, signal);
}

async function runHere(
  { config, logger }: WorkerOptions,
  job: Job,
  log: Log,
  clock: Clock,
  identity: WorkerIdentity | null,
  monitor: EngineMonitor,
  onRunning: () => void,
  signal: AbortSignal,
): Promise<void> {
  await runEngineThread({ config, job, log, logger, clock, monitor, index: 0, count: 1, identity, onRunning }, signal);
}

/** Engine threads beside this one. An embedded log stays with this one; to a cluster each has its own connections. */
async function runThreads(
  config: Config,
  schemaIds: SchemaIds,
  opened: OpenedLog,
  identity: WorkerIdentity | null,
  reports: ThreadReports,
  onRunning: () => void,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const stopAll = (): void => stop.abort();
  signal.addEventListener('abort', stopAll, { once: true });
  if (signal.aborted) stopAll();
  let running = 0;
  const threads = Array.from({ length: config.threads }, (_, index) =>
    runThread({ config, schemaIds, index, count: config.threads, identity }, opened, reports, stop.signal, () => {
      running++;
      if (running === config.threads) onRunning();
    }),
  );
  // W2: the first failure stops the others, whose commits are then awaited (W1).
  for (const thread of threads) void thread.catch(stopAll);
  const results = await Promise.allSettled(threads);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function runThread(
  data: Omit<ThreadData, 'port'>,
  opened: OpenedLog,
  reports: ThreadReports,
  signal: AbortSignal,
  onRunning: () => void,
): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  if (opened.kind === 'embedded') serveLog(opened.log, port1);
  const worker = new Worker(new URL('./thread-entry.ts', import.meta.url), {
    workerData: { ...data, port: port2 } satisfies ThreadData,
    transferList: [port2],
  });
  const stop = (): void => worker.postMessage('stop');
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  return new Promise<void>((resolve, reject) => {
    worker.on('message', (message: ThreadMessage) => {
      if (message.kind === 'running') onRunning();
      else if (message.kind === 'report') reports.receive(data.index, message.report);
      else reject(new FatalError(message.code, message.text));
    });
    worker.on('error', reject);
    worker.on('exit', () => {
      signal.removeEventListener('abort', stop);
      port1.close();
      resolve();
    });
  });
}
