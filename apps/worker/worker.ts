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
import { type Clock, systemClock } from '../../lib/clock.ts';
import { Counters } from '../../lib/counters.ts';
import { FatalError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Log } from '../../topology/ports.ts';
import type { Config } from '../config/index.ts';
import { noteHistory } from '../project/kept-history.ts';
import { loadFlawlessProject, type Project } from '../project/load-project.ts';
import { RulesFolder } from '../rules/rules-folder.ts';
import { runEngineThread } from './engine-thread.ts';
import { openFollowedJob } from './followed-job.ts';
import { jobOf } from './job.ts';
import { createTopics, type OpenedLog, openLog } from './open-log.ts';
import type { ThreadData, ThreadMessage } from './thread-entry.ts';
import { withIngest } from './with-ingest.ts';

export interface WorkerOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly counters?: Counters;
  /** Called when the topics are there and nothing reads them yet. */
  readonly beforeRunning?: (log: Log) => Promise<void>;
  /** Is given what re-reads the folder of rules and publishes it when it has changed. */
  readonly onReload?: (reload: () => void) => void;
  /** Called once all threads have restored their state and read. The log stays the worker's. */
  readonly onRunning?: (log: Log) => void;
}

/** Runs until `signal` aborts. Throws ProblemsError for rules with mistakes, FatalError for what time cannot mend. */
export async function runWorker(options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const { config, logger } = options;
  const clock = options.clock ?? systemClock;
  const project = loadFlawlessProject({ paths: [config.rules], folder: process.cwd(), config, isLive: true });
  const job = jobOf(config, project, clock);
  const opened = await openLog(config, clock, logger);
  const { log } = opened;
  try {
    await createTopics(log.admin, job.topology, config);
    noteHistory(config.dataDir, project.rules.ruleSet, clock.now());
    const folder = new RulesFolder({ config, log, clock, logger });
    await folder.publish(project);
    options.onReload?.(() => void folder.reload());
    await options.beforeRunning?.(log);
    await withIngest({ config, log, clock, logger }, signal, (engineSignal, onRunning) => {
      const all = (): void => {
        onRunning();
        options.onRunning?.(log);
      };
      return config.threads === 1
        ? runHere(options, project, log, clock, all, engineSignal)
        : runThreads(config, opened, all, engineSignal);
    });
  } finally {
    await job.close();
    await log.close();
  }
}

async function runHere(
  { config, logger, counters = new Counters() }: WorkerOptions,
  project: Project,
  log: Log,
  clock: Clock,
  onRunning: () => void,
  signal: AbortSignal,
): Promise<void> {
  const job = await openFollowedJob({ config, project, log, clock, logger });
  try {
    await runEngineThread({ config, job, log, logger, clock, counters, index: 0, count: 1, onRunning }, signal);
  } finally {
    await job.close();
  }
}

/** Engine threads beside this one. An embedded log stays with this one; to a cluster each has its own connections. */
async function runThreads(
  config: Config,
  opened: OpenedLog,
  onRunning: () => void,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const stopAll = (): void => stop.abort();
  signal.addEventListener('abort', stopAll, { once: true });
  if (signal.aborted) stopAll();
  let running = 0;
  const threads = Array.from({ length: config.threads }, (_, index) =>
    runThread({ config, index, count: config.threads }, opened, stop.signal, () => {
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
