// A dead letter: a record that could not be used, whole, with the reason. Written to tripline.dead-letter, read by
// `tripline dlq`.
//
// Invariants:
//   L1. Key, value and headers are the bytes that were read, so that the record can be replayed as it was.

import { bufferOrNull } from '../lib/bytes.ts';
import type { ErrorCode } from '../lib/errors.ts';
import type { LogRecord } from './record.ts';

export interface DeadLetterHeader {
  readonly name: string;
  readonly value: Uint8Array;
}

/** In the place of a partition: that of the record's key. */
export const PARTITION_OF_KEY = -1;

/** A header of records sent again: `PARTITION:OFFSET` of their dead letter. */
export const REPLAYED_FROM = 'tripline-replayed-from';

export interface DeadLetter {
  readonly topic: string;
  /** PARTITION_OF_KEY, with the offset -1: of a message whose record was not at hand when its route ended. */
  readonly partition: number;
  readonly offset: number;
  readonly reason: ErrorCode;
  /** One line for people; no user data. */
  readonly message: string;
  /** Wall time at which it was given up, ms since 1970. */
  readonly at: number;
  /** Timestamp of the record as it was read, ms; null where it had none that counts. */
  readonly timestamp: number | null;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly DeadLetterHeader[];
}

/** Where a record was read and what it was: SourceRecord of state/processor.ts fits. */
export interface ReadRecord {
  readonly topic: string;
  readonly partition: number;
  readonly record: Omit<LogRecord, 'timestamp'> & { readonly timestamp?: number };
}

export function deadLetter(from: ReadRecord, reason: ErrorCode, message: string, at: number): DeadLetter {
  return {
    topic: from.topic,
    partition: from.partition,
    offset: from.record.offset,
    reason,
    message,
    at,
    timestamp: from.record.timestamp ?? null,
    key: bufferOrNull(from.record.key),
    value: bufferOrNull(from.record.value),
    headers: from.record.headers.map(([name, value]) => ({ name, value: bufferOrNull(value) })),
  };
}
