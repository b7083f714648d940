// What readers and writers ask of a log. The embedded log answers itself, or from another thread through a port.
//
// Owns: interfaces only.

import type { CommittedPosition, LogAdmin, TopicPartition } from '../../../topology/engine/ports.ts';

/** Where in the files reading goes on; a hint that is checked and may be stale. */
export interface FileCursor {
  readonly file: string;
  readonly position: number;
}

export interface FetchRequest extends TopicPartition {
  readonly offset: number;
  /** About how many bytes are wanted, a whole batch at least; 0: only the end offset. */
  readonly maxBytes: number;
  readonly cursor: FileCursor | undefined;
}

/** Whole batches of one partition as they lie in a file. Checksums have not been looked at. */
export interface Chunk {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** First offset wanted: earlier ones in the first batch are to be passed over. */
  readonly from: number;
  /** Where to go on: past `bytes`, and past gaps behind them. */
  readonly nextOffset: number;
  /** The partition's end when the fetch began (after its waiting). */
  readonly endOffset: number;
  /** Full name of the file and where `bytes` lie in it, for errors. */
  readonly path: string;
  readonly position: number;
  readonly cursor: FileCursor | undefined;
}

/** Batches of one partition from a BatchEncoder, not yet sealed, offsets from 0. */
export interface EncodedPartition extends TopicPartition {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface Transaction {
  readonly group: string;
  readonly positions: readonly CommittedPosition[];
  readonly partitions: readonly EncodedPartition[];
}

/** One opening of a transactional id. A later epoch of the same id fences it (P3). */
export interface WriterId {
  readonly transactionalId: string;
  readonly epoch: number;
}

export interface LogCore {
  readonly admin: LogAdmin;
  /**
   * Answers each request, in order. Waits up to `waitMs` while every one of them is at its end; a commit to one of them
   * or the signal ends the wait at once. Throws FatalError TRG_LOG_CORRUPT, TRG_TOPIC_MISSING.
   */
  fetch(requests: readonly FetchRequest[], waitMs: number, signal: AbortSignal): Promise<readonly Chunk[]>;
  openWriter(transactionalId: string): Promise<WriterId>;
  /** Takes the transaction's bytes for itself until it resolves. Errors as LogWriter.commit. */
  commit(writer: WriterId, transaction: Transaction): Promise<ReadonlyMap<string, number>>;
  closeWriter(writer: WriterId): void;
  close(): Promise<void>;
}
