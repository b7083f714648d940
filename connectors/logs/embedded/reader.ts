// Reads assigned partitions through a LogCore, holding at most one chunk of each.
//
// Invariants:
//   R1. The answer's end offsets were all taken after read() was called and after its waiting, so that "read to its end"
//       is never said of a partition that had more.
//   R2. Every partition with records gets its turn at being served first, so that none starves under a small maxBytes.

import { assert } from '../../../lib/assert.ts';
import type { LogRecord } from '../../../schemas/record.ts';
import type { FetchedPartition, LogReader, PartitionPosition, TopicPartition } from '../../../topology/engine/ports.ts';
import { partitionKey } from '../../../topology/engine/ports.ts';
import { BatchCursor } from './batch-cursor.ts';
import type { Chunk, FetchRequest, FileCursor, LogCore } from './core.ts';

/** Bounds of what is asked of one partition at a time: enough to pay for the request, little enough to hold for each. */
const CHUNK_BYTES_MIN = 64 * 1024;
const CHUNK_BYTES_MAX = 1024 * 1024;

/** A reason of one's own: without, each abort makes an error with a stack. */
const WOKEN = 'there is something to do';

interface Assigned extends TopicPartition {
  offset: number;
  paused: boolean;
  cursor: FileCursor | undefined;
  /** Records fetched and not yet answered; where to go on once they are. */
  batches: BatchCursor | undefined;
  afterBatches: number;
}

export class CoreReader implements LogReader {
  readonly #core: LogCore;
  #assigned = new Map<string, Assigned>();
  #turn = 0;
  #reading = false;
  #closed = false;
  #failure: unknown;
  /** Ends the waiting of the read under way. */
  #wake: (() => void) | undefined;

  constructor(core: LogCore) {
    this.#core = core;
  }

  assign(positions: readonly PartitionPosition[]): void {
    this.#assigned = new Map();
    this.#failure = undefined;
    for (const { topic, partition, offset } of positions) {
      const assigned = { topic, partition, offset, paused: false, cursor: undefined, batches: undefined };
      this.#assigned.set(partitionKey(assigned), { ...assigned, afterBatches: offset });
    }
    this.#wake?.();
  }

  pause(partition: TopicPartition): void {
    this.#of(partition).paused = true;
  }

  resume(partition: TopicPartition): void {
    this.#of(partition).paused = false;
    this.#wake?.();
  }

  async read(options: {
    maxBytes: number;
    waitMs: number;
    signal?: AbortSignal;
  }): Promise<readonly FetchedPartition[]> {
    assert(!this.#closed, 'a closed reader is not read');
    assert(!this.#reading, 'a reader is read once at a time');
    if (this.#failure !== undefined) throw this.#failure;
    this.#reading = true;
    try {
      return await this.#read(options);
    } catch (failure) {
      // Records of other partitions may have been taken for this answer: going on would lose them.
      this.#failure = failure;
      throw failure;
    } finally {
      this.#reading = false;
    }
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#assigned = new Map();
    this.#wake?.();
    return Promise.resolve();
  }

  async #read(options: { maxBytes: number; waitMs: number; signal?: AbortSignal }): Promise<FetchedPartition[]> {
    const assigned = this.#assigned;
    const wanted = inTurn([...assigned.values()], this.#turn++).filter((partition) => !partition.paused);
    const share = Math.ceil(options.maxBytes / Math.max(1, wanted.length));
    const chunkBytes = Math.min(CHUNK_BYTES_MAX, Math.max(CHUNK_BYTES_MIN, share));
    const requests: FetchRequest[] = wanted.map(({ topic, partition, offset, cursor, batches }) => {
      return { topic, partition, offset, cursor, maxBytes: batches === undefined ? chunkBytes : 0 };
    });
    const holdsSome = wanted.some((partition) => partition.batches !== undefined);
    const chunks = await this.#fetch(requests, holdsSome ? 0 : options.waitMs, options.signal);
    if (this.#assigned !== assigned) return [];
    for (const [i, partition] of wanted.entries()) absorb(partition, chunks[i]!);
    return serve(wanted, chunks, options.maxBytes);
  }

  async #fetch(
    requests: readonly FetchRequest[],
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<readonly Chunk[]> {
    const waiting = new AbortController();
    this.#wake = () => waiting.abort(WOKEN);
    if (signal?.aborted) waiting.abort(WOKEN);
    signal?.addEventListener('abort', this.#wake, { once: true });
    try {
      return await this.#core.fetch(requests, waitMs, waiting.signal);
    } finally {
      signal?.removeEventListener('abort', this.#wake);
      this.#wake = undefined;
    }
  }

  #of(partition: TopicPartition): Assigned {
    const assigned = this.#assigned.get(partitionKey(partition));
    assert(assigned !== undefined, `partition ${partitionKey(partition)} is assigned to this reader`);
    return assigned;
  }
}

function inTurn<Item>(items: readonly Item[], turn: number): Item[] {
  const first = items.length === 0 ? 0 : turn % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

function absorb(partition: Assigned, chunk: Chunk): void {
  if (partition.batches !== undefined) return;
  partition.cursor = chunk.cursor;
  partition.afterBatches = chunk.nextOffset;
  partition.offset = chunk.bytes.length === 0 ? chunk.nextOffset : chunk.from;
  if (chunk.bytes.length > 0) partition.batches = new BatchCursor(chunk);
  settle(partition);
}

/** Deals `maxBytes` out to the partitions that have records, in order. */
function serve(wanted: readonly Assigned[], chunks: readonly Chunk[], maxBytes: number): FetchedPartition[] {
  const answer: FetchedPartition[] = [];
  let left = maxBytes;
  let toServe = wanted.filter((partition) => partition.batches !== undefined).length;
  for (const [i, partition] of wanted.entries()) {
    if (partition.paused) continue;
    const records: LogRecord[] = [];
    if (partition.batches !== undefined) {
      const next = partition.batches.nextBytes;
      const share = Math.floor(left / toServe--);
      if (next > maxBytes && left === maxBytes) {
        partition.batches.take(next, records);
        left = 0;
      } else {
        left -= partition.batches.take(next <= left ? Math.max(share, next) : share, records);
      }
      settle(partition);
    }
    const { topic, partition: number, offset } = partition;
    answer.push({ topic, partition: number, records, nextOffset: offset, endOffset: chunks[i]!.endOffset });
  }
  return answer;
}

function settle(partition: Assigned): void {
  const { batches } = partition;
  if (batches === undefined) return;
  if (batches.nextBytes > 0) {
    partition.offset = batches.nextOffset;
  } else {
    partition.offset = partition.afterBatches;
    partition.batches = undefined;
  }
}
