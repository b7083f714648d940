// What an engine thread runs: the same as a worker with one thread. An embedded log is kept by another thread.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { connectToLog } from '../../connectors/embedded-log/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { EngineError, type ErrorCode } from '../../lib/errors.ts';
import { createLogger } from '../../lib/logger.ts';
import type { Config } from '../config/index.ts';
import { loadFlawlessProject } from '../project/load-project.ts';
import { runEngineThread } from './engine-thread.ts';
import { openFollowedJob } from './followed-job.ts';
import { openKafka } from './open-kafka.ts';

export interface ThreadData {
  readonly config: Config;
  readonly port: MessagePort;
  readonly index: number;
  readonly count: number;
}

/** What the thread tells the worker. */
export type ThreadMessage =
  | { readonly kind: 'running' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly text: string };

async function main({ config, port, index, count }: ThreadData): Promise<void> {
  const stop = new AbortController();
  parentPort!.on('message', () => stop.abort());
  const logger = createLogger(`${config.application}-${index}`);
  const project = loadFlawlessProject({ paths: [config.rules], folder: process.cwd(), config, isLive: true });
  const { kafka, application } = config;
  const log = kafka === null ? connectToLog(port) : openKafka(kafka, application, systemClock);
  const job = await openFollowedJob({ config, project, log, clock: systemClock, logger });
  const tell = (message: ThreadMessage): void => parentPort!.postMessage(message);
  try {
    const onRunning = (): void => tell({ kind: 'running' });
    await runEngineThread({ config, job, log, logger, index, count, onRunning }, stop.signal);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    tell({ kind: 'failed', code: error.code, text: error.message });
  } finally {
    await job.close();
    await log.close();
    parentPort!.close();
  }
}

await main(workerData as ThreadData);
