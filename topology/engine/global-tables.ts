// Topics mirrored whole, outside of tasks: Kafka Streams' GlobalKTable. Whoever does I/O asks them right before it.
//
// Owns: reading the topics with a reader of its own and no group, the mirror, and the fence of current(). Does not own: what the
// records mean (TableSpec.fold), the store, which the owner opens and closes.
//
// Invariants:
//   G1. current() resolves once everything is in the mirror that was committed before it was called, and later only: a reader's
//       answer that says "read to its end" rests on a request made after that read began. What a transaction under way will bring
//       is waited for too (docs/design.md, I7).
//   G2. Calls of current() are joined: one read of all topics answers all who asked before it began, and reads for their sake are
//       FENCE_INTERVAL_MS apart, however many ask.
//   G3. A log that does not answer makes current() wait. It never resolves unasked.
//   G4. Mirror and positions change in one write, so a mirror on disk goes on where it stood. One that lies beyond the end of its
//       topic, which was then made anew, is begun anew.
//   G5. Memory holds one answer of the log, and what the store holds in memory (I8).
//
// Edge `known`: what must be known right before a message goes is read: consent, suppressions, channels that are disabled.
//   throws: read again every 0.5 s, with a line in the log each minute; nothing is sent meanwhile, and everything else goes on
//   rejects: as a throw
//   hangs: nothing is sent until there is an answer, and everything else goes on
//   too large: cannot: what is read at a time is bounded, and a record of any size is one entry

import { asBuffer, utf8Bytes, utf8Text } from '../../lib/bytes.ts';
import type { Clock } from '../../lib/clock.ts';
import { EngineError, FatalError } from '../../lib/errors.ts';
import type { LogRecord } from '../../schemas/record.ts';
import type { KeyValueStore, StoreWrite } from '../../state/store/api.ts';
import { type FetchedPartition, type Log, type LogReader, partitionKey, type TopicPartition } from './ports.ts';

export interface TableEntry {
  /** Time of the newest record that is in it, ms. */
  readonly timestamp: number;
  readonly value: Uint8Array;
}

export interface TableSpec {
  readonly topic: string;
  /** Null: the record is of no use here. Left out: the record's key as text. */
  readonly keyOf?: (record: LogRecord) => string | null;
  /** What is kept of a key after this record; null: nothing. Left out: the record's value. Must not throw. */
  readonly fold?: (before: TableEntry | undefined, record: LogRecord) => Uint8Array | null;
}

/** One mirrored topic. */
export interface GlobalTable {
  get(key: string): TableEntry | undefined;
}

export interface GlobalTablesOptions {
  readonly log: Log;
  readonly tables: readonly TableSpec[];
  /** For these tables alone. */
  readonly store: KeyValueStore;
  readonly clock: Clock;
  /** Told of what keeps them from reading; it is tried again. */
  readonly onFault: (error: unknown) => void;
  /** Told of each record once it can be got. */
  readonly onChange?: (topic: string, key: string) => void;
}

const READ_BYTES = 1024 * 1024;
/** How late what nobody asks for is noticed; a log that can tells at once. */
const IDLE_WAIT_MS = 500;
/** 200 fences a second are what a cluster does not notice, and cost a send 5 ms at most. */
const FENCE_INTERVAL_MS = 5;
const RETRY_MS = 500;
/** How late it is noticed that a topic has more partitions. */
const GROWTH_MS = 30_000;

/** A reason of one's own: without, each abort makes an error with a stack. */
const WOKEN = 'there is something to do';

interface Fence {
  /** Ends of partitions as of the first read after it was asked for; null before that. */
  targets: Map<string, number> | null;
  readonly reached: PromiseWithResolvers<boolean>;
}

