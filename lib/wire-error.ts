// Errors between threads and processes: the same class, code and fields on the other side. Neither structured clone nor JSON
// keeps these.

import { AssertionError } from './assert.ts';
import type { ErrorCode, ErrorFields } from './errors.ts';
import { describeError, EngineError, FatalError, FencedError, RecordError, RetryableError } from './errors.ts';
import { type Problem, ProblemsError } from './problem.ts';

const CLASSES = { FatalError, FencedError, RecordError, RetryableError } as const;

export type WireError =
  | {
      readonly kind: keyof typeof CLASSES;
      readonly code: ErrorCode;
      readonly message: string;
      readonly fields: ErrorFields;
      readonly cause: string | undefined;
    }
  | {
      readonly kind: 'ProblemsError';
      readonly code: ErrorCode;
      readonly message: string;
      readonly problems: readonly Problem[];
    }
  | { readonly kind: 'bug'; readonly message: string };

export function encodeError(error: unknown): WireError {
  if (!(error instanceof EngineError)) return { kind: 'bug', message: describeError(error) };
  if (error instanceof ProblemsError) {
    const { code, summary, problems } = error;
    return { kind: 'ProblemsError', code, message: summary, problems };
  }
  const { code, message, fields, cause } = error;
  const kind = Object.keys(CLASSES).find((name) => error instanceof CLASSES[name as keyof typeof CLASSES]);
  return {
    kind: (kind ?? 'FatalError') as keyof typeof CLASSES,
    code,
    message,
    fields,
    cause: cause === undefined ? undefined : describeError(cause),
  };
}

export function decodeError(error: WireError): Error {
  if (error.kind === 'bug') return new AssertionError(error.message);
  if (error.kind === 'ProblemsError') return new ProblemsError(error.code, error.message, error.problems);
  const cause = error.cause === undefined ? undefined : new Error(error.cause);
  return new CLASSES[error.kind](error.code, error.message, error.fields, cause);
}
