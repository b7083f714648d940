// LevelDB's log format, in which its write-ahead logs and its MANIFEST are: read whole, or refused.
//
// Owns: records of a log file. Does not own: what they say (level-check.ts). Source of the format: LevelDB's
// doc/log_format.
//
// LevelDB itself passes over a block whose checksum is wrong and goes on with the next one, which is how writes in the middle
// get lost. Here that is damage. A file may end amid a record, as a process that was killed leaves it.

import { asBuffer } from '../../lib/bytes.ts';
import { crc32c } from '../../lib/crc32c.ts';

const BLOCK_BYTES = 32_768;
/** Checksum (4, of type and payload), length (2), type (1). */
const HEADER_BYTES = 7;
const FULL = 1;
const MIDDLE = 3;
const LAST = 4;

/** A place in a file, and what is wrong there. */
export class FileDamage extends Error {
  readonly file: string;
  readonly position: number;

  constructor(file: string, position: number, what: string) {
    super(`${file} is damaged at byte ${position}: ${what}`);
    this.file = file;
    this.position = position;
  }
}

export interface LogRecords {
  readonly records: readonly Buffer[];
  /** Where the file ends amid a record; null: it ends with one. */
  readonly tornAt: number | null;
}

/** Throws FileDamage. `file`: its name, for that. */
export function readLog(given: Uint8Array, file: string): LogRecords {
  const bytes = asBuffer(given);
  const records: Buffer[] = [];
  let parts: Buffer[] = [];
  let recordAt = 0;
  for (let at = 0; at < bytes.length; ) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (left < HEADER_BYTES) {
      // The end of a block in which no header fits is filled with zeros.
      for (let i = at; i < Math.min(at + left, bytes.length); i++) {
        if (bytes[i] !== 0) throw new FileDamage(file, i, 'the end of a block is not empty');
      }
      at += left;
      continue;
    }
    const end = at + HEADER_BYTES + (at + HEADER_BYTES <= bytes.length ? bytes.readUInt16LE(at + 4) : 0);
    if (end > bytes.length || at + HEADER_BYTES > bytes.length) {
      const later = laterRecord(bytes, at);
      if (later !== null) throw new FileDamage(file, at, `a record cannot be read, yet one at byte ${later} can`);
      return { records, tornAt: parts.length > 0 ? recordAt : at };
    }
    if (end - at > left || !isWhole(bytes, at, end))
      throw new FileDamage(file, at, 'a record does not match its checksum');
    const type = bytes[at + 6]!;
    const continues = type === MIDDLE || type === LAST;
    if (type < FULL || type > LAST || continues !== parts.length > 0) {
      throw new FileDamage(file, at, 'a record is not in its place');
    }
    if (!continues) recordAt = at;
    parts.push(bytes.subarray(at + HEADER_BYTES, end));
    if (type === FULL || type === LAST) {
      records.push(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
      parts = [];
    }
    at = end;
  }
  return { records, tornAt: parts.length > 0 ? recordAt : null };
}

/** LevelDB keeps checksums turned and moved on, since files of checksums get checksums too. */
export function isMasked(masked: number, crc: number): boolean {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0 === masked;
}

function isWhole(bytes: Buffer, at: number, end: number): boolean {
  return isMasked(bytes.readUInt32LE(at), crc32c(bytes, at + 6, end));
}

/** Where a whole record lies behind one that seems to end the file: then not the end was lost, but the one is damaged. */
function laterRecord(bytes: Buffer, from: number): number | null {
  for (let at = from + 1; at + HEADER_BYTES <= bytes.length; at++) {
    const type = bytes[at + 6]!;
    if (type < FULL || type > LAST) continue;
    const end = at + HEADER_BYTES + bytes.readUInt16LE(at + 4);
    if (end <= bytes.length && isWhole(bytes, at, end)) return at;
  }
  return null;
}
