// What a channel is to the delivery processor: something that renders an action, tries once to send it, and says what came
// of it.
//
// Owns: interfaces only. Each channel's sender.ts implements ChannelSender; attempt.ts calls it.
//
// Invariants every sender keeps:
//   S1. Nothing throws or rejects (supervised.ts sees to it): whatever goes wrong is a result.
//   S2. send() ends: every exchange is bounded in time and in bytes.
//   S3. Two sends of one action carry the same idempotency key, so that a receiver can tell a repetition.
//   S4. render() asks nobody: the same action gives the same message.

import type { ErrorCode } from '../../../lib/errors.ts';
import type { Action } from '../../../schemas/action.ts';
import type { Address } from '../../../schemas/address.ts';
import type { JsonObject } from '../../../schemas/json.ts';

/** The message as it goes out: what is previewed, archived and sent. */
export interface RenderedMessage<Content extends object = object> {
  /** Where it goes, which may be suppressed; null: to no address of a person. */
  readonly address: Address | null;
  /** What is said, as JSON that a person can read. */
  readonly content: Content;
  /** What its template shows, as it is written there, and was not there; left out: nothing. */
  readonly missing?: readonly string[];
}

/** Trying again cannot help. */
export interface Failed {
  readonly outcome: 'failed';
  readonly reason: string;
  /** Names the dead letter; left out: TRG_DELIVERY_FAILED. */
  readonly code?: ErrorCode;
  /** The provider wants no more messages of this channel at all, or of this account: until somebody enables it. */
  readonly disable?: boolean;
  /** What the address has turned out to be. `soft`: for now; three in a row without a delivery between count as a bounce. */
  readonly suppress?: { readonly reason: 'bounce' | 'complaint' | 'dead' | 'opt-out'; readonly soft?: boolean };
  readonly devices?: readonly DeviceResult[];
}

/** Not tried. `no-address`, `consent`, `suppressed`, `expired`, `cancelled`, `sandbox` and `channel-disabled` are fixed words. */
export interface Skipped {
  readonly outcome: 'skipped';
  readonly reason: string;
}

/** What came of one device of a push message. */
export interface DeviceResult {
  /** Device.id. */
  readonly device: string;
  /** gone: the provider no longer knows it, so that it is forgotten. */
  readonly outcome: 'delivered' | 'failed' | 'gone';
  readonly reason: string | null;
  /** Since when it is gone, ms; left out: the provider does not say. A device that registered after it stays. */
  readonly goneAt?: number;
}

export type SendResult =
  /** The provider took it. */
  | {
      readonly outcome: 'delivered';
      readonly providerId: string | null;
      readonly devices?: readonly DeviceResult[];
      /** For another part of the topology, written in the transaction of the delivery record (ConnectorOptions.handsOverTo). */
      readonly handOver?: JsonObject;
    }
  /**
   * Trying again may help; `retryAfterMs` is what the provider asked for and replaces the next delay. `suppress`: as Failed has
   * it, where this was the last attempt.
   */
  | {
      readonly outcome: 'retry';
      readonly reason: string;
      readonly retryAfterMs?: number;
      readonly suppress?: { readonly reason: 'bounce'; readonly soft: true };
    }
  | Failed
  | Skipped;

export type Rendering<Content extends object = object> =
  | { readonly outcome: 'rendered'; readonly message: RenderedMessage<Content> }
  | Failed
  | Skipped;

/** One attempt. */
export interface Outgoing<Content extends object = object> {
  readonly action: Action;
  readonly message: RenderedMessage<Content>;
  /** From 1. */
  readonly attempt: number;
  /** The trace that the action belongs to, for providers that take it; null: none. */
  readonly traceparent: string | null;
}

export interface ChannelSender<Content extends object = object> {
  render(action: Action): Rendering<Content>;
  /** When `signal` aborts, the result is no longer of interest. */
  send(outgoing: Outgoing<Content>, signal: AbortSignal): Promise<SendResult>;
  /** Idempotent. */
  close(): Promise<void>;
}
