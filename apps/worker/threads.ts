// Engine threads beside this one. An embedded log stays with this one; to a cluster each has its own connections.
//
// Invariants:
//   W2. A thread that fails for good stops the others, whose commits are then awaited; its error is thrown.
//   W3. A thread that crashes takes nothing else down: it is reported and started again, and goes on where its last
//       commit ended. Until then its partitions wait, or, on a cluster, go to others once its session times out.
//
// Edge `thread`: an engine thread of a worker of several runs.
//   throws: it is started again, after 0.1 to 30 s, and goes on from its last commit; the others go on meanwhile
//   rejects: as a throw
//   hangs: `/health/live` fails, so that whoever keeps the process starts it anew
//   too large: as a throw: a thread that has used up its memory ends
//   behind: apps/worker/

import { MessageChannel, Worker } from 'node:worker_threads';
import { serveLog } from '../../connectors/logs/embedded/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { describeError, FatalError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { besideModule } from '../../lib/package-folder.ts';
import type { OpenedLog } from '../../services/job/open-log.ts';
import type { ThreadReports } from '../../services/telemetry/thread-report.ts';
import { AskedThread } from './asked-thread.ts';
import type { EngineQuestions } from './engine-questions.ts';
import type { ThreadData, ThreadMessage, ToThread } from './thread-entry.ts';

export interface ThreadsOptions {
  readonly data: Omit<ThreadData, 'port' | 'index' | 'count'>;
  readonly count: number;
  readonly opened: OpenedLog;
  readonly reports: ThreadReports;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Through which the threads are asked; left out: nobody asks. */
  readonly questions?: EngineQuestions;
  /** Called once, when all threads have their tasks and their state. */
  readonly onRunning: () => void;
  /** What a thread runs; left out: thread-entry.ts. */
  readonly entry?: URL;
}

const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 30_000;
/** A thread that ran for so long has got over what it crashed of. */
const STEADY_MS = 60_000;

/** Runs until `signal` aborts. Throws what a thread cannot mend (W2). */
export async function runThreads(options: ThreadsOptions, signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const stopAll = (): void => stop.abort();
  signal.addEventListener('abort', stopAll, { once: true });
  if (signal.aborted) stopAll();
  const running = new Set<number>();
  const threads = Array.from({ length: options.count }, (_, index) =>
    keepThread(options, index, stop.signal, () => {
      if (running.has(index)) return;
      running.add(index);
      if (running.size === options.count) options.onRunning();
    }),
  );
  for (const thread of threads) void thread.catch(stopAll);
  const results = await Promise.allSettled(threads);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** W3 */
async function keepThread(
  options: ThreadsOptions,
  index: number,
  signal: AbortSignal,
  onRunning: () => void,
): Promise<void> {
  const { clock, logger } = options;
  let backoffMs = BACKOFF_MIN_MS;
  while (!signal.aborted) {
    const began = clock.now();
    try {
      await runThread(options, index, signal, onRunning);
      return;
    } catch (error) {
      if (error instanceof FatalError) throw error;
      if (clock.now() - began >= STEADY_MS) backoffMs = BACKOFF_MIN_MS;
      options.reports.lost(index, 'crashed');
      logger.error({ thread: index, retryInMs: backoffMs, error: describeError(error) }, 'an engine thread crashed');
      await clock.sleep(backoffMs, signal);
      backoffMs = Math.min(2 * backoffMs, BACKOFF_MAX_MS);
    }
  }
}

/** One life of a thread. Rejects with FatalError for what it said it failed of, and with anything else when it crashed. */
function runThread(
  { data, count, opened, reports, questions, entry }: ThreadsOptions,
  index: number,
  signal: AbortSignal,
  onRunning: () => void,
): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  if (opened.kind === 'embedded') serveLog(opened.log, port1);
  const worker = new Worker(entry ?? besideModule(import.meta.url, 'thread-entry'), {
    workerData: { ...data, index, count, port: port2 } satisfies ThreadData,
    transferList: [port2],
  });
  const tell = (message: ToThread): void => worker.postMessage(message);
  const asked = new AskedThread(tell);
  const detach = questions?.attach(index, (lookUp) => asked.ask(lookUp));
  const stop = (): void => tell({ kind: 'stop' });
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  return new Promise<void>((resolve, reject) => {
    let isOver = false;
    worker.on('message', (message: ThreadMessage) => {
      if (message.kind === 'running') onRunning();
      else if (message.kind === 'report') reports.receive(index, message.report);
      else if (message.kind === 'failed') reject(new FatalError(message.code, message.text));
      else if (message.kind === 'answer') asked.answered(message);
      else isOver = true;
    });
    worker.on('error', reject);
    worker.on('exit', (code) => {
      signal.removeEventListener('abort', stop);
      detach?.();
      asked.close();
      port1.close();
      if (isOver) resolve();
      else reject(new Error(`it ended with code ${code}`));
    });
  });
}
