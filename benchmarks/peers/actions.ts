// The actions that a peer writes during one run, as a reader of committed records sees them.

import type { Log, LogReader } from '../../topology/engine/ports.ts';
import type { PeerAction, PeerActions } from './peer.ts';

const READ_BYTES = 4 * 1024 * 1024;

export class WrittenActions {
  readonly #reader: LogReader;
  readonly #decode: PeerActions['decode'];
  readonly all: PeerAction[] = [];

  /** Those of a topic that only this run writes to. */
  constructor(log: Log, { topic, decode }: PeerActions, partitions: number) {
    this.#decode = decode;
    this.#reader = log.openReader();
    this.#reader.assign(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 })));
  }

  /** Takes in what there is by now. */
  async readOn(): Promise<void> {
    for (let isAtEnd = false; !isAtEnd; ) {
      const fetched = await this.#reader.read({ maxBytes: READ_BYTES, waitMs: 0 });
      for (const { records } of fetched) for (const record of records) this.all.push(this.#decode(record));
      isAtEnd = fetched.every(({ nextOffset, endOffset }) => nextOffset >= endOffset);
    }
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}
