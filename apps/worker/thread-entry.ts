// What an engine thread runs: the same as a worker with one thread. An embedded log is kept by another thread.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { connectToLog } from '../../connectors/logs/embedded/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { EngineError, type ErrorCode } from '../../lib/errors.ts';
import { createLogger, type Logger } from '../../lib/logger.ts';
import { systemRng } from '../../lib/rng.ts';
import { Spans } from '../../lib/spans.ts';
import { encodeError } from '../../lib/wire-error.ts';
import type { SchemaIds } from '../../schemas/framed.ts';
import type { Config } from '../../services/config/index.ts';
import { openKafka } from '../../services/job/open-kafka.ts';
import { loadFlawlessProject } from '../../services/project/load-project.ts';
import { showProcess } from '../../services/telemetry/process-figures.ts';
import { REPORT_MS, reportOf, type ThreadReport } from '../../services/telemetry/thread-report.ts';
import type { AskAddress } from '../../topology/engine/group/notes.ts';
import { EngineMonitor } from '../../topology/engine/monitor.ts';
import { Questions } from '../../topology/engine/questions.ts';
import type { LookUpQuestion, LookUpReply } from './asked-thread.ts';
import { runEngineThread } from './engine-thread.ts';
import { openFollowedJob } from './followed-job.ts';
import type { WorkerIdentity } from './identity.ts';

const LINGER_MS = 2_000;

export interface ThreadData {
  readonly config: Config;
  /** The same in all threads (docs/design.md, I1). */
  readonly schemaIds: SchemaIds;
  readonly port: MessagePort;
  readonly index: number;
  readonly count: number;
  /** Null: the log has no groups. */
  readonly identity: WorkerIdentity | null;
  /** Where other workers ask this one; null: nowhere. */
  readonly ask: AskAddress | null;
}

/** What the thread tells the worker. */
export type ThreadMessage =
  | { readonly kind: 'running' }
  /** It was told to stop, and has. */
  | { readonly kind: 'stopped' }
  | { readonly kind: 'report'; readonly report: ThreadReport }
  | LookUpReply
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly text: string };

/** What the worker tells the thread. */
export type ToThread = { readonly kind: 'stop' } | LookUpQuestion;

async function main({ config, schemaIds, port, index, count, identity, ask }: ThreadData): Promise<void> {
  const stop = new AbortController();
  const questions = new Questions();
  const tell = (message: ThreadMessage): void => parentPort!.postMessage(message);
  parentPort!.on('message', (message: ToThread) => {
    if (message.kind === 'stop') stop.abort();
    else void answer(questions, message).then(tell);
  });
  const logger = createLogger(`${config.application}-${index}`);
  const monitor = monitorOf(config, logger);
  const project = loadFlawlessProject({ paths: [config.rules], folder: process.cwd(), config, isLive: true });
  const log = config.kafka === null ? connectToLog(port) : openKafka(config, systemClock);
  const following = { config, project, log, clock: systemClock, logger };
  const job = await openFollowedJob({ ...following, schemaIds, monitor, index });
  const report = (): void => tell({ kind: 'report', report: reportOf(monitor) });
  const hideProcess = showProcess(monitor.metrics, systemClock, { isMain: false, spans: monitor.spans });
  const reporting = repeat(report, stop.signal);
  try {
    const onRunning = (): void => tell({ kind: 'running' });
    const around = { config, job, log, logger, index, count, identity, ask, monitor };
    await runEngineThread({ ...around, questions, onRunning }, stop.signal);
    tell({ kind: 'stopped' });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    tell({ kind: 'failed', code: error.code, text: error.message });
  } finally {
    stop.abort();
    await reporting;
    report();
    hideProcess();
    await job.close();
    await log.close();
    parentPort!.close();
    // As in apps/cli/main.ts: what a library left open must not keep a thread whose work is done.
    AbortSignal.timeout(LINGER_MS).addEventListener('abort', () => process.exit());
  }
}

async function answer(questions: Questions, { id, lookUp }: LookUpQuestion): Promise<LookUpReply> {
  try {
    return { kind: 'answer', id, result: { answer: await questions.ask(lookUp) } };
  } catch (error) {
    return { kind: 'answer', id, result: { error: encodeError(error) } };
  }
}

function monitorOf({ telemetry: { traces } }: Config, logger: Logger): EngineMonitor {
  const spans = traces === null ? null : new Spans({ rng: systemRng, ...traces });
  return new EngineMonitor({ clock: systemClock, logger, ...(spans !== null && { spans }) });
}

async function repeat(report: () => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    report();
    await systemClock.sleep(REPORT_MS, signal);
  }
}

await main(workerData as ThreadData);
