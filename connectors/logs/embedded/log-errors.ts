// The errors of the embedded log, each saying where and what to do.

import { EngineError, FatalError, RetryableError } from '../../../lib/errors.ts';
import type { TopicPartition } from '../../../topology/engine/ports.ts';

/** For damaged files: which, where, and what to do. */
export function corruptError(path: string, position: number, what: string, cause?: unknown): FatalError {
  return new FatalError(
    'TRG_LOG_CORRUPT',
    `${path} is damaged at byte ${position}: ${what}. Nothing was skipped. Restore the data folder from a copy, or see with "tripline log recover" what is lost and go on without that`,
    { file: path, position },
    cause,
  );
}

/** For a disk that takes no more, or not at all. Errors of the engine pass unchanged. */
export function writeError(error: unknown, path: string): EngineError {
  if (error instanceof EngineError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  const why = code === 'ENOSPC' || code === 'EDQUOT' ? 'the disk is full' : `the disk refused it (${code})`;
  return new RetryableError(
    'TRG_LOG_FULL',
    `${path} cannot be written: ${why}. Nothing of the transaction was kept; it can be tried again once there is space`,
    { file: path, cause: code },
    error,
  );
}

/** For a file that is there and cannot be read. */
export function readError(error: unknown, path: string): FatalError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  return new FatalError('TRG_FILE_UNREADABLE', `${path} cannot be read (${code})`, { file: path, cause: code }, error);
}

/** For an entry that failed and could not be taken back. */
export function unclearError(path: string, cause: unknown): RetryableError {
  return new RetryableError(
    'TRG_LOG_UNCLEAR_COMMIT',
    `${path} cannot be written: whether the transaction took effect is settled by the next commit or start`,
    { file: path },
    cause,
  );
}

export function isUnclear(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'TRG_LOG_UNCLEAR_COMMIT';
}

export function missingTopic({ topic, partition }: TopicPartition): FatalError {
  return new FatalError('TRG_TOPIC_MISSING', `the log has no topic ${topic} with a partition ${partition}`, {
    topic,
    partition,
  });
}

export function closedError(): FatalError {
  return new FatalError('TRG_LOG_CLOSED', 'the log was closed while in use');
}
