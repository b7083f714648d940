// Intake: a raw record of a source topic becomes an Event keyed by its entity, or is refused with its reason.
//
// Owns: size limit, quarantine of events from the future, whose event it is.
// Does not own: bytes to JSON (decode.ts), what a valid message is (normalise.ts), duplicates (evaluate.ts: they are recognised per entity).
//
// Invariants:
//   T1. A record leaves as an event, or RecordError is thrown, which the runtime turns into a dead letter (I6). One that
//       nobody asks for (isAsked) goes no further: it moves stream time, and is counted.
//   T2. An event stamped later than wall time + maxClockSkew, or at a time that can be no event's (event-time.ts), is
//       quarantined: it moves nobody's stream time.
//   T3. An event that concerns several entities goes to each of them, once.

import { asBuffer } from '../../lib/bytes.ts';
import { RecordError } from '../../lib/errors.ts';
import { CONSENT_REQUESTED } from '../../schemas/consent-request.ts';
import type { Event } from '../../schemas/event.ts';
import { traceparentOf } from '../../schemas/trace.ts';
import { entityKey } from '../../state/entity/document.ts';
import type { Message, Processor, ProcessorContext, SourceRecord } from '../../state/processor.ts';
import { decode } from './decode.ts';
import { checkEventTime, type EventTimeBounds } from './event-time.ts';
import { parseText } from './json-text.ts';
import { type Normalised, normalise, type Origin } from './normalise.ts';
import { isSegmentOfUsers, SegmentReader } from './segment-record.ts';
import type { SourceFormat } from './source-format.ts';

export interface IntakeOptions {
  readonly source: SourceFormat;
  readonly maxClockSkewMs: number;
  /** Left out: any time will do, as in simulations. */
  readonly eventTime?: EventTimeBounds | undefined;
  readonly recordBytesMax: number;
  /** False where records carry no time of their own, such as lines of a file. */
  readonly useRecordTime: boolean;
  /** Whether people are asked to confirm, by an event that nobody else may give (schemas/consent-request.ts). */
  readonly confirmations?: object | undefined;
  /** Whether anyone asks for `track` events of this name; left out: perhaps. */
  readonly isAsked?: (name: string) => boolean;
  /** Whether anyone asks for the event of an entity of this type; left out: perhaps. */
  readonly concerns?: (type: string, event: Event) => boolean;
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

  process(message: Message<SourceRecord>): void {
    const { value: read } = message;
    // A view that is made when it is asked for.
    const { value: bytes } = read.record;
    this.#checkSize(bytes);
    const found = this.#normalised(read, bytes);
    const timestamp = typeof found === 'number' ? found : found.event.time;
    this.#checkTime(timestamp);
    const recordKey = this.#keyOf(read);
    this.#context.observeTime(timestamp);
    if (typeof found === 'number') {
      this.#context.count('unasked');
      return;
    }
    const { entityId, others, event } = found;
    if (event.event === CONSENT_REQUESTED && this.#options.confirmations !== undefined) {
      throw new RecordError(
        'TRG_RECORD_RESERVED',
        `"${CONSENT_REQUESTED}" is Tripline's own event while there is consent.doubleOptIn: give the event another name`,
      );
    }
    const key = entityKey(
      this.#options.source.entity,
      recordKey === null ? entityId : parseText(recordKey, 'the key of the record'),
    );
    const { headers } = message;
    event.traceparent = traceparentOf(headers);
    for (const each of others.length === 0 ? [key] : this.#asked(key, others, event)) {
      this.#context.forward({ key: each, value: event, timestamp, headers });
    }
  }

  /** Those of an event's entities for which anyone asks (T3). An event is asked for or not, however many it concerns. */
  #asked(key: string, others: Normalised['others'], event: Event): readonly string[] {
    const { source, concerns } = this.#options;
    const entities = [{ type: source.entity, key }];
    for (const { type, id } of others) {
      const other = entityKey(type, id);
      if (entities.every((each) => each.key !== other)) entities.push({ type, key: other });
    }
    const asked = entities.filter(({ type }) => concerns === undefined || concerns(type, event));
    if (asked.length === 0) this.#context.count('unasked');
    return asked.map((each) => each.key);
  }

  #checkSize(bytes: Uint8Array | null): void {
    const { recordBytesMax } = this.#options;
    const size = bytes?.length ?? 0;
    if (size <= recordBytesMax) return;
    throw new RecordError(
      'TRG_RECORD_TOO_LARGE',
      `the record has ${size} bytes, at most ${recordBytesMax} are taken (limits.recordBytes)`,
    );
  }

  /** T2. */
  #checkTime(time: number): void {
    const { maxClockSkewMs, eventTime } = this.#options;
    if (eventTime !== undefined) checkEventTime(time, eventTime);
    if (time - this.#context.wallTime() <= maxClockSkewMs) return;
    throw new RecordError(
      'TRG_RECORD_IN_FUTURE',
      `the event is stamped ${new Date(time).toISOString()}, more than ${maxClockSkewMs / 1000} s after the clock ` +
        '(maxClockSkew): mend the sender’s clock',
    );
  }

  /** A number: the time of an event that nobody asks for. */
  #normalised({ topic, partition, record }: SourceRecord, bytes: Uint8Array | null): Normalised | number {
    const { source, useRecordTime, isAsked } = this.#options;
    const origin: Origin = {
      fallbackId: () => `${topic}-${partition}-${record.offset}`,
      // Kafka writes -1 where a record has none.
      recordTime: useRecordTime && record.timestamp >= 0 ? record.timestamp : null,
    };
    const usual = bytes === null ? null : this.#segments?.read(asBuffer(bytes), origin, isAsked);
    return usual ?? normalise(decode(record, source), source, origin);
  }

  /**
   * Of a keyed source the record's key, which counts: it decided on the partition, and so on where the entity's state is.
   * Null: of another source.
   */
  #keyOf({ record }: SourceRecord): Uint8Array | null {
    if (!this.#options.source.keyed) return null;
    const { key } = record;
    if (key !== null) return key;
    throw new RecordError(
      'TRG_RECORD_INVALID',
      'the record has no key, but its source is declared keyed: set `keyed: false`, or send the entity id as key',
    );
  }
}