export class GlobalTables {
  readonly #options: GlobalTablesOptions;
  readonly #specs: ReadonlyMap<string, TableSpec>;
  readonly #positions = new Map<string, number>();
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #places: readonly TopicPartition[] = [];
  #reader: LogReader | null = null;
  #lookedAt = 0;
  /** The one that is being read for, and the one for all who asked since. */
  #active: Fence | null = null;
  #next: Fence | null = null;
  #fencedAt = -Infinity;
  /** Ends a wait for records. */
  #idle: AbortController | null = null;
  #isOver = false;
  readonly #first = Promise.withResolvers<void>();

  constructor(options: GlobalTablesOptions) {
    this.#options = options;
    this.#specs = new Map(options.tables.map((spec) => [spec.topic, spec]));
    // Who does not wait for it is told by onFault.
    this.#first.promise.catch(() => {});
    this.#ended = this.#run();
  }

  /** Resolves with the first answer of the log, or once closed. Throws what time cannot mend, such as FatalError TRG_LOG_DENIED. */
  firstRead(): Promise<void> {
    return this.#first.promise;
  }

  table(topic: string): GlobalTable {
    const { store } = this.#options;
    return {
      get: (key) => {
        const bytes = store.get(entryKey(topic, key));
        return bytes === undefined ? undefined : decodeEntry(bytes);
      },
    };
  }

