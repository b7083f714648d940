// Where the records of a replay come from: a file, a partition of a topic, whatever else can be read from its beginning.
//
// Owns: the interface only. file-source.ts and topic-source.ts implement it, input.ts puts several in one order, event-places.ts
// makes them of what the user named.
//
// Invariants every source keeps:
//   R1. Reading changes nothing: no group is joined, no position committed, nothing written.
//   R2. The next page is read when the last one was taken, and memory holds some pages of a source that is open.
//   R3. What it has is either a record or refused with its place; what is gone, and could not be read, it says.

import type { RecordError } from '../../lib/errors.ts';
import type { LogRecord } from '../../schemas/record.ts';
import type { ReplayInput } from '../../topology/replay.ts';

/** What could not be read as a record at all. */
export interface RefusedPlace {
  /** Of a file, from 1. */
  readonly line: number;
  readonly error: RecordError;
}

/** Records of one source, in their order. */
export interface InputRun {
  /** Its place among the sources. */
  readonly input: number;
  readonly records: readonly LogRecord[];
}

export interface SourcePage {
  readonly records: readonly LogRecord[];
  readonly refused: readonly RefusedPlace[];
  /** How much of the source has been read by then, in the unit of `size`. */
  readonly done: number;
}

export interface ReplaySource {
  /** As people know it: the file as it was named, or `topic/partition`. */
  readonly name: string;
  readonly kind: 'file' | 'topic';
  /** How its records are to be understood. */
  readonly input: ReplayInput;
  /** Bytes, of a topic estimated. Known once pages() gave its first page. */
  readonly size: number;
  /** Whether pages() may be called again, to begin anew; what cannot is read once. */
  readonly isReopenable: boolean;
  /** Throws FatalError for what cannot be read. */
  pages(): AsyncGenerator<SourcePage>;
  /** Event time, ms; null where none is to be read. */
  timeOf(record: LogRecord): number | null;
  /** Where the record with this offset stands: a line of the file, or the offset. */
  placeOf(offset: number): number;
  /** What is missing at its beginning or was lost while it was read; null: nothing. Known when it was read to its end. */
  readonly missing: MissingPart | null;
}

/** retention: the log has deleted what was before. offset: the caller asked to begin there. */
export interface MissingPart {
  readonly why: 'retention' | 'offset';
  /** First offset that was read. */
  readonly first: number;
  /** Event time of the first record that was read, ms; null: none had one. */
  readonly since: number | null;
}
