// The bytes of a file, unpacked when its first bytes say that it is packed, whatever its name.
//
// Owns: opening, how many layers of packing there are. Does not own: unpacking (unpack.ts), what is in it.
//
// Invariants:
//   K1. Whatever could be unpacked of a damaged or cut-off file comes out before the error.
//   K2. Memory is bounded: the next piece is read when the last one was taken.

import { createReadStream } from 'node:fs';
import { FatalError } from '../../../lib/errors.ts';
import { ByteFeed } from './byte-feed.ts';
import { HEAD_BYTES, packingOf, strangerOf } from './file-kind.ts';
import { PackedError, unpacked } from './unpack.ts';

/** About 900 lines of 300 bytes: large enough that the cost of a read does not show, small enough to pass on at once. */
const READ_BYTES = 256 * 1024;
/** Servers that pack what is packed already do so once; more layers are a trap. */
const LAYERS_MAX = 3;

/** `onRead` is told how many more bytes of the file were read. Throws FatalError TRG_FILE_UNREADABLE, after everything that could be. */
export async function* fileChunks(path: string, onRead: (bytes: number) => void = () => {}): AsyncGenerator<Buffer> {
  const stream = createReadStream(path, { highWaterMark: READ_BYTES });
  try {
    yield* plain(counted(stream, onRead), path);
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

async function* plain(pieces: AsyncIterable<Buffer>, path: string, layer = 0): AsyncGenerator<Buffer> {
  const feed = new ByteFeed(pieces);
  const head = await feed.peek(HEAD_BYTES);
  // What reading failed with comes before any judgement.
  if (head.length === 0) await feed.take();
  const packing = packingOf(head);
  if (packing !== null) {
    if (layer === LAYERS_MAX) throw new PackedError(`is packed more than ${LAYERS_MAX} times over`);
    return yield* plain(unpacked(feed, packing), path, layer + 1);
  }
  const extension = /\.(gz|zst)$/i.exec(path)?.[1];
  if (layer === 0 && extension !== undefined) {
    throw new PackedError(
      head.length === 0
        ? 'is cut off: the packed data ends early, at byte 0'
        : `is damaged: its name ends in .${extension}, but no packed data begins at byte 0 (if it is plain, rename it)`,
    );
  }
  const stranger = strangerOf(head);
  if (stranger !== null) throw new PackedError(`is ${stranger}`);
  yield* feed.rest();
}

function unreadable(path: string, error: unknown): FatalError {
  if (error instanceof FatalError) return error;
  if (error instanceof PackedError)
    return new FatalError('TRG_FILE_UNREADABLE', `${path} ${error.message}`, { file: path });
  const reasons: Record<string, string> = {
    ENOENT: 'does not exist',
    EACCES: 'may not be read',
    EISDIR: 'is a folder',
  };
  const reason = reasons[(error as NodeJS.ErrnoException).code ?? ''] ?? 'cannot be read';
  return new FatalError('TRG_FILE_UNREADABLE', `${path} ${reason}`, { file: path }, error);
}
