// A Log made of a LogCore: the same readers and writers whether the files are ours, another process's or thread's.

import type { Log, LogAdmin, LogReader, LogWriter } from '../../../topology/engine/ports.ts';
import { RECORD_BYTES_MAX } from './batch.ts';
import type { LogCore } from './core.ts';
import { CoreReader } from './reader.ts';
import { CoreWriter } from './writer.ts';

/** For key and headers of a record. */
const AROUND_BYTES = 1024 * 1024;

export class CoreLog implements Log {
  readonly recordBytesMax = RECORD_BYTES_MAX - AROUND_BYTES;
  readonly core: LogCore;

  constructor(core: LogCore) {
    this.core = core;
  }

  get admin(): LogAdmin {
    return this.core.admin;
  }

  openReader(): LogReader {
    return new CoreReader(this.core);
  }

  async openWriter(transactionalId: string): Promise<LogWriter> {
    return new CoreWriter(this.core, await this.core.openWriter(transactionalId));
  }

  close(): Promise<void> {
    return this.core.close();
  }
}
