// An error as the user sees it, and its exit code.

import { EngineError } from '../../lib/errors.ts';
import type { ExitCode, Io } from './command.ts';
import { hintFor } from './hints.ts';

/** What the user can mend is one line and a hint; anything else is a bug, whose stack helps to find it. */
export function showError(error: unknown, io: Pick<Io, 'stderr'>): ExitCode {
  if (!(error instanceof EngineError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    io.stderr.write(`tripline: unexpected error, please report it\n${text}\n`);
    return 1;
  }
  io.stderr.write(`tripline: ${error.code} ${error.message}${causes(error)}\n`);
  io.stderr.write(`  ${hintFor(error)}\n`);
  return error.code === 'TRG_USAGE' ? 2 : 1;
}

/** The messages below an error, in one line. */
function causes(error: Error): string {
  const cause = error.cause;
  return cause instanceof Error ? `: ${cause.message}${causes(cause)}` : '';
}
