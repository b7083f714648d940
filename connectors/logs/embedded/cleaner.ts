// Retention and compaction: one bounded step over all partitions, whenever the owner asks for it.
//
// Owns: what is due. Does not own: when clean() is called (embedded-log.ts).
//
// Invariants:
//   N1. Only whole files are trimmed, oldest first, each only once its last record is older than the topic's retentionMs.
//   N2. A file counts until the entry that drops it is on disk; only then is it deleted.

import type { TopicPartition, TopicSpec } from '../../../topology/engine/ports.ts';
import { compact } from './compaction.ts';
import { closedError } from './log-errors.ts';
import type { PartitionState } from './log-state.ts';
import type { LogStore } from './log-store.ts';
import { segmentPath } from './segment-reader.ts';

/** Keys of one compaction pass: 24 bytes each, twice while the table doubles, so about 100 MB at most. */
const KEYS_MAX = 1_000_000;

/** A partition is compacted once this share of its bytes, and at least so many, came since the last time. */
const DIRTY_SHARE_MIN = 0.5;
/** Below it a pass costs more than it gives back. */
const DIRTY_BYTES_MIN = 1024 * 1024;

/** A file is ended at this share of its topic's retention, so that slow topics are trimmed too. */
const FILE_AGE_SHARE = 0.25;

export interface CleanOptions {
  /** Compact every compacted topic, however little there is to gain. */
  readonly force?: boolean;
  /** Bounds the memory of a pass; for tests. */
  readonly keysMax?: number;
}

export class Cleaner {
  readonly #store: LogStore;
  #running: Promise<boolean> | undefined;
  #closed = false;

  constructor(store: LogStore) {
    this.#store = store;
  }

  /** One pass. Returns whether another would find more to do. Throws as LogStore.change, and on damage. */
  async clean(options: CleanOptions = {}): Promise<boolean> {
    while (this.#running !== undefined) await this.#running.catch(() => false);
    if (this.#closed) throw closedError();
    this.#running = this.#clean(options);
    try {
      return await this.#running;
    } finally {
      this.#running = undefined;
    }
  }

  /** Resolves once no pass is running, and none will be. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running?.catch(() => false);
  }

  async #clean({ force = false, keysMax = KEYS_MAX }: CleanOptions): Promise<boolean> {
    let more = false;
    for (const [topic, { spec, partitions }] of this.#store.state.topics) {
      for (const [partition, state] of partitions.entries()) {
        const where = { topic, partition };
        if (spec.retentionMs !== undefined) await this.#trim(where, state, spec.retentionMs);
        if (spec.compacted === true && (force || isDirty(state)))
          more = (await compact(this.#store, where, keysMax)) || more;
      }
    }
    return more;
  }

  async #trim(
    where: TopicPartition,
    state: PartitionState,
    retentionMs: NonNullable<TopicSpec['retentionMs']>,
  ): Promise<void> {
    const now = this.#store.parts.clock.now();
    const trimmed = await this.#store.exclusive(async () => {
      const last = state.segments.at(-1);
      if (last !== undefined && last.firstWrittenAt <= now - retentionMs * FILE_AGE_SHARE)
        this.#store.rolling.add(state);
      const kept = state.segments.findIndex((segment) => segment.lastWrittenAt > now - retentionMs);
      const old = kept < 0 ? state.segments : state.segments.slice(0, kept);
      if (old.length === 0) return old;
      const cleanedTo = Math.max(state.cleanedTo, state.segments[old.length]?.base ?? state.end);
      const replaced = { ...where, removed: old.map((segment) => segment.file), added: [], cleanedTo };
      await this.#store.change({ replaced }, true);
      return old;
    });
    for (const segment of trimmed) await this.#store.removeFile(segmentPath(this.#store.parts.folder, where, segment));
  }
}

function isDirty({ segments, cleanedTo }: PartitionState): boolean {
  let bytes = 0;
  let dirty = 0;
  for (const segment of segments) {
    bytes += segment.bytes;
    if (segment.base >= cleanedTo) dirty += segment.bytes;
  }
  return dirty >= DIRTY_BYTES_MIN && dirty >= bytes * DIRTY_SHARE_MIN;
}
