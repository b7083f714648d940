// Events of a source that is not keyed by its entity travel on through a repartition topic, with watermarks among them
// that tell the tasks behind it how far this source partition has come.
//
// Invariants:
//   P1. A watermark W of an upstream partition stands, in every repartition partition, after all events that the partition
//       brought with event time up to W, and before none of the earlier commits' events.

import { asBuffer, utf8Text } from '../../lib/bytes.ts';
import { RecordError } from '../../lib/errors.ts';
import { avroCodec } from '../../schemas/codec.ts';
import { Event, type EventRecord } from '../../schemas/event.ts';
import { isInternal } from '../../schemas/internal-events.ts';
import { traceparentOf } from '../../schemas/trace.ts';
import type { Message, Processor, ProcessorContext, SourceRecord } from '../../state/processor.ts';

/** What goes over the repartition topic. */
export type Repartitioned =
  | { readonly kind: 'event'; readonly entity: string; readonly event: Event }
  | { readonly kind: 'watermark'; readonly upstream: string; readonly time: number };

const envelope = avroCodec<EventRecord>('events/event');

const EVENT = 1;
const WATERMARK = 2;

/** One byte with the kind; an event: length of the entity type (1), the type, the envelope; a watermark: JSON. */
export function encodeRepartitioned(value: Repartitioned): Uint8Array {
  if (value.kind === 'watermark') {
    const { upstream, time } = value;
    return Buffer.concat([Uint8Array.of(WATERMARK), Buffer.from(JSON.stringify({ upstream, time }))]);
  }
  const entity = Buffer.from(value.entity);
  return Buffer.concat([Uint8Array.of(EVENT, entity.length), entity, envelope.encode(value.event.toRecord())]);
}

export function decodeRepartitioned(bytes: Uint8Array): Repartitioned {
  const buffer = asBuffer(bytes);
  if (buffer[0] === WATERMARK) return { kind: 'watermark', ...JSON.parse(buffer.toString('utf8', 1)) };
  if (buffer[0] !== EVENT) throw new RecordError('TRG_RECORD_UNREADABLE', 'not a record of the repartition topic');
  const end = 2 + buffer[1]!;
  const event = Event.fromRecord(envelope.decode(buffer.subarray(end)));
  // Intake sends none of these on: whoever wrote it is not the application.
  if (isInternal(event.event)) {
    throw new RecordError('TRG_RECORD_RESERVED', 'an event of our own name is in the repartition topic');
  }
  return { kind: 'event', entity: buffer.toString('utf8', 2, end), event };
}

/** Sends events on, keyed by their entity's id. */
export class ToRepartition implements Processor<Event> {
  readonly #topic: string;
  #context!: ProcessorContext;
  #told = -1;

  /** `topic`: the source whose partition this task reads. */
  constructor(topic: string) {
    this.#topic = topic;
  }

  init(context: ProcessorContext): void {
    this.#context = context;
  }

  process({ key, value: event, timestamp, headers }: Message<Event>): void {
    const slash = key.indexOf('/');
    const value: Repartitioned = { kind: 'event', entity: key.slice(0, slash), event };
    this.#context.forward({ key: key.slice(slash + 1), value, timestamp, headers });
  }

  beforeCommit(): void {
    const time = this.#context.inputTime();
    if (time <= this.#told) return;
    this.#told = time;
    const upstream = `${this.#topic}/${this.#context.partition}`;
    const value: Repartitioned = { kind: 'watermark', upstream, time };
    this.#context.forward({ key: '', value, timestamp: time, headers: [] });
  }
}

/** Takes events and watermarks in on the other side. */
export class FromRepartition implements Processor<SourceRecord> {
  #context!: ProcessorContext;

  init(context: ProcessorContext): void {
    this.#context = context;
  }

  process({ value: { record } }: Message<SourceRecord>): void {
    if (record.value === null) throw new RecordError('TRG_RECORD_UNREADABLE', 'a repartition record without a value');
    const read = decodeRepartitioned(record.value);
    if (read.kind === 'watermark') {
      this.#context.observeWatermark(read.upstream, read.time);
      return;
    }
    const id = record.key === null ? '' : utf8Text(record.key);
    const key = `${read.entity}/${id}`;
    read.event.traceparent = traceparentOf(record.headers);
    this.#context.forward({ key, value: read.event, timestamp: read.event.time, headers: record.headers });
  }
}
