// What an HTTP exchange comes to, where a provider says no more than a status.
//
// Owns: failures of the connection, Retry-After, the usual meaning of a status. Does not own: a provider's own words.
//
// Invariants:
//   M1. What may be another time is tried again: connections, time-outs, 408, 425, 429, 5xx, and redirects, which are not
//       followed. Credentials that are refused (401) are everybody's trouble, and stop the channel. Any other status is final.
//   M2. No reason holds what the other side wrote: it may repeat the message.

import type { Clock } from '../../../lib/clock.ts';
import { TimeLimitError } from '../../../lib/time-limit.ts';
import { TokenError } from '../../http/client-credentials.ts';
import type { HttpAnswer } from '../../http/http-client.ts';
import { PrivateAddressError } from '../../http/private-address.ts';
import { parseRetryAfter } from '../delivery/backoff.ts';
import type { SendResult } from '../delivery/sender.ts';

const TRANSIENT: ReadonlySet<number> = new Set([408, 425, 429]);

/** What `exchange` gives, or what its failure means. */
export async function resultOf(exchange: () => Promise<SendResult>): Promise<SendResult> {
  try {
    return await exchange();
  } catch (error) {
    return connectionFailure(error);
  }
}

/** Another time, when the provider says so: it may be known when. */
export function later(answer: HttpAnswer, reason: string, clock: Clock): SendResult {
  const retryAfterMs = parseRetryAfter(answer.header('retry-after'), clock.now());
  return { outcome: 'retry', reason, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

/** M1, of a status that is no success. */
export function refusal(answer: HttpAnswer, clock: Clock): SendResult {
  const { status } = answer;
  const reason = `HTTP ${status}`;
  if (isTransient(status)) return later(answer, reason, clock);
  return status === 401 ? { outcome: 'failed', reason, disable: true } : { outcome: 'failed', reason };
}

/** A status of success or a redirect is transient too, where the caller does not take it for one. */
export function isTransient(status: number): boolean {
  return status < 400 || status >= 500 || TRANSIENT.has(status);
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function connectionFailure(error: unknown): SendResult {
  if (error instanceof PrivateAddressError) return { outcome: 'failed', reason: 'private address refused' };
  if (error instanceof TimeLimitError || error instanceof TokenError) {
    return { outcome: 'retry', reason: error.message };
  }
  const { code, message } = error as { code?: string; message: string };
  return { outcome: 'retry', reason: `no connection: ${code ?? message}` };
}
