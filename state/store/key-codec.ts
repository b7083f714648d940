// Keys of a task's key-value store: documents, due-index rows and notes of the task share one database, so that one batch
// writes them all.
//
//   'e' key                 a document
//   'd' due(8, BE) key      an index row: the document is due then (value: one byte that says nothing)
//   'm' name                a note of the task

import { asBuffer, utf8Text } from '../../lib/bytes.ts';
import type { StoreWrite } from './api.ts';

/** What the row of a document has before its key. */
export const DOCUMENT = 0x65;
const DUE = 0x64;
const NOTE = 0x6d;

/** What an index row holds. */
const DUE_VALUE = Uint8Array.of(0);

const TWO_32 = 2 ** 32;

export function documentKey(key: string): Uint8Array {
  return prefixed(DOCUMENT, key);
}

/** The key space of all documents, or of those after the document row `after`. */
export function documentRange(after?: Uint8Array): { from: Uint8Array; to: Uint8Array } {
  return rangeOf(DOCUMENT, after);
}

export function readDocumentKey(row: Uint8Array): string {
  return utf8Text(row, 1);
}

export function noteKey(name: string): Uint8Array {
  return prefixed(NOTE, name);
}

/** `due` is a non-negative integer, ms. Rows sort by due, then by the key's UTF-8 bytes. */
export function dueKey(due: number, key: string): Uint8Array {
  const row = dueRow(due, Buffer.byteLength(key));
  row.write(key, 9);
  return row;
}

/** Adds what moves the index row of the document in `row` from one due time to another; Infinity: there is none. */
export function moveDueRow(writes: StoreWrite[], row: Uint8Array, from: number, to: number): void {
  if (from === to) return;
  if (from !== Infinity) writes.push({ key: dueKeyOf(from, row), value: null });
  if (to !== Infinity) writes.push({ key: dueKeyOf(to, row), value: DUE_VALUE });
}

/** dueKey() of the document in `row`. */
function dueKeyOf(due: number, row: Uint8Array): Uint8Array {
  const key = row.subarray(1);
  const dueKey = dueRow(due, key.length);
  dueKey.set(key, 9);
  return dueKey;
}

function dueRow(due: number, keyLength: number): Buffer {
  const row = Buffer.allocUnsafe(9 + keyLength);
  row[0] = DUE;
  row.writeUInt32BE(Math.floor(due / TWO_32), 1);
  row.writeUInt32BE(due % TWO_32, 5);
  return row;
}

/** The key space of all index rows, or of those after `row`. */
export function dueRange(after?: Uint8Array): { from: Uint8Array; to: Uint8Array } {
  return rangeOf(DUE, after);
}

export function readDueKey(row: Uint8Array): { due: number; key: string } {
  const bytes = asBuffer(row);
  return { due: bytes.readUInt32BE(1) * TWO_32 + bytes.readUInt32BE(5), key: bytes.toString('utf8', 9) };
}

function rangeOf(prefix: number, after: Uint8Array | undefined): { from: Uint8Array; to: Uint8Array } {
  // Appending a zero byte gives the least key greater than `after`.
  const from = after === undefined ? Uint8Array.of(prefix) : Buffer.concat([after, Uint8Array.of(0)]);
  return { from, to: Uint8Array.of(prefix + 1) };
}

function prefixed(prefix: number, text: string): Uint8Array {
  const key = Buffer.allocUnsafe(1 + Buffer.byteLength(text));
  key[0] = prefix;
  key.write(text, 1);
  return key;
}
