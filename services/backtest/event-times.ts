// The event time of a record that has not been taken in yet, by which sources are merged and periods cut out.
//
// Invariants:
//   E1. Of a record that intake takes this is the time that intake gives its event; of others it may be a time or null.

import { asBuffer } from '../../lib/bytes.ts';
import { RecordError } from '../../lib/errors.ts';
import { parseInstant } from '../../lib/instant.ts';
import { decode } from '../../processors/intake/decode.ts';
import { normalise, type Origin } from '../../processors/intake/normalise.ts';
import { SegmentReader } from '../../processors/intake/segment-record.ts';
import type { SourceFormat } from '../../processors/intake/source-format.ts';
import type { LogRecord } from '../../schemas/record.ts';

const nobodyAsks = (): boolean => false;

export class EventTimes {
  readonly #source: SourceFormat;
  readonly #segments: SegmentReader | null;

  constructor(source: SourceFormat) {
    this.#source = source;
    this.#segments = source.format === 'segment' ? new SegmentReader() : null;
  }

  /** Ms since 1970; null where there is none to be read. */
  of(record: LogRecord): number | null {
    const { value, timestamp } = record;
    if (value === null && this.#source.format !== 'cloudevents') return null;
    const origin: Origin = { fallbackId: () => '-', recordTime: timestamp >= 0 ? timestamp : null };
    // The time of the usual ones is found without parsing them.
    const usual = this.#segments?.read(asBuffer(value!), origin, nobodyAsks) ?? null;
    if (usual !== null) return typeof usual === 'number' ? usual : usual.event.time;
    if (this.#source.format === 'segment') return segmentTime(value!, origin);
    try {
      return normalise(decode(record, this.#source), this.#source, origin).event.time;
    } catch (error) {
      if (error instanceof RecordError) return null;
      throw error;
    }
  }
}

/** Of a message that is unusual, or wrong in something else than its time. */
function segmentTime(value: Uint8Array, { recordTime }: Origin): number | null {
  try {
    const { timestamp } = JSON.parse(asBuffer(value).toString('utf8')) as { timestamp?: unknown };
    if (timestamp === undefined || timestamp === null) return recordTime;
    const time = typeof timestamp === 'string' ? parseInstant(timestamp) : Number(timestamp);
    return Number.isSafeInteger(time) && time >= 0 ? time : null;
  } catch {
    return null;
  }
}
