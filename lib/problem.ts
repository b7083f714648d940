// A mistake in a file someone wrote, with the place where it is.
//
// Owns: the shape and its one-line text. Does not own: finding mistakes.

import { type ErrorCode, FatalError } from './errors.ts';

export interface Problem {
  /** Path of the file as the user gave it; for a setting from the environment, the variable's name. */
  readonly file: string;
  /** From 1; 0 when the problem has no place in the file. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** What to do about it. */
  readonly hint: string | null;
}

/** `file:line:column: message`, the form editors and terminals can jump to. */
export function formatProblem(problem: Problem): string {
  const place = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
  return `${place}: ${problem.message}${problem.hint === null ? '' : ` (${problem.hint})`}`;
}

/** All the problems of one file at once; its message is their lines. */
export class ProblemsError extends FatalError {
  readonly summary: string;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, summary: string, problems: readonly Problem[]) {
    super(code, [summary, ...problems.map((problem) => `  ${formatProblem(problem)}`)].join('\n'));
    this.summary = summary;
    this.problems = problems;
  }
}
