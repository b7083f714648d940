// What senders post, as records of the source topic: completed, checked, keyed by the person.
//
// Owns: what the server adds to a message, clock-skew correction. Does not own: batches (batch.ts), what a valid message is
// (processors/intake/normalise.ts, which intake asks again).
//
// Invariants:
//   M1. A record made here is one that intake takes: the same functions check both.
//   M2. A write key never reaches the log.

import { RecordError } from '../../../lib/errors.ts';
import { partitionOf } from '../../../lib/murmur2.ts';
import { checkEventTime, type EventTimeBounds } from '../../../processors/intake/event-time.ts';
import { isAbsent, TIME_MAX, timeIn } from '../../../processors/intake/fields.ts';
import { normalise } from '../../../processors/intake/normalise.ts';
import type { SourceFormat } from '../../../processors/intake/source-format.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import type { NewRecord } from '../../../schemas/record.ts';
import { traceHeaders } from '../../../schemas/trace.ts';

export interface Target {
  readonly source: SourceFormat;
  readonly partitions: number;
  /** Largest record that intake takes (limits.recordBytes). */
  readonly recordBytesMax: number;
  readonly eventTime: EventTimeBounds;
}

export interface Arrival {
  /** Wall time, ms. */
  readonly receivedAt: number;
  /** Makes the id of a message without one. */
  readonly newId: () => string;
  /** Of the request; null: it has none. */
  readonly traceparent: string | null;
}

/** The record of one call. Throws RecordError TRG_RECORD_… that names the field. */
export function recordOf(message: JsonObject, target: Target, arrival: Arrival): NewRecord {
  const { writeKey: _secret, ...sent } = message;
  const { receivedAt, newId, traceparent } = arrival;
  const { eventTime } = target;
  const field = isAbsent(sent['originalTimestamp']) ? 'timestamp' : 'originalTimestamp';
  const original = plausibleTime(sent, field, eventTime);
  const sentAt = plausibleTime(sent, 'sentAt', eventTime);
  const time = original === null ? receivedAt : sentAt === null ? original : receivedAt - (sentAt - original);
  const completed: JsonObject = {
    ...sent,
    messageId: isAbsent(sent['messageId']) ? newId() : sent['messageId']!,
    timestamp: checkTime(time, eventTime),
    ...(original !== null && { originalTimestamp: new Date(original).toISOString() }),
    receivedAt: new Date(receivedAt).toISOString(),
  };
  const { entityId, event } = normalise(completed, target.source, { fallbackId: newId, recordTime: null });
  const key = Buffer.from(entityId);
  const value = Buffer.from(JSON.stringify({ ...completed, timestamp: new Date(event.time).toISOString() }));
  if (value.length > target.recordBytesMax) throw tooLarge(value.length, target.recordBytesMax);
  return {
    topic: target.source.topic,
    partition: partitionOf(key, target.partitions),
    timestamp: event.time,
    key,
    value,
    headers: traceHeaders(traceparent),
  };
}

/** What a record weighs in a transaction. */
export function recordBytes({ key, value }: NewRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0);
}

/** Ms since 1970; null when the field is not given. */
function plausibleTime(message: JsonObject, field: string, bounds: EventTimeBounds): number | null {
  const time = timeIn(message[field], field, bounds);
  if (time !== null) checkEventTime(time, bounds, field);
  return time;
}

/** As corrected: a sender's clock may be wrong by so much that nothing is left of it. */
function checkTime(time: number, bounds: EventTimeBounds): number {
  if (!(time >= 0 && time <= TIME_MAX)) {
    throw new RecordError('TRG_RECORD_INVALID', 'timestamp must be a time, and is none once sentAt has corrected it', {
      field: 'timestamp',
    });
  }
  checkEventTime(time, bounds, 'timestamp, corrected by sentAt,');
  return time;
}

export function tooLarge(bytes: number, bytesMax: number, what = 'the event'): RecordError {
  return new RecordError('TRG_RECORD_TOO_LARGE', `${what} has ${bytes} bytes, at most ${bytesMax} are taken`);
}
