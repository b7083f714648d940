// The way of one send to a person: the channels that may still be taken, in order, and those that were passed over.
//
// Invariants:
//   T1. A channel that a gate took out does not come back for this decision, and why it was taken out is kept.

import type { PassedOver } from '../../schemas/decision.ts';

/** A send as far as its way is concerned. */
export interface RoutedSend {
  readonly step: number;
  /** Where it may go, in order. */
  readonly channels: readonly string[];
}

export class Route<Send extends RoutedSend = RoutedSend> {
  readonly send: Send;
  /** Where it might have gone, in order. */
  readonly all: readonly string[];
  #channels: readonly string[];
  #refusedBy: string | null = null;
  readonly #passedOver: PassedOver[] = [];

  constructor(send: Send, channels: readonly string[] = send.channels) {
    this.send = send;
    this.all = channels;
    this.#channels = channels;
  }

  /** In order; the first is where the action goes, the rest is its fallback. Empty: there is no way. */
  get channels(): readonly string[] {
    return this.#channels;
  }

  /** Why there is no way; null: there is one, or nobody was asked. */
  get refusedBy(): string | null {
    return this.#refusedBy;
  }

  get passedOver(): readonly PassedOver[] {
    return this.#passedOver;
  }

  keep(allows: (channel: string) => boolean, reason: string): void {
    if (this.#channels.length === 0) return;
    const kept: string[] = [];
    for (const channel of this.#channels) {
      if (allows(channel)) kept.push(channel);
      else this.#passedOver.push({ step: this.send.step, channel, reason });
    }
    this.#channels = kept;
    if (kept.length === 0) this.#refusedBy = reason;
  }
}
