// The messages of a batch as records: those that can be used, and why the others cannot.
//
// Invariants:
//   B1. One bad message costs nobody else's: senders never repeat what was refused with 400, nor what stood beside it.
//   B2. A batch of which nothing can be used is refused, and so is one that is too much as a whole.

import { type ErrorCode, RecordError } from '../../../lib/errors.ts';
import { isAbsent, isEmptyList } from '../../../processors/intake/fields.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../schemas/json.ts';
import type { NewRecord } from '../../../schemas/record.ts';
import { BATCH_EVENTS_MAX, BATCH_RECORDS_BYTES_MAX, EVENT_BYTES_MAX } from './limits.ts';
import { type Arrival, recordBytes, recordOf, type Target, tooLarge } from './messages.ts';

/** A message of a batch that is not kept. */
export interface Rejected {
  /** Its place in the batch, from 0. */
  readonly index: number;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface Accepted {
  readonly records: readonly NewRecord[];
  readonly rejected: readonly Rejected[];
}

/**
 * The records of a batch, in its order; its `context`, `integrations` and `sentAt` stand in where a message has none.
 * Throws RecordError when none can be used, its message beginning with the place of the first.
 */
export function recordsOfBatch(body: JsonObject, target: Target, arrival: Arrival): Accepted {
  const { batch } = body;
  if (!Array.isArray(batch)) throw invalid('batch must be a list of messages');
  if (batch.length > BATCH_EVENTS_MAX) {
    throw invalid(`batch has ${batch.length} events, at most ${BATCH_EVENTS_MAX} are taken`);
  }
  return eachOf(batch, 'batch', (message) => {
    if (!isJsonObject(message)) throw invalid('the message must be a JSON object');
    return recordOf(withDefaults(message, body), target, arrival);
  });
}

/** `list`: what the place of one is told in. Throws RecordError as recordsOfBatch. */
export function eachOf(items: readonly Json[], list: string, toRecord: (item: Json) => NewRecord): Accepted {
  const records: NewRecord[] = [];
  const rejected: Rejected[] = [];
  let bytes = 0;
  for (const [index, item] of items.entries()) {
    try {
      const record = toRecord(item);
      bytes += recordBytes(record);
      records.push(record);
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      rejected.push({ index, code: error.code, message: error.message });
    }
    if (bytes > BATCH_RECORDS_BYTES_MAX) throw tooLarge(bytes, BATCH_RECORDS_BYTES_MAX, `the ${list} with its context`);
  }
  const [first] = rejected;
  if (first !== undefined && records.length === 0) throw nothingUsable(first, rejected, list);
  return { records, rejected };
}

/** TRG_RECORD_TOO_LARGE only where that is what is wrong with all of them. */
function nothingUsable(first: Rejected, rejected: readonly Rejected[], list: string): RecordError {
  const shown = rejected.find(({ code }) => code !== 'TRG_RECORD_TOO_LARGE') ?? first;
  const others = rejected.length === 1 ? '' : ` (and none of the other ${rejected.length - 1} can be used)`;
  return new RecordError(shown.code, `${list}[${shown.index}]: ${shown.message}${others}`, { index: shown.index });
}

function withDefaults(message: JsonObject, { context, integrations, sentAt }: JsonObject): JsonObject {
  const bytes = Buffer.byteLength(JSON.stringify(message));
  if (bytes > EVENT_BYTES_MAX) throw tooLarge(bytes, EVENT_BYTES_MAX);
  return {
    ...message,
    ...merged('context', message['context'], context),
    ...merged('integrations', message['integrations'], integrations),
    ...(!isAbsent(sentAt) && isAbsent(message['sentAt']) && { sentAt: sentAt! }),
  };
}

/** The batch's object with the message's own fields over it; what is no object is left for the check. */
function merged(field: string, own: Json | undefined, shared: Json | undefined): JsonObject {
  if (!isJsonObject(shared))
    return isAbsent(shared) || isEmptyList(shared) || !isAbsent(own) ? {} : { [field]: shared! };
  if (isAbsent(own) || isEmptyList(own)) return { [field]: shared };
  return isJsonObject(own) ? { [field]: { ...shared, ...own } } : {};
}

function invalid(message: string): RecordError {
  return new RecordError('TRG_RECORD_INVALID', message);
}
