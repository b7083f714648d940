// CloudEvents 1.0 over HTTP as messages of people: binary, structured and batch mode.
// https://github.com/cloudevents/spec, HTTP protocol binding.
//
// Owns: the binding, and what an event's attributes are in a message. Does not own: media types and data
// (processors/intake/cloud-event.ts).

import type { IncomingHttpHeaders } from 'node:http';
import { RecordError } from '../../../lib/errors.ts';
import { cloudEventOf, structuredCloudEvent } from '../../../processors/intake/cloud-event.ts';
import { isAbsent } from '../../../processors/intake/fields.ts';
import { isJsonObject, type JsonObject } from '../../../schemas/json.ts';
import type { RecordHeader } from '../../../schemas/record.ts';
import { type Accepted, eachOf } from './batch.ts';
import { parseList } from './body.ts';
import { BATCH_EVENTS_MAX, EVENT_BYTES_MAX } from './limits.ts';
import { type Arrival, recordOf, type Target, tooLarge } from './messages.ts';

const BATCH = 'application/cloudevents-batch';

/** `ids`: paths of a message's ids. Throws RecordError as recordOf and recordsOfBatch. */
export function recordsOfCloudEvents(
  headers: IncomingHttpHeaders,
  bytes: Buffer,
  ids: readonly string[],
  target: Target,
  arrival: Arrival,
): Accepted {
  // What a message has in its properties is an event's data.
  const paths = ids.map((path) => path.replace(/^properties\./, 'data.'));
  const record = (event: JsonObject) => recordOf(messageOf(event), target, arrival);
  if (headers['content-type']?.toLowerCase().startsWith(BATCH) === true) {
    const list = parseList(bytes, paths);
    if (list.length > BATCH_EVENTS_MAX) {
      throw new RecordError('TRG_RECORD_INVALID', `the list has ${list.length} events, at most ${BATCH_EVENTS_MAX}`);
    }
    return eachOf(list, 'list', (item) => {
      const size = Buffer.byteLength(JSON.stringify(item));
      if (size > EVENT_BYTES_MAX) throw tooLarge(size, EVENT_BYTES_MAX);
      return record(cloudEventOf(item, paths));
    });
  }
  if (bytes.length > EVENT_BYTES_MAX) throw tooLarge(bytes.length, EVENT_BYTES_MAX);
  const event = structuredCloudEvent(
    { offset: 0, timestamp: arrival.receivedAt, key: null, value: bytes, headers: attributesIn(headers) },
    paths,
  );
  return { records: [record(event)], rejected: [] };
}

/** The headers as those of a record: `ce-type` is `ce_type` there. */
function attributesIn(headers: IncomingHttpHeaders): readonly RecordHeader[] {
  return Object.entries(headers).flatMap(([name, value]): RecordHeader[] => {
    if (typeof value !== 'string') return [];
    if (name === 'content-type') return [[name, Buffer.from(value)]];
    return name.startsWith('ce-') ? [[`ce_${name.slice(3)}`, Buffer.from(unescaped(value))]] : [];
  });
}

/** Attributes are percent-encoded where they are not plain ASCII. */
function unescaped(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function messageOf(event: JsonObject): JsonObject {
  const { data = null, ...attributes } = event;
  const { id, source, type, subject, time } = attributes;
  for (const [field, value] of Object.entries({ id, source, type, subject })) {
    if (typeof value === 'string' && value !== '') continue;
    const what = field === 'subject' ? 'the id of the person that it is about' : 'a string that is not empty';
    throw new RecordError('TRG_RECORD_INVALID', `${field} must be ${what}`, { field });
  }
  return {
    type: 'track',
    event: type!,
    userId: subject!,
    // Ids are unique within their source only.
    messageId: `${String(source)} ${String(id)}`,
    ...(!isAbsent(time) && { timestamp: time! }),
    ...(data !== null && { properties: isJsonObject(data) ? data : { data } }),
    context: { cloudEvent: attributes },
  };
}
