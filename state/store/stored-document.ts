// A document as it is stored: its due time, then its own bytes.

import { AvroReader, avroBytes } from '../../schemas/avro-bytes.ts';
import type { DocumentSpec } from './api.ts';

/** Before the document's own bytes, its due time as a float64, so that a restore need not decode documents. */
export const DUE_BYTES = 8;

export function storedForm<Doc>(spec: DocumentSpec<Doc>, doc: Doc, due: number): Uint8Array {
  return avroBytes((out) => {
    out.doubleBE(due);
    spec.encode(doc, out);
  });
}

/** The due time that stands before a stored document's bytes. */
export function dueOf(value: Uint8Array): number {
  return new DataView(value.buffer, value.byteOffset).getFloat64(0);
}

/** A document that was read, with what is to be seen of how it is stored. */
export interface StoredDocument<Doc> {
  readonly key: string;
  readonly doc: Doc;
  /** When it wants attention, ms; Infinity: never. */
  readonly dueAt: number;
  /** Bytes as stored. */
  readonly bytes: number;
}

/** Reads a document's stored form, as peek() gives it. */
export function storedDocument<Doc>(spec: DocumentSpec<Doc>, key: string, value: Uint8Array): StoredDocument<Doc> {
  const doc = documentOf(spec, value.subarray(DUE_BYTES));
  return { key, doc, dueAt: dueOf(value), bytes: value.length };
}

/** A document's own bytes, as they stand after its due time. */
export function documentBytes<Doc>(spec: DocumentSpec<Doc>, doc: Doc): Buffer {
  return avroBytes((out) => spec.encode(doc, out));
}

/** The document of documentBytes(). */
export function documentOf<Doc>(spec: DocumentSpec<Doc>, bytes: Uint8Array): Doc {
  return spec.decode(new AvroReader().over(bytes));
}
