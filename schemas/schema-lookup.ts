// Schemas of other teams' records, by the id in Confluent's frame. connectors/sources/schema-registry implements it.

import type { JsonReader } from './avro-json.ts';

/** unusable: there is no such schema, or it is not Avro; `reason` is one line for the dead letter. */
export type FoundSchema =
  | { readonly kind: 'usable'; readonly read: JsonReader }
  | { readonly kind: 'unusable'; readonly reason: string };

export interface SchemaLookup {
  /**
   * Null: find() knows it. Otherwise it is being asked for: resolves once it is worth asking again, however long the
   * registry cannot be reached. Never rejects.
   */
  prepare(id: number): Promise<void> | null;
  /** Undefined: prepare() did not say null. */
  find(id: number): FoundSchema | undefined;
}

/** Bytes of the frame: a zero, the schema's id (4 bytes, big-endian). */
export const FRAME_BYTES = 5;

/** The id in the frame; null when the value is not framed. Ids are positive Java integers, so its first bit is none. */
export function schemaIdOf(value: Uint8Array): number | null {
  if (value.length < FRAME_BYTES || value[0] !== 0 || value[1]! >= 0x80) return null;
  return (value[1]! << 24) | (value[2]! << 16) | (value[3]! << 8) | value[4]!;
}
