// What a push service is to the channel: something that takes one message for one device.

import type { Action, Device } from '../../../schemas/action.ts';
import type { ShortMessage } from '../templates/short-message.ts';

export interface DeviceMessage {
  readonly action: Action;
  readonly device: Device;
  readonly content: ShortMessage;
}

export type DeviceOutcome =
  | { readonly outcome: 'delivered'; readonly providerId: string | null }
  /** It knows the device no more. `goneAt`: since when, ms; null: it does not say. */
  | { readonly outcome: 'gone'; readonly reason: string; readonly goneAt: number | null }
  | { readonly outcome: 'failed'; readonly reason: string }
  /** It takes nothing from us any more, for whatever device. */
  | { readonly outcome: 'denied'; readonly reason: string }
  | { readonly outcome: 'retry'; readonly reason: string; readonly retryAfterMs?: number | undefined };

export interface PushProvider {
  /** Ends soon after `signal` aborts; may reject, which is a connection that failed. */
  send(message: DeviceMessage, signal: AbortSignal): Promise<DeviceOutcome>;
  close(): Promise<void>;
}

/** Seconds for which the message is good; null: for as long as the service keeps it. */
export function secondsLeft({ validUntil }: Pick<Action, 'validUntil'>, now: number): number | null {
  return validUntil === null ? null : Math.max(0, Math.floor((validUntil - now) / 1_000));
}
