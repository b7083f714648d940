// Reads partitions that its owner names, committed records only.
//
// Owns: what is read next, waiting, prefetching. Does not own: requests (fetcher.ts), filtering (visible-batches.ts).
//
// Invariants:
//   P2 of topology/engine/ports.ts, and:
//   R1. An answer that says "read to its end" rests on a request made after that read began: a record committed before
//       a read is never taken for absent by it.
//   R2. What is buffered is bounded: BUFFER_BYTES, and one answer of each broker beyond.
//   R3. A broker is asked to wait only over connections of their own, so that no other request stands behind the wait.
//   R4. A read during which the assignment changed brings nothing, and takes nothing of the new one.

import type { LogRecord } from '../../../schemas/record.ts';
import {
  type FetchedPartition,
  type LogReader,
  type PartitionPosition,
  partitionKey,
  type TopicPartition,
} from '../../../topology/engine/ports.ts';
import type { KafkaAdmin } from './admin.ts';
import type { Channel, Cluster } from './cluster.ts';
import { closedError } from './connections.ts';
import { Feed } from './feed.ts';
import { Fetcher } from './fetcher.ts';

/** Of all partitions together (R2): what an engine thread processes in some hundred ms. */
const BUFFER_BYTES = 16 * 1024 * 1024;
/** A feed with less than this is fetched ahead while its records are processed. */
const PREFETCH_BELOW_BYTES = 512 * 1024;
/** Longest a broker is asked to wait: so long a wait may go on for an assignment that is gone. */
const BROKER_WAIT_MS = 250;

export class KafkaReader implements LogReader {
  readonly #cluster: Cluster;
  readonly #fetcher: Fetcher;
  readonly #waiting: Channel;
  #feeds = new Map<string, Feed>();
  /** Rotated, so that no partition starves. */
  #order: Feed[] = [];
  #turn = 0;
  #prefetching: Promise<void> = Promise.resolve();
  /** Brokers that are being waited for. */
  readonly #polled = new Set<number>();
  /** Ends the wait of a read. */
  #wake: (() => void) | null = null;
  #isClosed = false;

  readonly #onClose: () => void;

  constructor(cluster: Cluster, admin: KafkaAdmin, onClose: () => void) {
    this.#cluster = cluster;
    this.#onClose = onClose;
    this.#fetcher = new Fetcher(cluster, admin);
    this.#waiting = cluster.openChannel();
  }

  assign(positions: readonly PartitionPosition[]): void {
    this.#order = positions.map((position) => new Feed(position));
    this.#feeds = new Map(this.#order.map((feed) => [partitionKey(feed), feed]));
    this.#wake?.();
  }

  pause(partition: TopicPartition): void {
    const feed = this.#feeds.get(partitionKey(partition));
    if (feed !== undefined) feed.paused = true;
  }

  resume(partition: TopicPartition): void {
    const feed = this.#feeds.get(partitionKey(partition));
    if (feed === undefined || !feed.paused) return;
    feed.paused = false;
    this.#wake?.();
  }

