// Whether a message may still go, asked right before each attempt.
//
// Owns: the order of the questions and the words of the answers. Does not own: what is known (known.ts).
//
// Invariants:
//   D1. Nothing begins after an opt-out was recorded (docs/design.md, I7): an attempt awaits current(), then refusal() and the call
//       of the provider follow each other without waiting in between.
//   D2. A channel that its provider gave up is disabled here at once, and for the other workers once the record of that is
//       committed, which current() waits for.

import { type ConsentTerms, consentToSend, saidOf } from '../../../rules/gates/consent.ts';
import type { Action } from '../../../schemas/action.ts';
import type { Address } from '../../../schemas/address.ts';
import type { Known } from './known.ts';

/** Why a message is not sent: fixed words, of which some end its route and some bring its next channel. */
export type Refusal = 'channel-disabled' | 'expired' | 'cancelled' | 'consent' | 'suppressed' | 'sandbox';

export interface Guard {
  /** True once everything written before this call is known; false: `signal` aborted, and nothing is. */
  current(signal: AbortSignal): Promise<boolean>;
  /** As of what is known. `address`: null where it goes to no address of a person, or where that is not known yet. */
  refusal(action: Action, address: Address | null): Refusal | null;
  /** The provider has given up the channel (D2). */
  disable(at: number): void;
}

export interface GuardOptions {
  readonly channel: string;
  /** False: what goes over it reaches systems and colleagues. */
  readonly asksConsent: boolean;
  readonly terms: ConsentTerms;
  /** Nothing is sent at all. */
  readonly isSandbox: boolean;
  readonly known: Known;
  readonly current: (signal: AbortSignal) => Promise<boolean>;
  readonly now: () => number;
}

/** Longer than any commit: where a fault undid the one with the record, the provider is asked once more. */
const UNCOMMITTED_MS = 60_000;

export class ChannelGuard implements Guard {
  readonly #options: GuardOptions;
  /** Since when it is disabled here, ms. */
  #disabledAt = -Infinity;

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  current(signal: AbortSignal): Promise<boolean> {
    return this.#options.current(signal);
  }

  refusal(action: Action, address: Address | null): Refusal | null {
    const { channel, known, isSandbox, now } = this.#options;
    if (this.#isDisabled()) return 'channel-disabled';
    if (action.validUntil !== null && now() > action.validUntil) return 'expired';
    if (action.flow !== null) {
      const cancelledAt = known.cancelledAt(action.entity, action.flow);
      if (cancelledAt !== undefined && cancelledAt >= action.at) return 'cancelled';
    }
    if (!this.#consents(action, channel)) return 'consent';
    if (address !== null && known.suppression(address) !== undefined) return 'suppressed';
    return isSandbox ? 'sandbox' : null;
  }

  disable(at: number): void {
    this.#disabledAt = at;
  }

  #isDisabled(): boolean {
    const { state, at } = this.#options.known.channel(this.#options.channel);
    if (state === 'disabled') return true;
    // Who enables it later is right; the record of its having been disabled may still be on its way.
    return this.#disabledAt > at && this.#options.now() - this.#disabledAt < UNCOMMITTED_MS;
  }

  #consents({ category, entity }: Action, channel: string): boolean {
    const { asksConsent, terms, known } = this.#options;
    return (
      !asksConsent || consentToSend({ category, channel }, saidOf(known.wishesOf(entity), terms.doubleOptIn), terms)
    );
  }
}