  /** G1: true. False: `signal` aborted, or these were closed, and nothing may be concluded. Never rejects. */
  async current(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted || this.#isOver) return false;
    this.#next ??= { targets: null, reached: Promise.withResolvers() };
    const { reached } = this.#next;
    this.#idle?.abort(WOKEN);
    const givenUp = Promise.withResolvers<boolean>();
    const giveUp = (): void => givenUp.resolve(false);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      return await Promise.race([reached.promise, givenUp.promise]);
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#idle?.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { clock, onFault } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#open();
        while (!signal.aborted) await this.#turn();
      } catch (error) {
        if (signal.aborted || isClosed(error)) break;
        if (!(error instanceof StartAgain)) {
          if (error instanceof FatalError) this.#first.reject(error);
          onFault(error);
          await clock.sleep(RETRY_MS, signal);
        }
      } finally {
        const reader = this.#reader;
        this.#reader = null;
        await reader?.close().catch(() => {});
      }
    }
    this.#isOver = true;
    this.#first.resolve();
    this.#active?.reached.resolve(false);
    this.#next?.reached.resolve(false);
  }

  /** Throws RetryableError or FatalError TRG_TOPIC_MISSING while a topic is not there. */
  async #open(): Promise<void> {
    const { log, store, clock } = this.#options;
    const counts = await log.admin.topics();
    this.#lookedAt = clock.now();
    this.#places = [...this.#specs.keys()].flatMap((topic) =>
      // Of one that is not there the first is asked for, and missed.
      Array.from({ length: counts.get(topic) ?? 1 }, (_, partition) => ({ topic, partition })),
    );
    for (const place of this.#places) {
      const { first, written } = await log.admin.offsets(place);
      const known = store.get(positionKey(place));
      const position = known === undefined ? first : Number(utf8Text(known));
      if (position > written) {
        await this.#forget();
        throw new StartAgain();
      }
      this.#positions.set(partitionKey(place), position);
    }
    this.#reader = log.openReader();
    this.#reader.assign(this.#places.map((place) => ({ ...place, offset: this.#positions.get(partitionKey(place))! })));
  }

  /** G4. */
  async #forget(): Promise<void> {
    await this.#options.store.clear();
    this.#positions.clear();
  }

  async #turn(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#closing;
    if (this.#active === null && this.#next !== null) {
      const waitMs = this.#fencedAt + FENCE_INTERVAL_MS - clock.now();
      if (waitMs > 0) await clock.sleep(waitMs, signal);
      this.#active = this.#next;
      this.#next = null;
      this.#fencedAt = clock.now();
    }
    let waitMs = 0;
    if (this.#active === null) {
      this.#idle = new AbortController();
      waitMs = IDLE_WAIT_MS;
    }
    const options = { maxBytes: READ_BYTES, waitMs };
    const fetched = await this.#reader!.read(this.#idle === null ? options : { ...options, signal: this.#idle.signal });
    this.#idle = null;
    if (signal.aborted) return;
    this.#first.resolve();
    await this.#apply(fetched);
    this.#settle(fetched);
    if (clock.now() - this.#lookedAt >= GROWTH_MS) await this.#lookForGrowth();
  }

  async #apply(fetched: readonly FetchedPartition[]): Promise<void> {
    const batch = new Map<string, StoreWrite>();
    const changed: [topic: string, key: string][] = [];
    for (const { topic, partition, records, nextOffset } of fetched) {
      const place = { topic, partition };
      if (nextOffset === this.#positions.get(partitionKey(place))) continue;
      const spec = this.#specs.get(topic)!;
      for (const record of records) {
        const key = spec.keyOf === undefined ? record.key && utf8Text(record.key) : spec.keyOf(record);
        if (key === null) continue;
        const name = `${topic}\0${key}`;
        batch.set(name, { key: entryKey(topic, key), value: this.#after(spec, batch.get(name), key, record) });
        changed.push([topic, key]);
      }
      batch.set(partitionKey(place), { key: positionKey(place), value: utf8Bytes(String(nextOffset)) });
    }
    if (batch.size === 0) return;
    await this.#options.store.write([...batch.values()]);
    for (const { topic, partition, nextOffset } of fetched)
      this.#positions.set(partitionKey({ topic, partition }), nextOffset);
    for (const [topic, key] of changed) this.#options.onChange?.(topic, key);
  }

  #after(spec: TableSpec, written: StoreWrite | undefined, key: string, record: LogRecord): Uint8Array | null {
    const { timestamp, value } = record;
    if (spec.fold === undefined) return value === null ? null : encodeEntry({ timestamp, value });
    const before = written === undefined ? this.#options.store.get(entryKey(spec.topic, key)) : written.value;
    const after = spec.fold(before === undefined || before === null ? undefined : decodeEntry(before), record);
    return after === null ? null : encodeEntry({ timestamp, value: after });
  }

  #settle(fetched: readonly FetchedPartition[]): void {
    const fence = this.#active;
    if (fence === null) return;
    const ends = fetched.map((each): [string, number] => [partitionKey(each), each.endOffset]);
    fence.targets ??= new Map(ends);
    if (fence.targets.size < this.#places.length) {
      fence.targets = null;
      return;
    }
    for (const [place, end] of fence.targets) if (this.#positions.get(place)! < end) return;
    this.#active = null;
    fence.reached.resolve(true);
  }

  async #lookForGrowth(): Promise<void> {
    const { log, clock } = this.#options;
    const counts = await log.admin.topics();
    this.#lookedAt = clock.now();
    const planned = Map.groupBy(this.#places, ({ topic }) => topic);
    for (const [topic, places] of planned) {
      if ((counts.get(topic) ?? 1) === places.length) continue;
      // A fence that was reached by the partitions of before is reached anew.
      if (this.#active !== null) this.#active.targets = null;
      throw new StartAgain();
    }
  }
}

/** What is read has changed; no fault. */
class StartAgain extends Error {}

/** Whether the log was closed by its owner. */
function isClosed(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'TRG_LOG_CLOSED';
}

/** Keys begin with a letter: none may begin with 0 or 255 (state/store/level-store.ts). */
function entryKey(topic: string, key: string): Uint8Array {
  return utf8Bytes(`entry/${topic}/${key}`);
}

function positionKey(place: TopicPartition): Uint8Array {
  return utf8Bytes(`position/${partitionKey(place)}`);
}

const TIME_BYTES = 8;

function encodeEntry({ timestamp, value }: TableEntry): Uint8Array {
  const bytes = Buffer.allocUnsafe(TIME_BYTES + value.length);
  bytes.writeDoubleBE(timestamp);
  bytes.set(value, TIME_BYTES);
  return bytes;
}

function decodeEntry(bytes: Uint8Array): TableEntry {
  return { timestamp: asBuffer(bytes).readDoubleBE(), value: bytes.subarray(TIME_BYTES) };
}
