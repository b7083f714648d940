// How many bytes of requests are in memory: read from senders and not yet in the log (docs/design.md, I8).
//
// Invariants:
//   F1. What is reserved never exceeds the bound, whatever senders do.
//   F2. A reservation ends once nobody holds it: neither the response nor the events on their way to the log.
//   F3. Who has shown no key takes nothing from those who have: there is room apart for such bodies, no address has all of
//       it, and a body has no more of it than has come.

import { assert } from '../../../lib/assert.ts';
import { BUSY_RETRY_AFTER_MS } from './limits.ts';
import { Refusal } from './refusal.ts';

/** Of senders with a key. */
export class InFlight {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Throws Refusal (429) when there is no room. The caller is the first holder. */
  reserve(bytes: number): Reservation {
    return new Reservation(bytes, (change) => {
      if (change > 0 && this.#bytes + change > this.#bytesMax) throw busy();
      this.#bytes += change;
    });
  }
}

/** Of senders whose key, if they have one, is in the body (F3). */
export class Unproven {
  readonly #bytesMax: number;
  readonly #addressBytesMax: number;
  readonly #byAddress = new Map<string, number>();
  #bytes = 0;

  constructor(bytesMax: number, addressBytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#addressBytesMax = addressBytesMax;
  }

  /** Of nothing yet: it grows, and throws Refusal (429) where there is no room. */
  open(address: string): Reservation {
    return new Reservation(0, (change) => {
      const own = (this.#byAddress.get(address) ?? 0) + change;
      const isFull = this.#bytes + change > this.#bytesMax || own > this.#addressBytesMax;
      if (change > 0 && isFull) throw busy();
      this.#bytes += change;
      if (own === 0) this.#byAddress.delete(address);
      else this.#byAddress.set(address, own);
    });
  }
}

export class Reservation {
  readonly #change: (bytes: number) => void;
  #bytes: number;
  #holders = 1;

  /** Use InFlight.reserve or Unproven.open. `change` throws where there is no room. */
  constructor(bytes: number, change: (bytes: number) => void) {
    this.#change = change;
    change(bytes);
    this.#bytes = bytes;
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
    assert(bytes <= this.#bytes, 'a reservation grows by grow() alone');
    this.#change(bytes - this.#bytes);
    this.#bytes = bytes;
  }

  /** Throws Refusal (429) when there is no room. */
  grow(bytes: number): void {
    assert(this.#holders > 0, 'what nobody holds does not grow');
    this.#change(bytes);
    this.#bytes += bytes;
  }
}

function busy(): Refusal {
  const message = 'more events are on their way to the log than fit: send again later';
  return new Refusal(429, 'TRG_HTTP_BUSY', message, BUSY_RETRY_AFTER_MS);
}
