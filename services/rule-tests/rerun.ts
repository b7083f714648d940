// Runs something again whenever files change, until it is told to stop.
//
// Owns: when to run. Does not own: what runs, how changes are noticed (file-changes.ts).
//
// Invariants:
//   W1. What changes while it runs leads to another run: the last run has seen every change.
//   W2. Many changes in quick succession, as editors and version control make them, lead to one run.

import type { Clock } from '../../lib/clock.ts';

/** Calls `changed` whenever something below one of the folders may have changed; returns how to stop that. */
export type WatchFolders = (folders: readonly string[], changed: () => void) => () => void;

/** Editors write a file in several steps within some milliseconds. */
const QUIET_MS = 100;

export interface RerunOptions {
  readonly folders: readonly string[];
  readonly watch: WatchFolders;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Must not throw. */
  readonly run: () => Promise<void>;
}

/** Resolves when the signal aborts, after the run that is under way. */
export async function rerunOnChange({ folders, watch, clock, signal, run }: RerunOptions): Promise<void> {
  let isChanged = false;
  let wake = (): void => {};
  const stop = (): void => wake();
  const close = watch(folders, () => {
    isChanged = true;
    wake();
  });
  signal.addEventListener('abort', stop);
  try {
    while (!signal.aborted) {
      await run();
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (isChanged || signal.aborted) resolve();
      });
      while (isChanged && !signal.aborted) {
        isChanged = false;
        await clock.sleep(QUIET_MS, signal);
      }
    }
  } finally {
    signal.removeEventListener('abort', stop);
    close();
  }
}
