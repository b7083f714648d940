// KeyValueStore in memory: for tests, inline tests of rules and short simulations.

import { assert } from '../../lib/assert.ts';
import { asBuffer } from '../../lib/bytes.ts';
import type { KeyValueStore, StoreEntry, StoreWrite } from './api.ts';

/** An ordered map; keys are sorted when a range is first asked for after a change of the key set. */
export class MemoryStore implements KeyValueStore {
  readonly #entries = new Map<string, StoreEntry>();
  #sorted: StoreEntry[] | null = null;

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#entries.get(nameOf(key))?.value;
  }

  async range(from: Uint8Array, to: Uint8Array, limit: number): Promise<readonly StoreEntry[]> {
    this.#sorted ??= [...this.#entries.values()].sort((a, b) => Buffer.compare(a.key, b.key));
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (Buffer.compare(this.#sorted[middle]!.key, from) < 0) low = middle + 1;
      else high = middle;
    }
    const found: StoreEntry[] = [];
    for (let i = low; i < this.#sorted.length && found.length < limit; i++) {
      const entry = this.#sorted[i]!;
      if (Buffer.compare(entry.key, to) >= 0) break;
      found.push(entry);
    }
    return found;
  }

  async write(batch: readonly StoreWrite[]): Promise<void> {
    for (const { key, value } of batch) {
      assert(value === null || value.length > 0, 'no value is empty');
      if (value === null) this.#entries.delete(nameOf(key));
      else this.#entries.set(nameOf(key), { key, value });
    }
    this.#sorted = null;
  }

  async clear(): Promise<void> {
    this.#entries.clear();
    this.#sorted = null;
  }

  async close(): Promise<void> {}
}

function nameOf(key: Uint8Array): string {
  return asBuffer(key).toString('latin1');
}
