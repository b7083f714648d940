// What senders post, as records of the source topic: completed, checked, keyed by the person.
//
// Owns: batches, what the server adds to a message, clock-skew correction.
// Does not own: what a valid message is (processors/intake/normalise.ts, which intake asks again).
//
// Invariants:
//   M1. A record made here is one that intake takes: the same function checks both.
//   M2. A write key never reaches the log.

import { RecordError } from '../../../lib/errors.ts';
import { parseInstant } from '../../../lib/instant.ts';
import { partitionOf } from '../../../lib/murmur2.ts';
import { normalise, type SourceFormat } from '../../../processors/intake/normalise.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../schemas/json.ts';
import type { NewRecord } from '../../../schemas/record.ts';
import { traceHeaders } from '../../../schemas/trace.ts';
import { BATCH_EVENTS_MAX, BATCH_RECORDS_BYTES_MAX, EVENT_BYTES_MAX } from './limits.ts';

export interface Target {
  readonly source: SourceFormat;
  readonly partitions: number;
  /** Largest record that intake takes (limits.recordBytes). */
  readonly recordBytesMax: number;
}

export interface Arrival {
  /** Wall time, ms. */
  readonly receivedAt: number;
  /** Makes the id of a message without one. */
  readonly newId: () => string;
  /** Of the request; null: it has none. */
  readonly traceparent: string | null;
}

/** The last moment a Date can hold. */
const TIME_MAX = 8.64e15;

/** The record of one call. Throws RecordError TRG_RECORD_INVALID, TRG_RECORD_TOO_LARGE. */
export function recordOf(message: JsonObject, target: Target, arrival: Arrival): NewRecord {
  const { writeKey: _secret, ...sent } = message;
  const { receivedAt, newId, traceparent } = arrival;
  const original = instantOf(sent, sent['originalTimestamp'] == null ? 'timestamp' : 'originalTimestamp');
  const sentAt = instantOf(sent, 'sentAt');
  const time = original === null ? receivedAt : sentAt === null ? original : receivedAt - (sentAt - original);
  const completed: JsonObject = {
    ...sent,
    messageId: sent['messageId'] ?? newId(),
    timestamp: checkTime(time, 'timestamp'),
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

/**
 * The records of a batch, in its order; its `context`, `integrations` and `sentAt` stand in where a message has none.
 * Throws RecordError as recordOf, its message beginning with the place in the batch.
 */
export function recordsOfBatch(body: JsonObject, target: Target, arrival: Arrival): readonly NewRecord[] {
  const { batch } = body;
  if (!Array.isArray(batch)) throw invalid('batch must be a list of messages');
  if (batch.length > BATCH_EVENTS_MAX) {
    throw invalid(`batch has ${batch.length} events, at most ${BATCH_EVENTS_MAX} are taken`);
  }
  let bytes = 0;
  return batch.map((message: Json, index) => {
    try {
      if (!isJsonObject(message)) throw invalid('the message must be a JSON object');
      const record = recordOf(withDefaults(message, body), target, arrival);
      bytes += recordBytes(record);
      if (bytes > BATCH_RECORDS_BYTES_MAX) throw tooLarge(bytes, BATCH_RECORDS_BYTES_MAX, 'the batch with its context');
      return record;
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      throw new RecordError(error.code, `batch[${index}]: ${error.message}`, { ...error.fields, index }, error);
    }
  });
}

function withDefaults(message: JsonObject, { context, integrations, sentAt }: JsonObject): JsonObject {
  const bytes = Buffer.byteLength(JSON.stringify(message));
  if (bytes > EVENT_BYTES_MAX) throw tooLarge(bytes, EVENT_BYTES_MAX);
  return {
    ...message,
    ...merged('context', message['context'], context),
    ...merged('integrations', message['integrations'], integrations),
    ...(sentAt !== undefined && { sentAt: message['sentAt'] ?? sentAt }),
  };
}

/** The batch's object with the message's own fields over it; what is no object is left for the check. */
function merged(field: string, own: Json | undefined, shared: Json | undefined): JsonObject {
  if (shared === undefined || shared === null) return {};
  if (own === undefined || own === null) return { [field]: shared };
  return isJsonObject(own) && isJsonObject(shared) ? { [field]: { ...shared, ...own } } : {};
}

/** Ms since 1970; null when the field is not given. */
function instantOf(message: JsonObject, field: string): number | null {
  const value = message[field];
  if (value === undefined || value === null) return null;
  return checkTime(typeof value === 'string' ? parseInstant(value) : value, field);
}

function checkTime(time: unknown, field: string): number {
  if (typeof time === 'number' && Number.isSafeInteger(time) && time >= 0 && time <= TIME_MAX) return time;
  throw new RecordError(
    'TRG_RECORD_INVALID',
    `${field} must be an ISO-8601 instant with a zone, or ms since 1970, and is not one`,
    { field },
  );
}

function tooLarge(bytes: number, bytesMax: number, what = 'the event'): RecordError {
  return new RecordError('TRG_RECORD_TOO_LARGE', `${what} has ${bytes} bytes, at most ${bytesMax} are taken`);
}

function invalid(message: string): RecordError {
  return new RecordError('TRG_RECORD_INVALID', message);
}
