// What goes over the socket: HTTP, a question in JSON, an answer in JSON Lines.
//
// POST /ask with a Question. The answer's first line is a Greeting; then come items, each `{"item":…}`, and at the end one line
// `{"result":…}` or `{"error":…}`. An empty line says that the worker is at it. An answer without its last line broke off.
//
// Owns: the words and the version. Does not own: what is asked (operations.ts), sockets (socket-server.ts, client.ts).

import type { WireError } from '../../lib/wire-error.ts';

/** To be raised whenever a question or an answer of an earlier version would be misunderstood. */
export const PROTOCOL = 1;

export const ASK_PATH = '/ask';

/**
 * Between workers, over HTTP, with the token of the one that is asked. The answer is one JSON object: Greeting and last line in one;
 * 401 for another token.
 */
export const INTERNAL_ASK_PATH = '/internal/ask';

export interface Question {
  readonly protocol: number;
  /** Whose data the asker means. */
  readonly application: string;
  readonly operation: string;
  readonly input: unknown;
}

export interface Greeting {
  readonly protocol: number;
}

export type AnswerLine = { readonly item: unknown } | { readonly result: unknown } | { readonly error: WireError };

/** Rules with all their files are the largest question: some megabytes. */
export const QUESTION_BYTES_MAX = 16 * 1024 * 1024;
/** So often a worker that is at it says so. */
export const HEARTBEAT_MS = 2_000;
/** Who hears nothing for so long is not being answered; an engine that shares the thread may take seconds for a step. */
export const SILENCE_MS = 15_000;
