// Checks a table of LevelDB (`*.ldb`): every byte of it is in a block with a checksum, or where nothing but one value can be.
//
// Owns: the layout of a table. Does not own: which tables there are (level-check.ts). Source: LevelDB's doc/table_format.
//
//   data block, data block, …, filter block, metaindex block, index block, footer
//   block   contents | type (1: 0 as it is, 1 Snappy) | masked checksum of both (4)
//   footer  where metaindex and index are (four varints), zeros up to 40 bytes, magic (8)

import { asBuffer } from '../../lib/bytes.ts';
import { crc32c } from '../../lib/crc32c.ts';
import { ByteReader } from './byte-reader.ts';
import { FileDamage, isMasked } from './level-log.ts';
import { unpackSnappy } from './unpack-snappy.ts';

const FOOTER_BYTES = 48;
const MAGIC = Buffer.from('57fb808b247547db', 'hex');
const TRAILER_BYTES = 5;
const SNAPPY = 1;
const RESTART_BYTES = 4;

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** Throws FileDamage. `file`: its name, for that. */
export function checkTable(given: Uint8Array, file: string): void {
  const bytes = asBuffer(given);
  const footerAt = bytes.length - FOOTER_BYTES;
  const damage = (at: number, what: string): FileDamage => new FileDamage(file, Math.max(0, at), what);
  if (footerAt < 0) throw damage(0, 'it is too short for a table');
  const [metaindex, index] = readFooter(bytes.subarray(footerAt)) ?? [];
  if (metaindex === undefined || index === undefined) throw damage(footerAt, 'its footer is not one');
  const blockAt = ({ offset, size }: Handle): Buffer => {
    const end = offset + size;
    if (end + TRAILER_BYTES > footerAt) throw damage(offset, 'a block is longer than the file');
    if (!isMasked(bytes.readUInt32LE(end + 1), crc32c(bytes, offset, end + 1))) {
      throw damage(offset, 'a block does not match its checksum');
    }
    return bytes.subarray(offset, end + 1);
  };
  const handlesIn = (handle: Handle): readonly Handle[] => {
    const handles = readHandles(blockAt(handle));
    if (handles === null) throw damage(handle.offset, 'an index cannot be read');
    return handles;
  };
  // In the order in which they lie: nothing may be between them.
  const blocks = [...handlesIn(index), ...handlesIn(metaindex)];
  let end = 0;
  for (const block of blocks) {
    if (block.offset !== end) throw damage(end, 'there are bytes that belong to no block');
    blockAt(block);
    end = endOf(block);
  }
  if (end !== metaindex.offset || endOf(metaindex) !== index.offset || endOf(index) !== footerAt) {
    throw damage(end, 'there are bytes that belong to no block');
  }
}

function endOf({ offset, size }: Handle): number {
  return offset + size + TRAILER_BYTES;
}

function readFooter(footer: Buffer): readonly [Handle, Handle] | null {
  const magicAt = FOOTER_BYTES - MAGIC.length;
  if (!footer.subarray(magicAt).equals(MAGIC)) return null;
  const reader = new ByteReader(footer.subarray(0, magicAt));
  const metaindex = readHandle(reader);
  const index = readHandle(reader);
  if (metaindex === null || index === null) return null;
  return footer.subarray(reader.at, magicAt).every((byte) => byte === 0) ? [metaindex, index] : null;
}

function readHandle(reader: ByteReader): Handle | null {
  const offset = reader.varint();
  const size = reader.varint();
  return offset === null || size === null ? null : { offset, size };
}

/** What the rows of an index point to; `block`: with its type. */
function readHandles(block: Buffer): readonly Handle[] | null {
  const packed = block.subarray(0, -1);
  const contents = block.at(-1) === SNAPPY ? unpackSnappy(packed) : packed;
  if (contents === null || contents.length < RESTART_BYTES) return null;
  const restarts = contents.readUInt32LE(contents.length - RESTART_BYTES);
  const rowsEnd = contents.length - RESTART_BYTES * (restarts + 1);
  if (rowsEnd < 0) return null;
  const reader = new ByteReader(contents.subarray(0, rowsEnd));
  const handles: Handle[] = [];
  while (!reader.isAtEnd) {
    reader.varint();
    const keyBytes = reader.varint();
    const valueBytes = reader.varint();
    if (keyBytes === null || valueBytes === null || reader.bytes(keyBytes) === null) return null;
    const value = reader.bytes(valueBytes);
    const handle = value === null ? null : readHandle(new ByteReader(value));
    if (handle === null) return null;
    handles.push(handle);
  }
  return handles;
}

/** The number in the name of a table; null: it is none. Older versions of LevelDB called them `.sst`. */
export function tableNumber(name: string): number | null {
  const match = /^(\d+)\.(?:ldb|sst)$/.exec(name);
  return match === null ? null : Number(match[1]);
}
