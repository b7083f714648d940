// Assertions: a failed one is a bug in this program, never bad input. It crashes and is never caught.

/** Throws AssertionError when `condition` is false; `message` says what was believed. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

export class AssertionError extends Error {
  override name = 'AssertionError';
}
