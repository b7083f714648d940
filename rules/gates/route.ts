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
  #channels: readonly string[];
  readonly #passedOver: PassedOver[] = [];

  constructor(send: Send) {
    this.send = send;
    this.#channels = send.channels;
  }

  /** In order; the first is where the action goes, the rest is its fallback. Empty: there is no way. */
  get channels(): readonly string[] {
    return this.#channels;
  }

  get passedOver(): readonly PassedOver[] {
    return this.#passedOver;
  }

  keep(allows: (channel: string) => boolean, reason: string): void {
    const kept: string[] = [];
    for (const channel of this.#channels) {
      if (allows(channel)) kept.push(channel);
      else this.#passedOver.push({ step: this.send.step, channel, reason });
    }
    this.#channels = kept;
  }
}
