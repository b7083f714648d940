// The bytes of a file, unpacked when its name ends in .gz or .zst.
//
// Owns: opening, unpacking. Does not own: what is in it.
//
// Invariants:
//   K1. Whatever could be unpacked of a damaged or cut-off file comes out before the error.
//   K2. Memory is bounded: the next piece is read when the last one was taken.

import { createReadStream } from 'node:fs';
import type { Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { FatalError } from '../../../lib/errors.ts';

/** About 900 lines of 300 bytes: large enough that the cost of a read does not show, small enough to pass on at once. */
const CHUNK_BYTES = 256 * 1024;
/** Packed bytes handed over at a time. What they unpack to waits in memory: gzip makes at most 1,032 out of one. */
const PACKED_CHUNK_BYTES = 16 * 1024;

/** `onRead` is told how many more bytes of the file were read. Throws FatalError TRG_FILE_UNREADABLE, after everything that could be. */
export async function* fileChunks(path: string, onRead: (bytes: number) => void = () => {}): AsyncGenerator<Buffer> {
  const unpack = path.endsWith('.gz') ? createGunzip : path.endsWith('.zst') ? createZstdDecompress : null;
  const stream = createReadStream(path, { highWaterMark: unpack === null ? CHUNK_BYTES : PACKED_CHUNK_BYTES });
  try {
    const pieces = counted(stream, onRead);
    if (unpack === null) yield* pieces;
    else yield* unpacked(pieces, unpack({ chunkSize: CHUNK_BYTES }));
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    stream.destroy();
  }
}

async function* counted(pieces: AsyncIterable<Buffer>, onRead: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    onRead(piece.length);
    yield piece;
  }
}

/**
 * Feeds the unpacker piece by piece and takes what each piece gave. Piping would lose what waits in the unpacker's
 * buffer when it fails (K1).
 */
async function* unpacked(packed: AsyncIterable<Buffer>, unpacker: Transform): AsyncGenerator<Buffer> {
  let ready: Buffer[] = [];
  let failure: Error | null = null;
  unpacker.on('data', (chunk: Buffer) => ready.push(chunk));
  unpacker.on('error', (error) => (failure = error));
  const closed = new Promise<void>((resolve) => unpacker.once('close', resolve));
  try {
    for await (const piece of packed) {
      await Promise.race([new Promise<void>((resolve) => unpacker.write(piece, () => resolve())), closed]);
      yield* ready;
      ready = [];
      if (failure !== null) throw failure;
    }
    unpacker.end();
    await closed;
    yield* ready;
    if (failure !== null) throw failure;
  } finally {
    unpacker.destroy();
  }
}

function unreadable(path: string, error: unknown): FatalError {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const reasons: Record<string, string> = {
    ENOENT: 'does not exist',
    EACCES: 'may not be read',
    EISDIR: 'is a folder',
    Z_BUF_ERROR: 'is cut off: the packed data ends early',
    Z_DATA_ERROR: 'is damaged: the packed data cannot be unpacked',
  };
  const reason = reasons[code] ?? (code.startsWith('ZSTD') ? 'is damaged: the packed data cannot be unpacked' : null);
  return new FatalError('TRG_FILE_UNREADABLE', `${path} ${reason ?? 'cannot be read'}`, { file: path }, error);
}
