// What an engine thread runs: the same as a worker with one thread. An embedded log is kept by another thread.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { connectToLog } from '../../connectors/embedded-log/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { EngineError, type ErrorCode } from '../../lib/errors.ts';
import { createLogger } from '../../lib/logger.ts';
import type { SchemaIds } from '../../schemas/framed.ts';
import type { Config } from '../config/index.ts';
import { loadFlawlessProject } from '../project/load-project.ts';
import { runEngineThread } from './engine-thread.ts';
import type { WorkerIdentity } from './identity.ts';
import { jobOf } from './job.ts';
import { openKafka } from './open-kafka.ts';

export interface ThreadData {
  readonly config: Config;
  /** The same in all threads (design.md, I1). */
  readonly schemaIds: SchemaIds;
  readonly port: MessagePort;
  readonly index: number;
  readonly count: number;
  /** Null: the log has no groups. */
  readonly identity: WorkerIdentity | null;
}

/** What the thread tells the worker. */
export type ThreadMessage =
  | { readonly kind: 'running' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly text: string };

async function main({ config, schemaIds, port, index, count, identity }: ThreadData): Promise<void> {
  const stop = new AbortController();
  parentPort!.on('message', () => stop.abort());
  const logger = createLogger(`${config.application}-${index}`);
  const project = loadFlawlessProject({ paths: [config.rules], folder: process.cwd(), config });
  const job = jobOf(config, project, systemClock, { schemaIds, logger });
  const log = config.kafka === null ? connectToLog(port) : openKafka(config, systemClock);
  const tell = (message: ThreadMessage): void => parentPort!.postMessage(message);
  try {
    const onRunning = (): void => tell({ kind: 'running' });
    await runEngineThread({ config, job, log, logger, index, count, identity, onRunning }, stop.signal);
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
