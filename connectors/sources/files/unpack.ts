// Unpacks gzip and zstd to their very end: every member, every frame, and nothing that is neither.
//
// Owns: where one member ends and the next begins, the checksums of gzip. Does not own: opening files, layers (file-chunks.ts).
//
// Invariants:
//   U1. All input was unpacked, or PackedError says at which byte it was not: an unpacker that is done before its input
//       never ends the file.
//   U2. What could be unpacked before a mistake comes out before the error.
//
// zlib's own gunzip takes bytes after a member for padding and drops them, or fails and drops the member too; so each
// member's raw data is unpacked alone, and its header and trailer are read here (RFC 1952, 2.3).

import type { Transform } from 'node:stream';
import { crc32, createInflateRaw, createZstdDecompress } from 'node:zlib';
import type { ByteFeed } from './byte-feed.ts';
import { HEAD_BYTES, type Packing, packingOf } from './file-kind.ts';

/** About 900 lines of 300 bytes: small enough to pass on at once. */
const CHUNK_BYTES = 256 * 1024;
/** Packed bytes handed over at a time. What they unpack to waits in memory: gzip makes at most 1,032 out of one, zstd 32,768. */
const PIECE_BYTES: Readonly<Record<Packing, number>> = { gzip: 16 * 1024, zstd: 4 * 1024 };
/** A gzip header with a longer file name or comment is none. */
const GZIP_HEADER_BYTES_MAX = 128 * 1024;
/** Fewer do not tell what they begin. */
const MAGIC_BYTES = 4;
const GZIP_TRAILER_BYTES = 8;
const GZIP_HEADER_BYTES = 10;

export class PackedError extends Error {
  override name = 'PackedError';
}

/** Throws PackedError. `feed` begins with a member of `packing`. */
export async function* unpacked(feed: ByteFeed, packing: Packing): AsyncGenerator<Buffer> {
  for (let head = await feed.peek(HEAD_BYTES); !(await isAtEnd(feed, head)); head = await feed.peek(HEAD_BYTES)) {
    const begin = feed.position;
    if (packing === 'gzip' && head[0] === 0) await skipZeros(feed);
    else if (packingOf(head) !== packing) throw await strange(feed, head, packing);
    else if (packing === 'gzip') yield* gzipMember(feed);
    else yield* decoded(feed, createZstdDecompress({ chunkSize: CHUNK_BYTES }), begin, PIECE_BYTES.zstd);
  }
}

/** Tapes and block devices fill up with zeros; gzip ignores them, and so do we, but for what comes after. */
async function skipZeros(feed: ByteFeed): Promise<void> {
  for (let piece = await feed.take(); piece !== null; piece = await feed.take()) {
    const end = piece.findIndex((byte) => byte !== 0);
    if (end === -1) continue;
    feed.putBack(piece.subarray(end));
    return;
  }
}

/** What stands where a member should begin: the beginning of one that is cut off, or something else. */
async function strange(feed: ByteFeed, head: Buffer, packing: Packing): Promise<PackedError> {
  if (head.length < MAGIC_BYTES) return cutOff(feed);
  return new PackedError(
    `is damaged: the packed data cannot be unpacked from byte ${feed.position} on, where no ${packing} data begins`,
  );
}

/** Where the data ends too early; what reading it failed with counts more. */
async function cutOff(feed: ByteFeed): Promise<PackedError> {
  while ((await feed.take()) !== null);
  return new PackedError(`is cut off: the packed data ends early, at byte ${feed.position}`);
}

/** Nothing comes any more; throws what reading failed with. */
async function isAtEnd(feed: ByteFeed, head: Buffer): Promise<boolean> {
  return head.length === 0 && (await feed.take()) === null;
}

function damaged(begin: number, what: string): PackedError {
  return new PackedError(`is damaged: the packed data cannot be unpacked (${what} in what begins at byte ${begin})`);
}

async function* gzipMember(feed: ByteFeed): AsyncGenerator<Buffer> {
  const begin = feed.position;
  await skipGzipHeader(feed, begin);
  let checksum = 0;
  let size = 0;
  for await (const chunk of decoded(feed, createInflateRaw({ chunkSize: CHUNK_BYTES }), begin, PIECE_BYTES.gzip)) {
    checksum = crc32(chunk, checksum);
    size = (size + chunk.length) % 2 ** 32;
    yield chunk;
  }
  const trailer = await feed.peek(GZIP_TRAILER_BYTES);
  if (trailer.length < GZIP_TRAILER_BYTES) throw await cutOff(feed);
  feed.skip(GZIP_TRAILER_BYTES);
  if (trailer.readUInt32LE(0) !== checksum) throw damaged(begin, 'a wrong checksum');
  if (trailer.readUInt32LE(4) !== size) throw damaged(begin, 'a wrong length');
}

async function skipGzipHeader(feed: ByteFeed, begin: number): Promise<void> {
  // Most headers are short; one that is not is looked at as a whole.
  for (const room of [512, GZIP_HEADER_BYTES_MAX]) {
    const header = await feed.peek(room);
    const end = gzipHeaderEnd(header);
    if (end !== null && end <= header.length) return feed.skip(end);
    if (header.length < room) throw await cutOff(feed);
  }
  throw damaged(begin, 'a header without end');
}

/** Null: further than these bytes. */
function gzipHeaderEnd(header: Buffer): number | null {
  if (header.length < GZIP_HEADER_BYTES) return null;
  const flags = header[3]!;
  let end = GZIP_HEADER_BYTES;
  if ((flags & 4) !== 0) {
    if (header.length < end + 2) return null;
    end += 2 + header.readUInt16LE(end);
  }
  for (const text of [8, 16]) {
    if ((flags & text) === 0) continue;
    const zero = header.indexOf(0, end);
    if (zero === -1) return null;
    end = zero + 1;
  }
  return (flags & 2) === 0 ? end : end + 2;
}

/** Feeds the unpacker until it is done, and gives back what it left. Piping would lose what waits in its buffer when it fails (U2). */
async function* decoded(
  feed: ByteFeed,
  unpacker: Transform,
  begin: number,
  pieceBytes: number,
): AsyncGenerator<Buffer> {
  let ready: Buffer[] = [];
  let failure: Error | null = null;
  let isDone = false;
  unpacker.on('data', (chunk: Buffer) => ready.push(chunk));
  unpacker.on('error', (error) => (failure = error));
  unpacker.on('end', () => (isDone = true));
  const closed = new Promise<void>((resolve) => unpacker.once('close', resolve));
  const settled = (): Buffer[] => {
    const chunks = ready;
    ready = [];
    return chunks;
  };
  try {
    while (!isDone) {
      const piece = await feed.take(pieceBytes);
      if (piece === null) break;
      const before = consumed(unpacker);
      await Promise.race([new Promise<void>((resolve) => unpacker.write(piece, () => resolve())), closed]);
      yield* settled();
      if (failure !== null) throw damaged(begin, (failure as Error).message);
      const taken = consumed(unpacker) - before;
      // It says that it is done only by leaving something, or at the end of its input.
      if (taken < piece.length) {
        feed.putBack(piece.subarray(taken));
        return;
      }
    }
    unpacker.end();
    await closed;
    yield* settled();
    if ((failure as { code?: string } | null)?.code === 'Z_BUF_ERROR') throw await cutOff(feed);
    if (failure !== null) throw damaged(begin, (failure as Error).message);
  } finally {
    unpacker.destroy();
  }
}

/** Bytes of its input that an unpacker of zlib has used. */
function consumed(unpacker: Transform): number {
  return (unpacker as Transform & { readonly bytesWritten: number }).bytesWritten;
}