  async read(options: {
    maxBytes: number;
    waitMs: number;
    signal?: AbortSignal;
  }): Promise<readonly FetchedPartition[]> {
    if (this.#isClosed) throw closedError();
    const { maxBytes, waitMs, signal } = options;
    const turn = ++this.#turn;
    const feeds = this.#feeds;
    const taken = new Map<Feed, readonly LogRecord[]>();
    this.#take(taken, maxBytes);
    await this.#freshen(turn);
    if (this.#feeds !== feeds) return [];
    if (taken.size === 0) this.#take(taken, maxBytes);
    if (taken.size === 0 && waitMs > 0 && signal?.aborted !== true) {
      await this.#wait(waitMs, turn, signal);
      if (this.#feeds !== feeds) return [];
      await this.#freshen(turn);
      if (this.#feeds !== feeds) return [];
      this.#take(taken, maxBytes);
    }
    this.#prefetch(turn);
    return this.#order
      .filter((feed) => !feed.paused || taken.has(feed))
      .map((feed) => ({
        topic: feed.topic,
        partition: feed.partition,
        records: taken.get(feed) ?? [],
        nextOffset: feed.position,
        endOffset: feed.end,
      }));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.assign([]);
    this.#onClose();
    await this.#waiting.close();
  }

  #take(taken: Map<Feed, readonly LogRecord[]>, maxBytes: number): void {
    let left = maxBytes;
    const first = this.#order.shift();
    if (first !== undefined) this.#order.push(first);
    for (const feed of this.#order) {
      if (feed.paused || feed.isEmpty) continue;
      const { records, bytes } = feed.take(left, taken.size === 0);
      if (records.length > 0) taken.set(feed, records);
      left -= bytes;
      if (left <= 0) return;
    }
  }

  /** Learns of every feed that has nothing buffered what there is now (R1). */
  async #freshen(turn: number): Promise<void> {
    await this.#prefetching;
    const stale = this.#order.filter((feed) => !feed.paused && feed.isEmpty && feed.endAsOf < turn);
    if (stale.length === 0) return;
    this.#makeRoom();
    await this.#fetcher.fetchNow(stale, turn);
  }

  #prefetch(turn: number): void {
    const buffered = this.#order.reduce((sum, feed) => sum + feed.bufferedBytes, 0);
    if (buffered > BUFFER_BYTES || this.#isClosed) return;
    const hungry = this.#order.filter(
      ({ paused, bufferedBytes, fetchAt, end }) => !paused && bufferedBytes < PREFETCH_BELOW_BYTES && fetchAt < end,
    );
    if (hungry.length === 0) return;
    // Whatever goes wrong is met again, and told, by the read that needs it.
    this.#prefetching = this.#fetchOnce(hungry, turn).catch(() => {});
  }

  async #fetchOnce(feeds: readonly Feed[], turn: number): Promise<void> {
    const byLeader = [...(await this.#fetcher.byLeader(feeds))];
    await Promise.all(byLeader.map(([node, ofNode]) => this.#fetcher.fetch(this.#cluster, node, ofNode, 0, turn)));
  }

  /** Paused feeds give their buffers back when there is too much (R2). */
  #makeRoom(): void {
    let buffered = this.#order.reduce((sum, feed) => sum + feed.bufferedBytes, 0);
    for (const feed of this.#order) {
      if (buffered <= BUFFER_BYTES) return;
      if (!feed.paused) continue;
      buffered -= feed.bufferedBytes;
      feed.drop();
    }
  }

  /** Until something came, `waitMs` passed, `signal` aborted, or what is read changed. */
  async #wait(waitMs: number, turn: number, signal: AbortSignal | undefined): Promise<void> {
    const ended = new AbortController();
    const woken = Promise.withResolvers<void>();
    const wake = (): void => woken.resolve();
    this.#wake = wake;
    signal?.addEventListener('abort', wake, { once: true });
    const { clock } = this.#cluster.options;
    void clock.sleep(waitMs, ended.signal).then(wake);
    try {
      await this.#pollAll(Math.min(waitMs, BROKER_WAIT_MS), turn);
      await woken.promise;
    } finally {
      this.#wake = null;
      signal?.removeEventListener('abort', wake);
      ended.abort();
    }
  }

  async #pollAll(waitMs: number, turn: number): Promise<void> {
    const feeds = this.#order.filter(({ paused }) => !paused);
    for (const [node, ofNode] of await this.#fetcher.byLeader(feeds)) {
      if (!this.#polled.has(node)) void this.#poll(node, ofNode, waitMs, turn);
    }
  }

  /** Waits at one broker, again and again while a read waits. Never rejects. */
  async #poll(node: number, feeds: readonly Feed[], waitMs: number, turn: number): Promise<void> {
    this.#polled.add(node);
    let isFine = true;
    try {
      await this.#fetcher.fetch(this.#waiting, node, feeds, waitMs, turn);
    } catch {
      // The next read asks without waiting, and tells what is wrong.
      isFine = false;
    }
    this.#polled.delete(node);
    if (this.#wake === null || this.#isClosed) return;
    const hasRecords = this.#order.some((feed) => !feed.paused && !feed.isEmpty);
    if (!isFine || hasRecords) this.#wake();
    else await this.#pollAll(waitMs, this.#turn).catch(() => this.#wake?.());
  }
}
