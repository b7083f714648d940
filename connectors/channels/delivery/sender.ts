// What a channel is to the delivery processor: something that tries once, and says what came of it.
//
// Owns: interfaces only. connectors/channels/webhook and connectors/channels/email implement ChannelSender; deliver.ts calls it.
//
// Invariants every sender keeps:
//   S1. send() never rejects: whatever goes wrong is a result.
//   S2. send() ends: every exchange is bounded in time and in bytes.
//   S3. Two sends of one action carry the same idempotency key, so that a receiver can tell a repetition.

import type { ErrorCode } from '../../../lib/errors.ts';
import type { Action } from '../../../schemas/action.ts';

export type SendResult =
  /** The provider took it. */
  | { readonly outcome: 'delivered'; readonly providerId: string | null }
  /** Trying again may help; `retryAfterMs` is what the provider asked for and replaces the next delay. */
  | { readonly outcome: 'retry'; readonly reason: string; readonly retryAfterMs?: number }
  /**
   * Trying again cannot help. `code` names the dead letter (default TRG_DELIVERY_FAILED); `disable`: the provider wants
   * no more messages of this channel at all.
   */
  | { readonly outcome: 'failed'; readonly reason: string; readonly code?: ErrorCode; readonly disable?: boolean }
  /** Not tried, such as for want of an address. */
  | { readonly outcome: 'skipped'; readonly reason: string };

export interface ChannelSender {
  /**
   * One attempt, the `attempt`-th from 1. When `signal` aborts, the result is no longer of interest. `traceparent`: the trace
   * that the action belongs to, for providers that take it; null: none.
   */
  send(action: Action, attempt: number, signal: AbortSignal, traceparent?: string | null): Promise<SendResult>;
  /** Idempotent. */
  close(): Promise<void>;
}
