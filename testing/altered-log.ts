// A log some of whose records are seen otherwise than they were written: for tests of whoever must notice.
//
// Owns: what is seen. Does not own: the log, which is left as it is.

import type { LogRecord } from '../schemas/record.ts';
import { type Log, type LogReader, partitionKey } from '../topology/engine/ports.ts';

/** What is seen of a record at `topic/partition`; null: nothing. */
export type Alteration = (place: string, record: LogRecord) => LogRecord | null;

export function alteredLog(log: Log, alter: Alteration): Log {
  return {
    ...(log.recordBytesMax !== undefined && { recordBytesMax: log.recordBytesMax }),
    admin: log.admin,
    openReader: () => altered(log.openReader(), alter),
    openWriter: (id) => log.openWriter(id),
    close: () => log.close(),
  };
}

function altered(reader: LogReader, alter: Alteration): LogReader {
  return {
    assign: (positions) => reader.assign(positions),
    async read(options) {
      const fetched = await reader.read(options);
      return fetched.map((each) => ({
        ...each,
        records: each.records.flatMap((record) => alter(partitionKey(each), record) ?? []),
      }));
    },
    pause: (partition) => reader.pause(partition),
    resume: (partition) => reader.resume(partition),
    close: () => reader.close(),
  };
}
