// Reads the log of a folder without its lock: while no process has it open, or while another writes to it.
//
// Invariants:
//   O1. Nothing on disk is changed.
//   O2. What is seen is the log as it was committed at one moment, that of opening; when a file of it has been cleaned
//       away since, or a read waits for more, a later moment takes its place.

import type { Clock } from '../../../lib/clock.ts';
import { EngineError, FatalError } from '../../../lib/errors.ts';
import type { LogCore } from './core.ts';
import { CoreLog } from './core-log.ts';
import { Fetcher } from './fetcher.ts';
import { type FileSystem, isMissing, nodeFileSystem } from './file-system.ts';
import type { LogState } from './log-state.ts';
import { OpenFiles } from './open-files.ts';
import { recoverState } from './recovery.ts';
import { SegmentReader } from './segment-reader.ts';
import { logAdmin } from './topics.ts';

/** The owner replaces files as it cleans; each time that hits a file just wanted, the log is looked at afresh. */
const ATTEMPTS_MAX = 5;
/** How often who waits for more looks: nobody tells him, and each look reads what the commit log got since. */
const LOOK_MS = 500;

/**
 * Opens the log in `dir` for reading. Writers and new topics are refused.
 * Throws FatalError TRG_FILE_UNREADABLE when there is no log, TRG_LOG_CORRUPT.
 */
export async function openEmbeddedLogReadOnly(options: {
  readonly dir: string;
  readonly clock: Clock;
  readonly fileSystem?: FileSystem;
}): Promise<CoreLog> {
  const { dir, clock, fileSystem = nodeFileSystem } = options;
  const files = new OpenFiles(fileSystem);
  const reader = new SegmentReader(dir, files);
  const state = await retrying(() => readState(fileSystem, dir, reader));
  const fetcher = new Fetcher(state, reader, clock, new Set());
  const refresh = async (): Promise<void> => {
    const fresh = await readState(fileSystem, dir, reader);
    state.apply({ snapshot: fresh.snapshot() });
  };
  const core: LogCore = {
    admin: logAdmin(state, () => Promise.reject(readOnlyError(dir))),
    fetch: async (requests, waitMs, signal) => {
      for (let leftMs = waitMs; ; leftMs -= LOOK_MS) {
        const chunks = await retrying(async (attempt) => {
          if (attempt > 0 || leftMs < waitMs) await refresh();
          return fetcher.fetch(requests, 0, signal);
        });
        const isNew = requests.some(({ offset }, i) => chunks[i]!.endOffset > offset);
        if (isNew || leftMs <= 0 || signal.aborted) return chunks;
        await clock.sleep(Math.min(leftMs, LOOK_MS), signal);
      }
    },
    openWriter: () => Promise.reject(readOnlyError(dir)),
    commit: () => Promise.reject(readOnlyError(dir)),
    closeWriter: () => {},
    async close() {
      fetcher.close();
      await fetcher.settled();
      await files.close();
    },
  };
  return new CoreLog(core);
}

async function readState(fileSystem: FileSystem, dir: string, reader: SegmentReader): Promise<LogState> {
  const recovered = await recoverState(fileSystem, dir, reader);
  if (recovered !== undefined) return recovered.state;
  throw new FatalError('TRG_FILE_UNREADABLE', `there is no embedded log in ${dir}`, { folder: dir });
}

/** Repeats `work` while it misses a file: the owner may just have replaced it. */
async function retrying<Result>(work: (attempt: number) => Promise<Result>): Promise<Result> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      const cause = error instanceof EngineError ? error.cause : error;
      const isGone = cause instanceof Error && isMissing(cause);
      if (!isGone || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

function readOnlyError(dir: string): FatalError {
  return new FatalError('TRG_LOG_LOCKED', `the log in ${dir} was opened for reading only`, { folder: dir });
}
