import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordError } from '../../../lib/errors.ts';
import { structuredCloudEvent } from '../../../processors/intake/cloud-event.ts';
import { decode } from '../../../processors/intake/decode.ts';
import { normalise } from '../../../processors/intake/normalise.ts';
import type { SourceFormat } from '../../../processors/intake/source-format.ts';
import type { LogRecord } from '../../../schemas/record.ts';

const SOURCE: SourceFormat = { topic: 'orders', format: 'cloudevents', keyed: false, entity: 'user' };
const ATTRIBUTES = {
  specversion: '1.0',
  id: 'A-1',
  source: '/shop/eu',
  type: 'order.paid',
  subject: 'u1',
  time: '2026-01-01T10:00:00Z',
};
const RECORD_TIME = 5_000;

function record(value: string | Buffer | null, headers: Readonly<Record<string, string>>): LogRecord {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  const named = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const);
  return { offset: 1, timestamp: RECORD_TIME, key: null, value: bytes, headers: named };
}

function binary(value: string | Buffer | null, attributes: object = ATTRIBUTES, contentType?: string): LogRecord {
  const headers = Object.fromEntries(Object.entries(attributes).map(([name, text]) => [`ce_${name}`, String(text)]));
  return record(value, contentType === undefined ? headers : { ...headers, 'content-type': contentType });
}

function structured(event: object, contentType = 'application/cloudevents+json; charset=UTF-8'): LogRecord {
  return record(JSON.stringify(event), { 'content-type': contentType });
}

function take(from: LogRecord, source = SOURCE) {
  const origin = { fallbackId: () => assert.fail('a CloudEvent has an id'), recordTime: from.timestamp };
  return normalise(decode(from, source), source, origin);
}

function refusal(from: LogRecord): string {
  try {
    take(from);
  } catch (error) {
    assert.ok(error instanceof RecordError);
    return `${error.code}: ${error.message}`;
  }
  return assert.fail('it was accepted');
}

test('binary and structured mode give the same event', () => {
  const data = { cents: 1_000 };
  const expected = {
    messageId: '/shop/eu A-1',
    type: 'track',
    event: 'order.paid',
    userId: 'u1',
    anonymousId: null,
    timestamp: '2026-01-01T10:00:00.000Z',
    properties: data,
    traits: {},
  };
  for (const from of [binary(JSON.stringify(data)), structured({ ...ATTRIBUTES, data })]) {
    const { entityId, event } = take(from);
    const { context, ...rest } = event.toJson();
    assert.deepEqual({ ...rest }, expected);
    assert.deepEqual(context, ATTRIBUTES);
    assert.equal(entityId, 'u1');
  }
});

test('ids of different sources are different events', () => {
  const idOf = (source: string, id: string): string =>
    take(binary(null, { ...ATTRIBUTES, source, id })).event.messageId;
  assert.notEqual(idOf('/a', 'b/c'), idOf('/a/b', 'c'));
});

test('a path of the configuration wins over subject, type and time, and may lead into data or to an extension', () => {
  const source: SourceFormat = {
    ...SOURCE,
    entity: 'device',
    id: 'data.device.id',
    event: 'kind',
    timestamp: 'data.at',
  };
  const event = { ...ATTRIBUTES, kind: 'heated', data: { device: { id: 17 }, at: 9_000 } };
  const taken = take(structured(event), source);
  assert.equal(taken.entityId, '17');
  assert.equal(taken.event.event, 'heated');
  assert.equal(taken.event.time, 9_000);
  assert.equal(taken.event.userId, null);
});

test('an event without time has its record’s, and one without data has no properties', () => {
  const { time: _, ...attributes } = ATTRIBUTES;
  const { event } = take(binary(null, attributes));
  assert.equal(event.time, RECORD_TIME);
  assert.deepEqual(event.properties, {});
  assert.deepEqual(take(structured({ ...ATTRIBUTES, data: null })).event.properties, {});
});

test('data is JSON of whatever media type says so, also packed as base64, and text is text', () => {
  const propertiesOf = (from: LogRecord): unknown => take(from).event.properties;
  assert.deepEqual(propertiesOf(binary('{"a":1}', ATTRIBUTES, 'application/vnd.shop+json; v=1')), { a: 1 });
  assert.deepEqual(propertiesOf(binary('[1,2]')), { data: [1, 2] });
  assert.deepEqual(propertiesOf(binary('hello', ATTRIBUTES, 'text/plain')), { data: 'hello' });
  const base64 = Buffer.from('{"a":1}').toString('base64');
  assert.deepEqual(propertiesOf(structured({ ...ATTRIBUTES, data_base64: base64 })), { a: 1 });
});

test('what is no CloudEvent, or one that is not understood, is refused with the reason and without its content', () => {
  const without = (name: string): object => ({ ...ATTRIBUTES, [name]: undefined });
  const cases: readonly [LogRecord, RegExp][] = [
    [record('{"secret":1}', {}), /^TRG_RECORD_INVALID: the record is no CloudEvent: .*ce_specversion/],
    [binary('{}', { ...ATTRIBUTES, specversion: '0.3' }), /^TRG_RECORD_INVALID: specversion must be 1\.0$/],
    [structured(without('id')), /^TRG_RECORD_INVALID: id must be/],
    [structured(without('source')), /^TRG_RECORD_INVALID: source must be/],
    [structured(without('type')), /^TRG_RECORD_INVALID: type must be/],
    [structured(without('subject')), /^TRG_RECORD_INVALID: subject must be/],
    [structured({ ...ATTRIBUTES, time: 'yesterday' }), /^TRG_RECORD_INVALID: time must be/],
    [structured(ATTRIBUTES, 'application/cloudevents+avro'), /^TRG_RECORD_UNREADABLE: CloudEvents as .*avro are not/],
    [structured([ATTRIBUTES]), /^TRG_RECORD_INVALID: a structured CloudEvent must be a JSON object$/],
    [
      record(null, { 'content-type': 'application/cloudevents+json' }),
      /^TRG_RECORD_UNREADABLE: the record is not JSON: it is empty$/,
    ],
    [
      binary('{"secret'),
      /^TRG_RECORD_UNREADABLE: the event’s data is not JSON: it ends inside of a text: it is cut off, or a quote in it lacks its \\$/,
    ],
    [
      binary(Buffer.from([1, 2]), ATTRIBUTES, 'image/png'),
      /^TRG_RECORD_UNREADABLE: data as image\/png is not understood/,
    ],
  ];
  for (const [from, expected] of cases) {
    const message = refusal(from);
    assert.match(message, expected);
    assert.doesNotMatch(message, /secret|yesterday/);
  }
});

test('the mode is told by the content-type alone, whatever its case', () => {
  const event = structuredCloudEvent(
    record(JSON.stringify({ ...ATTRIBUTES, data: {} }), { 'Content-Type': 'Application/CloudEvents+JSON' }),
    [],
  );
  assert.equal(event['id'], 'A-1');
});
