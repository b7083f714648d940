// Intake: a raw record of a source topic becomes an Event keyed by its entity, or is refused with its reason.
//
// Owns: size limit, quarantine of events from the future, whose event it is.
// Does not own: bytes to JSON (decode.ts), what a valid message is (normalise.ts), duplicates (evaluate.ts: they are recognised per entity).
//
// Invariants:
//   T1. A record leaves as an event, or RecordError is thrown, which the runtime turns into a dead letter (I6).
//   T3. An event that concerns several entities goes to each of them, once.
//   T2. An event stamped later than wall time + maxClockSkew is quarantined: it moves nobody's stream time.

import { asBuffer, utf8Text } from '../lib/bytes.ts';
import { RecordError } from '../lib/errors.ts';
import { traceparentOf } from '../schemas/trace.ts';
import { entityKey } from '../state/entity-document.ts';
import type { Message, Processor, ProcessorContext, SourceRecord } from './api.ts';
import { decode } from './decode.ts';
import { type Normalised, normalise, type Origin, type SourceFormat } from './normalise.ts';
import { isSegmentOfUsers, SegmentReader } from './segment-record.ts';

export interface IntakeOptions {
  readonly source: SourceFormat;
  readonly maxClockSkewMs: number;
  readonly recordBytesMax: number;
  /** False where records carry no time of their own, such as lines of a file. */
  readonly useRecordTime: boolean;
}

export class Intake implements Processor<SourceRecord> {
  readonly #options: IntakeOptions;
  readonly #segments: SegmentReader | null;
  #context!: ProcessorContext;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#segments = isSegmentOfUsers(options.source) ? new SegmentReader() : null;
  }

  init(context: ProcessorContext): void {
    this.#context = context;
  }

  process({ value: read, headers }: Message<SourceRecord>): void {
    const { key, others, event } = this.#event(read);
    event.traceparent = traceparentOf(headers);
    this.#context.observeTime(event.time);
    const { time: timestamp } = event;
    this.#context.forward({ key, value: event, timestamp, headers });
    for (const { type, id } of others) {
      const other = entityKey(type, id);
      if (other !== key) this.#context.forward({ key: other, value: event, timestamp, headers });
    }
  }

  #event(read: SourceRecord) {
    const { source, maxClockSkewMs, recordBytesMax } = this.#options;
    const bytes = read.record.value?.length ?? 0;
    if (bytes > recordBytesMax) {
      throw new RecordError(
        'TRG_RECORD_TOO_LARGE',
        `the record has ${bytes} bytes, at most ${recordBytesMax} are taken (limits.recordBytes)`,
      );
    }
    const { entityId, others, event } = this.#normalised(read);
    if (event.time - this.#context.wallTime() > maxClockSkewMs) {
      throw new RecordError(
        'TRG_RECORD_IN_FUTURE',
        `the event is stamped ${event.timestamp.toISOString()}, more than ${maxClockSkewMs / 1000} s after the clock ` +
          '(maxClockSkew): mend the sender’s clock',
      );
    }
    return { key: entityKey(source.entity, this.#idOf(read, entityId)), others, event };
  }

  #normalised({ topic, partition, record }: SourceRecord): Normalised {
    const { source, useRecordTime } = this.#options;
    const origin: Origin = {
      fallbackId: () => `${topic}-${partition}-${record.offset}`,
      recordTime: useRecordTime ? record.timestamp : null,
    };
    const { value } = record;
    const usual = value === null ? null : this.#segments?.read(asBuffer(value), origin);
    return usual ?? normalise(decode(record, source), source, origin);
  }

  /** Of a keyed source the key counts: it decided on the partition, and so on where the entity's state is. */
  #idOf(read: SourceRecord, entityId: string): string {
    if (!this.#options.source.keyed) return entityId;
    if (read.record.key === null) {
      throw new RecordError(
        'TRG_RECORD_INVALID',
        'the record has no key, but its source is declared keyed: set `keyed: false`, or send the entity id as key',
      );
    }
    return utf8Text(read.record.key);
  }
}
