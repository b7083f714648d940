// Parquet as a source of events, from files written by a library that is not the one that reads them here.

import assert from 'node:assert/strict';
import { truncateSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { fileWith, read, refusals } from './kit.ts';

const AT = new Date('2026-01-01T10:00:00.123Z');

type Columns = Parameters<typeof parquetWriteBuffer>[0]['columnData'];

function parquetWith(t: TestContext, columnData: Columns, more: object = {}): string {
  const bytes = Buffer.from(parquetWriteBuffer({ columnData, ...more }));
  return fileWith(t, 'events.parquet', bytes);
}

test('columns that are called as the fields of a message are read without a mapping', async (t) => {
  const path = parquetWith(t, [
    { name: 'messageId', data: ['m1', 'm2'], type: 'STRING' },
    { name: 'userId', data: ['u1', null], type: 'STRING' },
    { name: 'anonymousId', data: [null, 'a2'], type: 'STRING' },
    { name: 'event', data: ['bought', 'seen'], type: 'STRING' },
    { name: 'timestamp', data: [AT, AT], type: 'TIMESTAMP' },
    { name: 'properties', data: ['{"value":1.5,"tags":["a"]}', null], type: 'STRING' },
  ]);
  const { seen, failure } = await read(path);
  assert.equal(failure, null);
  const common = { timestamp: AT.toISOString() };
  assert.deepEqual(seen, [
    [1, { messageId: 'm1', userId: 'u1', event: 'bought', ...common, properties: { value: 1.5, tags: ['a'] } }],
    [2, { messageId: 'm2', anonymousId: 'a2', event: 'seen', ...common }],
  ]);
});

const MAPPING = `format: parquet
columns: { userId: who, event: what, timestamp: at }
properties: [amount, big, ok]
`;

function mapped(t: TestContext, more: object = {}): string {
  return parquetWith(
    t,
    [
      { name: 'who', data: [1n, 2n ** 60n, 3n], type: 'INT64' },
      { name: 'what', data: ['x', 'y', 'z'], type: 'STRING' },
      { name: 'at', data: [AT, AT, AT], type: 'TIMESTAMP' },
      { name: 'amount', data: [1.25, Number.NaN, -3], type: 'DOUBLE' },
      { name: 'big', data: [1n, 2n ** 60n, null], type: 'INT64' },
      { name: 'ok', data: [true, false, null], type: 'BOOLEAN' },
    ],
    more,
  );
}

test('with a mapping values keep their types, and numbers beyond 2^53 their digits', async (t) => {
  const mapping = fileWith(t, 'map.yaml', MAPPING);
  const { seen } = await read(mapped(t), { mapping });
  const rows = (seen as [number, { userId: string; properties: object; timestamp: string }][]).map(
    ([line, { userId, properties, timestamp }]) => [line, userId, timestamp, properties],
  );
  assert.deepEqual(rows, [
    [1, '1', AT.toISOString(), { amount: 1.25, big: 1, ok: true }],
    [2, '1152921504606846976', AT.toISOString(), { amount: null, big: '1152921504606846976', ok: false }],
    [3, '3', AT.toISOString(), { amount: -3, big: null, ok: null }],
  ]);
});

test('rows of several row groups come in order, and a second reading gives the same ids', async (t) => {
  const mapping = fileWith(t, 'map.yaml', MAPPING);
  const path = mapped(t, { rowGroupSize: 1 });
  const first = await read(path, { mapping });
  assert.deepEqual(
    first.seen.map((entry) => (entry as [number])[0]),
    [1, 2, 3],
  );
  const ids = first.seen.map((entry) => (entry as [number, { messageId: string }])[1].messageId);
  assert.equal(new Set(ids).size, 3);
  assert.match(ids[0]!, /^parquet-[0-9a-f]{24}$/);
  assert.deepEqual(await read(path, { mapping }), first);
});

test('times as text go by the mapping, and a row that cannot be used costs no other', async (t) => {
  const mapping = fileWith(
    t,
    'map.yaml',
    'columns: { userId: who, event: what, timestamp: at }\ntimestampFormat: "YYYY-MM-DD HH:mm"\ntimezone: Europe/Berlin\n',
  );
  const path = parquetWith(t, [
    { name: 'who', data: ['u1', 'NULL', 'u3'], type: 'STRING' },
    { name: 'what', data: ['x', 'x', 'x'], type: 'STRING' },
    { name: 'at', data: ['2026-01-01 10:00', '2026-01-01 10:00', 'noon'], type: 'STRING' },
  ]);
  const { seen } = await read(path, { mapping });
  assert.equal((seen[0] as [number, { timestamp: string }])[1].timestamp, '2026-01-01T09:00:00.000Z');
  assert.deepEqual(await refusals(path, { mapping }), [
    '2: the column "who" holds "NULL", which is nobody\'s id: leave the cell empty',
    '3: the column "at" is not a time, nor text in the form YYYY-MM-DD HH:mm',
  ]);
});

test('a column that the mapping names and the file lacks is said with those that it has', async (t) => {
  const mapping = fileWith(t, 'map.yaml', MAPPING.replace('at }', 'when }'));
  const { failure } = await read(mapped(t), { mapping });
  assert.match(JSON.stringify(failure, Object.getOwnPropertyNames(failure)), /has no column \\?"when/);
});

test('all ways of packing that writers use are read', async (t) => {
  const mapping = fileWith(t, 'map.yaml', MAPPING);
  const plain = await read(mapped(t, { codec: 'UNCOMPRESSED' }), { mapping });
  assert.equal(plain.seen.length, 3);
  assert.deepEqual(await read(mapped(t, { codec: 'SNAPPY' }), { mapping }), plain);
  const codec = { codec: 'GZIP', compressors: { GZIP: (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes)) } };
  assert.deepEqual(await read(mapped(t, codec), { mapping }), plain);
});

test('bytes that are no text are refused with their row, and nothing is replaced', async (t) => {
  const path = parquetWith(t, [
    { name: 'messageId', data: ['m1', 'm2'], type: 'STRING' },
    { name: 'userId', data: [Buffer.from([0x66, 0xff]), Buffer.from('u2')], type: 'BYTE_ARRAY' },
    { name: 'event', data: ['x', 'x'], type: 'STRING' },
    { name: 'timestamp', data: [AT, AT], type: 'TIMESTAMP' },
  ]);
  const { seen } = await read(path);
  assert.deepEqual(seen[0], [1, 'TRG_RECORD_UNREADABLE']);
  assert.equal((seen[1] as [number, { userId: string }])[1].userId, 'u2');
});

test('a file that is cut off, and one that its mapping calls Parquet wrongly, are errors that name the file', async (t) => {
  const cut = mapped(t);
  truncateSync(cut, 200);
  assert.match(String((await read(cut)).failure), /events\.parquet is Parquet that cannot be read/);
  const mapping = fileWith(t, 'map.yaml', MAPPING);
  const other = await read(fileWith(t, 'events.csv', 'who,what,at\n'), { mapping });
  assert.match(String(other.failure), /events\.csv is not Parquet/);
});
