// One engine thread of a worker, supervised until told to stop: on a cluster a member of the application's group, on the
// embedded log the tasks whose partition number falls to it.

import { type Clock, systemClock } from '../../lib/clock.ts';
import type { Counters } from '../../lib/counters.ts';
import { describeError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Config } from '../../services/config/index.ts';
import type { Job } from '../../services/job/job.ts';
import { stateFolder } from '../../services/job/open-log.ts';
import { LevelStore } from '../../state/store/level-store.ts';
import { Caution } from '../../topology/engine/caution.ts';
import type { AskAddress } from '../../topology/engine/group/notes.ts';
import type { EngineMonitor } from '../../topology/engine/monitor.ts';
import { type Membership, type OpenEngineOptions, openEngine } from '../../topology/engine/open-engine.ts';
import type { Log } from '../../topology/engine/ports.ts';
import type { Questions } from '../../topology/engine/questions.ts';
import { supervise } from '../../topology/engine/supervise.ts';
import type { WorkerIdentity } from './identity.ts';
import { StateSizes } from './state-sizes.ts';

export interface EngineThreadOptions {
  readonly config: Config;
  readonly job: Job;
  readonly log: Log;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly monitor: EngineMonitor;
  /** This thread's number, from 0, and how many there are. */
  readonly index: number;
  readonly count: number;
  /** Who the worker is in the group; null: the log has no groups. */
  readonly identity: WorkerIdentity | null;
  /** Where other workers ask this one; left out: nowhere. */
  readonly ask?: AskAddress | null;
  /** What its tasks are asked; left out: nobody asks. */
  readonly questions?: Questions;
  readonly onRunning?: () => void;
}

/** Longest wait for input: how late a timer may be noticed in a quiet log. */
const POLL_MS = 50;
const REPORT_MS = 60_000;

/** Runs until `signal` aborts. Throws what time cannot mend. */
export async function runEngineThread(options: EngineThreadOptions, signal: AbortSignal): Promise<void> {
  const { config, job, log, logger, monitor, index, count, identity, questions } = options;
  const clock = options.clock ?? systemClock;
  const { counters } = monitor.metrics;
  const sizes = new StateSizes(monitor.metrics, clock);
  const place: Pick<OpenEngineOptions, 'takes' | 'membership' | 'transactionalId'> =
    identity === null
      ? { takes: (_part, partition) => partition % count === index, transactionalId: `${config.application}-${index}` }
      : {
          membership: membershipOf(config, identity, index, options.ask ?? null),
          transactionalId: `${config.application}-${identity.name}-${index}`,
        };
  const onDamaged = (folder: string, error: unknown): void => {
    logger.warn(
      { folder, error: describeError(error) },
      'the state cannot be trusted and is rebuilt from its changelog',
    );
  };
  const caution = new Caution(clock, logger);
  const open = () =>
    openEngine({
      ...place,
      log,
      topology: job.topology,
      application: config.application,
      clock,
      counters,
      monitor,
      caution,
      openStore: async (task) => sizes.watch(task, await LevelStore.open(stateFolder(config, task), onDamaged)),
      outOfOrdernessMs: config.outOfOrdernessMs,
      commitInterval: config.commitInterval,
      ...(questions !== undefined && { questions }),
    });
  // What goes on beside the engine ends with it, also when it fails: a process that waits for it would never end.
  const over = new AbortController();
  const running = AbortSignal.any([signal, over.signal]);
  const reporting = Promise.all([reportCounts(counters, logger, clock, running), sizes.run(running)]);
  try {
    await supervise(
      {
        open,
        clock,
        pollMs: POLL_MS,
        onFault: (error, retryInMs) => {
          monitor.faulted(error);
          logger.warn({ retryInMs, error: describeError(error) }, 'the engine starts again');
        },
        ...(options.onRunning !== undefined && { onRunning: options.onRunning }),
      },
      signal,
    );
  } finally {
    questions?.close();
    over.abort();
    await reporting;
  }
}

function membershipOf(
  config: Config,
  { name, onDisk }: WorkerIdentity,
  index: number,
  ask: AskAddress | null,
): Membership {
  const { instanceId, protocol, sessionTimeoutMs } = config.group;
  return {
    process: name,
    instanceId: `${name}-${index}`,
    leaves: instanceId === null,
    protocol,
    sessionTimeoutMs,
    standbyReplicas: config.standbyReplicas,
    onDisk: new Map(onDisk),
    ask,
  };
}

/** Logs what was counted (dead letters, late events, duplicates, failed expressions…) every minute and at the end. */
async function reportCounts(counters: Counters, logger: Logger, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(REPORT_MS, signal);
    logger.info({ counts: counters.toJSON() }, 'counts');
  }
}
