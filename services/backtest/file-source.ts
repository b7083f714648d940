// A file of events as a source of a replay.
//
// Owns: entries of the file as records. Does not own: reading files (connectors/sources/files).

import { statSync } from 'node:fs';
import { type FileEntry, type ReadEventsOptions, readEvents } from '../../connectors/sources/files/index.ts';
import { type LogRecord, NO_HEADERS } from '../../schemas/record.ts';
import type { ReplayInput } from '../../topology/replay.ts';
import { EventTimes } from './event-times.ts';
import type { RefusedPlace, ReplaySource, SourcePage } from './replay-source.ts';

export interface FileSourceOptions extends Pick<ReadEventsOptions, 'mapping' | 'encoding' | 'recordBytesMax'> {
  /** As the user named it. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly input: ReplayInput;
}

/** More lines than a file has; times VALUES_OF_LINE_MAX, the numbers stay whole. */
const LINES_MAX = 2 ** 32;
/** A line of a file has no time of its own as a record: the event's timestamp counts. */
const NO_TIME = -1;

export class FileSource implements ReplaySource {
  readonly kind = 'file';
  readonly name: string;
  readonly input: ReplayInput;
  readonly size: number;
  readonly isReopenable: boolean;
  /** Nobody knows what a file lacks. */
  readonly missing = null;
  readonly #options: FileSourceOptions;
  readonly #times: EventTimes;

  constructor(options: FileSourceOptions) {
    const { name, path, input } = options;
    const found = statSync(path, { throwIfNoEntry: false });
    this.name = name;
    this.input = input;
    this.size = found?.size ?? 0;
    this.isReopenable = found?.isFile() === true;
    this.#options = options;
    this.#times = new EventTimes({ keyed: false, topic: '', ...input });
  }

  async *pages(): AsyncGenerator<SourcePage> {
    const { path, mapping, encoding, recordBytesMax } = this.#options;
    let done = 0;
    const onRead = (bytes: number): void => {
      done += bytes;
    };
    for await (const entries of readEvents(path, { mapping, encoding, recordBytesMax, onRead })) {
      const records: LogRecord[] = [];
      const refused: RefusedPlace[] = [];
      for (const entry of entries) {
        if (entry.error === undefined) records.push(recordOf(entry));
        else refused.push({ line: entry.line, error: entry.error });
      }
      yield { records, refused, done };
    }
  }

  timeOf(record: LogRecord): number | null {
    return this.#times.of(record);
  }

  placeOf(offset: number): number {
    return offset % LINES_MAX;
  }
}

/** One event's own number: its line, and above that its place among several in the line. */
function recordOf({ line, index = 0, bytes, json }: FileEntry): LogRecord {
  const value = bytes ?? Buffer.from(JSON.stringify(json));
  return { offset: index * LINES_MAX + line, timestamp: NO_TIME, key: null, value, headers: NO_HEADERS };
}
