// A file written line by line, with back-pressure.

import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

export class LineFile {
  readonly #stream: WriteStream;
  #waiting: string[] = [];
  #failed: Error | null = null;

  constructor(path: string) {
    this.#stream = createWriteStream(path);
    this.#stream.on('error', (error) => {
      this.#failed = error;
    });
  }

  add(line: string): void {
    this.#waiting.push(line);
  }

  /** Hands on what was added, and waits while the disk is behind. Throws what writing failed with, such as ENOSPC. */
  async flush(): Promise<void> {
    if (this.#failed !== null) throw this.#failed;
    if (this.#waiting.length === 0) return;
    const text = `${this.#waiting.join('\n')}\n`;
    this.#waiting = [];
    if (this.#stream.write(text)) return;
    await new Promise<void>((resolve) => {
      const goOn = (): void => {
        this.#stream.off('drain', goOn).off('error', goOn);
        resolve();
      };
      this.#stream.on('drain', goOn).on('error', goOn);
    });
    if (this.#failed !== null) throw this.#failed;
  }

  async close(): Promise<void> {
    await this.flush();
    this.#stream.end();
    await finished(this.#stream);
  }
}
