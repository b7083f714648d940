// What is readable of the segments of a damaged log: batches that are whole, and what lies between them.
//
// Owns: finding whole batches where nothing else can be relied on. Does not own: what is done with them (repair.ts).

import { BATCH_HEADER_BYTES, isSealed, readBatchHeader, viewOf } from './batch.ts';

/** A batch whose checksum is right. */
export interface WholeBatch {
  readonly at: number;
  readonly end: number;
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly writtenAt: number;
  readonly records: number;
}

/** 'TLB1', and where it stands in a batch. */
const MAGIC = Buffer.from('TLB1', 'latin1');
const MAGIC_AT = 8;

/** All whole batches of the bytes from `from` on, in their order. */
export function wholeBatches(bytes: Buffer, from = 0): readonly WholeBatch[] {
  const found: WholeBatch[] = [];
  for (let at = from; at + BATCH_HEADER_BYTES <= bytes.length; ) {
    const batch = batchAt(bytes, at);
    if (batch !== null) {
      found.push(batch);
      at = batch.end;
      continue;
    }
    const next = bytes.indexOf(MAGIC, at + MAGIC_AT + 1);
    if (next < 0) break;
    at = next - MAGIC_AT;
  }
  return found;
}

function batchAt(bytes: Buffer, at: number): WholeBatch | null {
  const header = readBatchHeader(viewOf(bytes), at);
  const end = at + (header?.bytes ?? 0);
  if (header === undefined || end > bytes.length || !isSealed(bytes.subarray(at, end))) return null;
  const { baseOffset, nextOffset, writtenAt, records } = header;
  return { at, end, baseOffset, nextOffset, writtenAt, records };
}
