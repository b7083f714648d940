// The worker: ingest API, intake, evaluate and connectors as configured, in one thread or several, until told to stop.
//
// Owns: start and stop. Does not own: the engine (topology/engine), what runs in it (job.ts), events over HTTP
// (with-ingest.ts).
//
// Invariants:
//   W1. On a stop every thread finishes its commit before the log closes.
//   W2. A thread that fails for good takes the worker down with its error: nothing runs on without its partitions.

import { channelNames } from '../../connectors/channels/index.ts';
import { RegistryClient, registerSchemas } from '../../connectors/sources/schema-registry/index.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { Counters } from '../../lib/counters.ts';
import type { Logger } from '../../lib/logger.ts';
import type { SchemaIds } from '../../schemas/framed.ts';
import type { Config } from '../../services/config/index.ts';
import { type JobParts, jobOf } from '../../services/job/job.ts';
import { openLog } from '../../services/job/open-log.ts';
import { noteHistory } from '../../services/project/kept-history.ts';
import { loadFlawlessProject, type Project } from '../../services/project/load-project.ts';
import { keepPrivate } from '../../services/project/private-folder.ts';
import type { FollowOptions } from '../../services/rules/followed-rules.ts';
import { RulesFolder } from '../../services/rules/rules-folder.ts';
import { Telemetry } from '../../services/telemetry/telemetry.ts';
import { createTopics } from '../../services/topics/create-topics.ts';
import type { FolderLock } from '../../state/store/folder-lock.ts';
import type { Topology } from '../../topology/engine/builder.ts';
import { EngineMonitor } from '../../topology/engine/monitor.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { Questions } from '../../topology/engine/questions.ts';
import { publicSchemas } from '../../topology/public-schemas.ts';
import { requiredTopics } from '../../topology/topics.ts';
import { type EngineThreadOptions, runEngineThread } from './engine-thread.ts';
import { openFollowedJob } from './followed-job.ts';
import { identify, lockDataDir } from './identity.ts';
import { keepPurging } from './purge.ts';
import { QuestionDesk } from './question-desk.ts';
import { runThreads } from './threads.ts';
import { untilReachable } from './until-reachable.ts';
import { WaitingRoom } from './waiting-room.ts';
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
  /** Called once all threads have restored their state and read. The log stays the worker's. `url`: of its HTTP; null: none. */
  readonly onRunning?: (log: Log, url: string | null) => void;
}

/** Runs until `signal` aborts. Throws ProblemsError for rules with mistakes, FatalError for what time cannot mend. */
export async function runWorker(options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const { config, logger } = options;
  const clock = options.clock ?? systemClock;
  const project = loadFlawlessProject({ paths: [config.rules], folder: process.cwd(), config, isLive: true });
  keepPrivate(config.dataDir, logger);
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
  // For its topics alone: what runs is opened once they are there, with the rules published by then (followed-job.ts).
  const job = jobOf(config, project, clock);
  const opened = await openLog(config, clock, logger);
  const { log } = opened;
  const over = new AbortController();
  let lock: FolderLock | null = null;
  let desk: QuestionDesk | null = null;
  try {
    // The embedded log has a lock of its own.
    if (opened.kind === 'kafka') lock = await lockDataDir(config);
    const folder = new RulesFolder({ config, log, clock, logger });
    const prepare = async (): Promise<void> => {
      await createTopics(log.admin, job.topology, config);
      await folder.publish(project);
    };
    await untilPrepared(prepare, options, signal);
    if (signal.aborted) return;
    noteHistory(config.dataDir, project.rules.ruleSet, clock.now());
    options.onReload?.(() => void folder.reload());
    await options.beforeRunning?.(log);
    const { admin } = log;
    const purged = purgedTopics(config.application, job.topology);
    const purging = AbortSignal.any([signal, over.signal]);
    void keepPurging({ admin, group: config.application, topics: purged, clock, logger }, purging);
    const identity = opened.kind === 'kafka' ? await identify(config) : null;
    const categories = (): readonly string[] => categoriesOf(project.rules.rules, config);
    desk = await QuestionDesk.open({ config, opened, identity, clock, logger, categories });
    const { addRoutes, engines } = desk;
    const serving = {
      config,
      log,
      clock,
      logger,
      telemetry,
      addRoutes,
      ...(identity !== null && { worker: identity.name }),
    };
    await withIngest(serving, signal, (engineSignal, onRunning, url) => {
      const ask = desk!.address(url);
      const all = (): void => {
        onRunning();
        options.onRunning?.(log, url);
      };
      if (config.threads === 1) {
        const questions = new Questions();
        engines.attach(0, (lookUp) => questions.ask(lookUp));
        const here = { config, log, logger, clock, monitor, identity, ask, questions, onRunning: all };
        return runHere({ ...here, project, schemaIds }, engineSignal);
      }
      const data = { config, schemaIds, identity, ask };
      const { threads: reports } = telemetry;
      const around = { count: config.threads, opened, reports, clock, logger };
      const beside = { ...around, data, questions: engines, onRunning: all };
      return runThreads(beside, engineSignal);
    });
  } finally {
    over.abort();
    await desk?.close();
    await job.close();
    await log.close();
    await lock?.release();
  }
}

/** What people can choose to receive: the categories of the rules, but for those that ask nobody. */
function categoriesOf(rules: readonly { readonly category: string | null }[], { consent }: Config): readonly string[] {
  const all = rules.flatMap(({ category }) =>
    category === null || consent.always.includes(category) ? [] : [category],
  );
  return [...new Set(all)].sort();
}

/** Does `prepare` as soon as the log can be reached; who asks the worker meanwhile is told that it waits. */
async function untilPrepared(prepare: () => Promise<void>, options: ShownOptions, signal: AbortSignal): Promise<void> {
  const { config, telemetry, clock, logger } = options;
  const room = new WaitingRoom(config, telemetry, logger);
  try {
    await untilReachable(prepare, { clock, logger, onWaiting: () => room.open() }, signal);
  } finally {
    await room.close();
  }
}

type HereOptions = Omit<EngineThreadOptions, 'job' | 'index' | 'count'> & FollowOptions & JobParts;

/** The engine in this thread, the only one. */
async function runHere(options: HereOptions, signal: AbortSignal): Promise<void> {
  const job = await openFollowedJob({ ...options, index: 0 });
  try {
    await runEngineThread({ ...options, job, index: 0, count: 1 }, signal);
  } finally {
    await job.close();
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
  const client = new RegistryClient(registry, clock);
  try {
    const schemas = publicSchemas(config.topics.prefix, channelNames(config.channels));
    return await registerSchemas(client, schemas, { clock, logger, patienceMs }, signal);
  } finally {
    await client.close();
  }
}
