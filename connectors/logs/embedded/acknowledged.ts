// The number of the last commit that somebody was told of, beside the commit log: what proves that entries are missing at its end.
//
// Owns: the file `acknowledged`. Does not own: what is done about a commit log that ends before (recovery.ts, repair.ts).
//
// Without it a commit log that was cut looks like one whose last commit was not finished, and acknowledged records would be
// cut away as if they were that one's.
//
// Invariants:
//   A1. It never says more than is on disk in the commit log: it is written after an entry was synced. It may say less: it is
//       not synced itself, and not waited for. What a kill leaves is right to the commit before the last; what a power cut
//       leaves may be older, or not readable, which counts as if it were not there.

import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { FileSystem } from './file-system.ts';
import type { OpenFiles } from './open-files.ts';

const NAME = 'acknowledged';
const DIGITS = 20;
const BYTES = DIGITS + 10;

export class Acknowledged {
  readonly #files: OpenFiles;
  readonly #path: string;
  #sequence = 0;
  #written = 0;
  #isMade = false;
  #writing: Promise<void> | null = null;

  constructor(files: OpenFiles, folder: string) {
    this.#files = files;
    this.#path = join(folder, NAME);
  }

  /** Notes that all up to this entry are on disk; does not wait until that is written. */
  note(sequence: number): void {
    this.#sequence = sequence;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
    });
  }

  /** Resolves when all that was noted has been written, or could not be. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#written < this.#sequence) {
      this.#written = this.#sequence;
      const bytes = encode(this.#written);
      try {
        await this.#files.use(this.#path, this.#isMade ? 'write' : 'create', (file) => file.write([bytes], 0));
        this.#isMade = true;
      } catch {
        // A full disk: the commit log itself says so, and what is not noted is not missed.
        return;
      }
    }
  }
}

/** The number of the last commit that was acknowledged; 0: not known. To be asked before the commit log is read. */
export async function readAcknowledged(fileSystem: FileSystem, folder: string): Promise<number> {
  const path = join(folder, NAME);
  if ((await fileSystem.size(path)) !== BYTES) return 0;
  const file = await fileSystem.open(path, 'read');
  try {
    const bytes = Buffer.alloc(BYTES);
    await file.read(bytes, 0);
    const sequence = Number(bytes.subarray(0, DIGITS).toString('latin1'));
    return Number.isSafeInteger(sequence) && bytes.equals(encode(sequence)) ? sequence : 0;
  } finally {
    await file.close();
  }
}

function encode(sequence: number): Buffer {
  const digits = String(sequence).padStart(DIGITS, '0');
  return Buffer.from(`${digits} ${crc32(digits).toString(16).padStart(8, '0')}\n`, 'latin1');
}
