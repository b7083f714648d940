// What to do about an error, in one line. docs/errors.md says more.

import type { EngineError, ErrorCode } from '../../lib/errors.ts';

const HINTS: Partial<Record<ErrorCode, string>> = {
  TRG_CONFIG_INVALID: 'docs/configuration.md lists every setting',
  TRG_LOG_LOCKED: 'stop the other process, or set dataDir to another folder',
  TRG_LOG_CORRUPT: 'restore the data folder from a copy, or see what is lost: tripline log recover',
  TRG_LOG_FULL: 'make room on the disk and start again: nothing that was committed is lost',
  TRG_STATE_MISMATCH: 'set dataDir to a folder of its own for each application',
  TRG_RULES_INVALID: '`tripline check` shows all mistakes',
  TRG_WORKER_SILENT: 'end it and ask again: where no worker runs, the command reads the data folder itself',
  TRG_WORKER_BUSY: 'ask again in a moment',
  TRG_WORKER_MISMATCH: "use the worker's own version of tripline, and its configuration",
  TRG_TASK_MOVING: 'ask again in a moment',
  TRG_USAGE: '`tripline --help` lists the commands',
};

/** The error's own hint, else that of its code, else where its code is explained. */
export function hintFor(error: EngineError): string {
  const own = error.fields['hint'];
  return typeof own === 'string' ? own : (HINTS[error.code] ?? `docs/errors.md explains ${error.code}`);
}
