import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decode } from '../../../processors/intake/decode.ts';
import { keepDigits } from '../../../processors/intake/exact-ids.ts';
import { normalise } from '../../../processors/intake/normalise.ts';
import type { SourceFormat } from '../../../processors/intake/source-format.ts';
import type { RecordHeader } from '../../../schemas/record.ts';

const ORIGIN = { fallbackId: () => 'made-up', recordTime: 5_000 };
const SEGMENT: SourceFormat = { topic: 't', format: 'segment', keyed: false, entity: 'user' };

function read(text: string, source: SourceFormat, headers: readonly RecordHeader[] = []) {
  const record = { offset: 0, timestamp: 0, key: null, value: Buffer.from(text), headers };
  return normalise(decode(record, source), source, ORIGIN);
}

/** The id that a number becomes. */
function idOf(number: string): string {
  return read(`{"event":"x","userId":${number}}`, SEGMENT).entityId;
}

test('numbers that JSON.parse() takes for each other stay apart as ids (X1)', () => {
  const alike = ['9007199254740992', '9007199254740993', '1e400', '2e400', '1.0000000000000000001', '1', '0.1', '0.10'];
  assert.equal(new Set(alike.map(idOf)).size, alike.length);
  assert.equal(idOf('9007199254740993'), '9007199254740993');
  assert.equal(idOf('1e400'), '1e400');
  assert.equal(idOf('-12345678901234567890'), '-12345678901234567890');
});

test('a number that is exact is the text that it always was, however it is written', () => {
  assert.deepEqual(['17', '17.0', '9007199254740991', '1.5'].map(idOf), ['17', '17', '9007199254740991', '1.5']);
});

test('whole numbers of any length that differ become different ids (X1)', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.bigInt({ min: 1n, max: 3n }), (number, more) => {
      assert.equal(idOf(String(number)), String(number));
      assert.notEqual(idOf(String(number)), idOf(String(number + more)));
    }),
  );
});

test('every id of a Segment message keeps its digits, and what is no id stays a number', () => {
  const n = '12345678901234567891';
  const fields = ['anonymousId', 'groupId', 'messageId'].map((name) => `"${name}":${n}`).join(',');
  const { entityId, event } = read(`{"type":"group",${fields},"properties":{"n":${n}}}`, SEGMENT);
  assert.deepEqual([entityId, event.messageId, event.properties['groupId']], [n, n, n]);
  assert.equal(event.properties['n'], Number(n));
});

test('ids at configured paths keep their digits in plain JSON, in CloudEvents of both modes, and for other entities', () => {
  const n = '9007199254740993';
  const json: SourceFormat = { ...SEGMENT, format: 'json', entity: 'device', id: 'd.id', event: 'k', messageId: 'm' };
  const { entityId, event } = read(`{"d":{"id":${n}},"k":${n},"m":1e1000}`, json);
  assert.deepEqual([entityId, event.event, event.messageId], [n, n, '1e1000']);

  const cloud: SourceFormat = { ...SEGMENT, format: 'cloudevents', entity: 'device', id: 'data.id' };
  const attributes = '"specversion":"1.0","id":"1","source":"s","type":"t"';
  const structured: RecordHeader[] = [['content-type', Buffer.from('application/cloudevents+json')]];
  assert.equal(read(`{${attributes},"data":{"id":${n}}}`, cloud, structured).entityId, n);
  const base64 = Buffer.from(`{"id":${n}}`).toString('base64');
  assert.equal(read(`{${attributes},"data_base64":"${base64}"}`, cloud, structured).entityId, n);
  const binary = Object.entries({ specversion: '1.0', id: '1', source: 's', type: 't' });
  const headers = binary.map(([name, value]): RecordHeader => [`ce_${name}`, Buffer.from(value)]);
  assert.equal(read(`{"id":${n}}`, cloud, headers).entityId, n);

  const others = [{ entity: 'product', id: 'properties.sku' }];
  const about = read(`{"event":"x","userId":"u1","properties":{"sku":${n}}}`, { ...SEGMENT, others });
  assert.deepEqual(about.others, [{ type: 'product', id: n }]);
});

test('each of a list keeps its digits', () => {
  const text = '{"batch":[{"userId":9007199254740993},{"userId":"a"},{"userId":5},null,7]}';
  const json = JSON.parse(text);
  keepDigits(json, text, ['userId'], 'batch');
  assert.deepEqual(json.batch, [{ userId: '9007199254740993' }, { userId: 'a' }, { userId: 5 }, null, 7]);
});

test('a text that is nested without end is left to whoever refuses it', () => {
  const text = `{"userId":1e400,"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
  const json = JSON.parse(text);
  keepDigits(json, text, ['userId']);
  assert.equal(json.userId, Infinity);
});
