// How many bytes of requests are in memory: read from senders and not yet in the log (docs/design.md, I8).
//
// Invariants:
//   F1. What is reserved never exceeds the bound, whatever senders do.
//   F2. A reservation ends once nobody holds it: neither the response nor the events on their way to the log.

import { assert } from '../../../lib/assert.ts';
import { BUSY_RETRY_AFTER_MS } from './limits.ts';
import { Refusal } from './refusal.ts';

export class InFlight {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Throws Refusal (429) when there is no room. The caller is the first holder. */
  reserve(bytes: number): Reservation {
    if (this.#bytes + bytes > this.#bytesMax) {
      const message = 'more events are on their way to the log than fit: send again later';
      throw new Refusal(429, 'TRG_HTTP_BUSY', message, BUSY_RETRY_AFTER_MS);
    }
    return new Reservation(bytes, (change) => {
      this.#bytes += change;
    });
  }
}

export class Reservation {
  readonly #change: (bytes: number) => void;
  #bytes: number;
  #holders = 1;

  /** Use InFlight.reserve. */
  constructor(bytes: number, change: (bytes: number) => void) {
    this.#bytes = bytes;
    this.#change = change;
    change(bytes);
  }

  hold(): void {
    this.#holders++;
  }

  drop(): void {
    assert(this.#holders > 0, 'a reservation is dropped once by each holder');
    this.#holders--;
    if (this.#holders === 0) this.shrink(0);
  }

  /** Gives back what turned out not to be needed. */
  shrink(bytes: number): void {
    assert(bytes <= this.#bytes, 'a reservation does not grow');
    this.#change(bytes - this.#bytes);
    this.#bytes = bytes;
  }
}
