// The rows of a Parquet file as JSON, row group by row group.
//
// Owns: opening, unpacking, values to JSON. Does not own: what a row means (parquet-event.ts).
//
// Invariants:
//   Q1. Memory holds one row group, decoded: the unit in which its writer wrote it, and the least that can be read of most files.
//   Q2. No value is changed: text that is none is told apart, whole numbers beyond 2^53 become their digits. Of times, what is
//       finer than a millisecond is cut off.

import { isUtf8 } from 'node:buffer';
import { type FileHandle, open } from 'node:fs/promises';
import type { FileMetaData } from 'hyparquet';
import { FatalError } from '../../../lib/errors.ts';

/** Bytes that are no text, where text was to be. */
export class NotText {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

export type ParquetRow = Readonly<Record<string, unknown>>;

export interface ParquetFile {
  /** Names of the columns of the table. */
  readonly columns: readonly string[];
  /** The rows of each row group, one after the other; `bytes`: what it takes in the file. */
  groups(): AsyncGenerator<{ readonly rows: readonly ParquetRow[]; readonly bytes: number }>;
}

const MAGIC = 'PAR1';

/** Whether the file begins as Parquet does; false where it cannot be read, or not twice. */
export async function isParquet(path: string): Promise<boolean> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path);
    // What can be read once only, such as a pipe, is not to lose its first bytes here.
    if (!(await handle.stat()).isFile()) return false;
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0);
    return bytesRead === MAGIC.length && buffer.toString('latin1') === MAGIC;
  } catch {
    return false;
  } finally {
    await handle?.close();
  }
}

/** Gives `use` the opened file. Throws FatalError TRG_FILE_UNREADABLE for what is damaged, encrypted, or not known. */
export async function* readParquet<Item>(
  path: string,
  use: (file: ParquetFile) => AsyncGenerator<Item>,
): AsyncGenerator<Item> {
  // Some hundred KB of code that only those load who have such a file.
  const { parquetMetadataAsync, parquetReadObjects, parquetSchema } = await import('hyparquet');
  const { compressors } = await import('hyparquet-compressors');
  const handle = await open(path);
  try {
    const file = await bufferOf(handle);
    const options = { parsers: { stringFromBytes: textOf }, geoparquet: false };
    const metadata: FileMetaData = await reading(path, parquetMetadataAsync(file, options));
    const columns = parquetSchema(metadata).children.map(({ element }) => element.name);
    yield* use({
      columns,
      async *groups() {
        let rowStart = 0;
        for (const group of metadata.row_groups) {
          const rowEnd = rowStart + Number(group.num_rows);
          const part = { file, metadata, compressors, rowStart, rowEnd, ...options };
          const rows = await reading(path, parquetReadObjects(part));
          yield { rows, bytes: Number(group.total_compressed_size ?? group.total_byte_size) };
          rowStart = rowEnd;
        }
      },
    });
  } finally {
    await handle.close();
  }
}

/** What the library reads of: slices of the file. */
async function bufferOf(handle: FileHandle) {
  const { size } = await handle.stat();
  return {
    byteLength: size,
    async slice(start: number, end = size): Promise<ArrayBuffer> {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
      for (let at = 0; at < bytes.length; ) {
        const { bytesRead } = await handle.read(bytes, at, bytes.length - at, start + at);
        if (bytesRead === 0) throw new RangeError('the file ends early');
        at += bytesRead;
      }
      return bytes.buffer;
    },
  };
}

async function reading<Result>(path: string, result: Promise<Result>): Promise<Result> {
  try {
    return await result;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FatalError(
      'TRG_FILE_UNREADABLE',
      `${path} is Parquet that cannot be read: ${reason}`,
      { file: path },
      error,
    );
  }
}

function textOf(bytes: Uint8Array): string | NotText {
  return isUtf8(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
    : new NotText(bytes);
}
