// Which attempts were begun, noted before the provider is called: so that one that a crash cut short still counts.
//
// Owns: the notes of one engine thread, on disk. Does not own: the outbox, which knows attempts whose outcome was committed.
//
// Invariants:
//   N1. note() resolves once the note would survive the death of the process (not of the machine: it is not synced to disk).
//   N2. Notes of one turn of the event loop are written together, and no write waits for another: a write passes through a pool of
//       threads that a log's syncs keep busy, and in line behind each other they would be what deliveries wait for.
//   N3. A settled action's note goes once its settling is committed; notes that nobody came back for, a week after.

import { assert } from '../../../lib/assert.ts';
import { asBuffer, utf8Bytes } from '../../../lib/bytes.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { KeyValueStore, StoreWrite } from '../../../state/store/api.ts';

/** Longer than any action waits between two attempts (backoff.ts: a day, lengthened by jitter). */
const FORGOTTEN_MS = 7 * 86_400_000;
const SWEEP_ENTRIES = 1_000;
const NOTE_BYTES = 12;
/** Around all keys, which are hex digits of ids or at least printable. */
const FIRST = Uint8Array.of(1);
const LAST = Uint8Array.of(254);

export class AttemptStore {
  readonly #store: KeyValueStore;
  readonly #clock: Clock;
  #batch: StoreWrite[] = [];
  /** The write that takes #batch, when one is planned. */
  #next: Promise<void> | null = null;
  readonly #writing = new Set<Promise<void>>();

  private constructor(store: KeyValueStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Takes the store, which is for this alone, and closes it in close(). */
  static async open(store: KeyValueStore, clock: Clock): Promise<AttemptStore> {
    const opened = new AttemptStore(store, clock);
    await opened.#sweep();
    return opened;
  }

  /** N1. `attempt` from 1. Throws what the store throws, such as RetryableError TRG_STATE_UNWRITABLE. */
  note(action: string, attempt: number): Promise<void> {
    const value = Buffer.allocUnsafe(NOTE_BYTES);
    value.writeDoubleBE(this.#clock.now());
    value.writeUInt32BE(attempt, 8);
    this.#batch.push({ key: utf8Bytes(action), value });
    return this.#written();
  }

  /** Attempts that were begun of this action; 0: none is noted. */
  begun(action: string): number {
    const value = this.#store.get(utf8Bytes(action));
    return value === undefined ? 0 : decode(value).attempt;
  }

  /** Of actions whose settling is committed. What fails here is swept later. */
  forget(actions: readonly string[]): void {
    if (actions.length === 0) return;
    for (const action of actions) this.#batch.push({ key: utf8Bytes(action), value: null });
    void this.#written().catch(() => {});
  }

  async close(): Promise<void> {
    await this.#next?.catch(() => {});
    await Promise.allSettled(this.#writing);
    await this.#store.close();
  }

  /** N2. */
  #written(): Promise<void> {
    this.#next ??= Promise.resolve().then(async () => {
      const batch = this.#batch;
      this.#batch = [];
      this.#next = null;
      const written = this.#store.write(batch);
      this.#writing.add(written);
      try {
        await written;
      } finally {
        this.#writing.delete(written);
      }
    });
    return this.#next;
  }

  /** N3. */
  async #sweep(): Promise<void> {
    const before = this.#clock.now() - FORGOTTEN_MS;
    for (let from: Uint8Array = FIRST; ; ) {
      const entries = await this.#store.range(from, LAST, SWEEP_ENTRIES);
      const old = entries.filter(({ value }) => decode(value).at < before);
      if (old.length > 0) await this.#store.write(old.map(({ key }) => ({ key, value: null })));
      if (entries.length < SWEEP_ENTRIES) return;
      from = Buffer.concat([entries.at(-1)!.key, Uint8Array.of(0)]);
    }
  }
}

function decode(value: Uint8Array): { readonly at: number; readonly attempt: number } {
  assert(value.length === NOTE_BYTES, 'a note has the length of a note');
  const bytes = asBuffer(value);
  return { at: bytes.readDoubleBE(), attempt: bytes.readUInt32BE(8) };
}
