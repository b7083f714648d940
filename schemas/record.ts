// A record of a topic, before anyone knows what is in it.

/** Name and value; names may repeat. */
export type RecordHeader = readonly [name: string, value: Uint8Array];

/** Of the many records that have none: one for all of them. */
export const NO_HEADERS: readonly RecordHeader[] = Object.freeze([]);

/** A record as read. `timestamp` in ms since 1970; offsets are safe integers. */
export interface LogRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}

/** A record to be written. */
export interface NewRecord {
  readonly topic: string;
  readonly partition: number;
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}

/** The header that names the type of the entity that a record is about; without it, it is a user. */
export const ENTITY_HEADER = 'tripline-entity';
