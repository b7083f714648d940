import assert from 'node:assert/strict';
import { test } from 'node:test';
import avsc from 'avsc';
import fc from 'fast-check';
import { RecordError } from '../../lib/errors.ts';
import { avroJsonReader } from '../../schemas/avro-json.ts';
import type { Json } from '../../schemas/json.ts';

const ORDER = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'count', type: 'int' },
    { name: 'cents', type: 'long' },
    { name: 'weight', type: 'double' },
    { name: 'ratio', type: 'float' },
    { name: 'paid', type: 'boolean' },
    { name: 'raw', type: 'bytes' },
    { name: 'code', type: { type: 'fixed', name: 'Code', size: 3 } },
    { name: 'state', type: { type: 'enum', name: 'State', symbols: ['OPEN', 'CLOSED'] } },
    { name: 'tags', type: { type: 'array', items: ['null', 'string'] } },
    { name: 'attributes', type: { type: 'map', values: 'int' } },
    { name: 'parent', type: ['null', 'Order'] },
    { name: 'either', type: ['int', 'long', 'string', 'Code'] },
  ],
};
const orderType = avsc.Type.forSchema(ORDER as avsc.Schema, { wrapUnions: 'always' });

const orders = fc.letrec<{ order: unknown }>((tie) => ({
  order: fc.record({
    id: fc.string({ unit: 'grapheme' }),
    count: fc.integer(),
    cents: fc.maxSafeInteger().map((value) => Math.trunc(value / 4)),
    weight: fc.double({ noNaN: true, noDefaultInfinity: true }),
    ratio: fc.float({ noNaN: true, noDefaultInfinity: true }),
    paid: fc.boolean(),
    raw: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    code: fc.uint8Array({ minLength: 3, maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
    state: fc.constantFrom('OPEN', 'CLOSED'),
    tags: fc.array(fc.option(fc.string().map((string) => ({ string })))),
    // A dictionary whose one key is a branch's name would look like a union to `plain`.
    attributes: fc.dictionary(
      fc.string().map((text) => `a ${text}`),
      fc.integer(),
    ),
    parent: fc.option(
      tie('order').map((order) => ({ 'shop.Order': order })),
      { depthSize: 'small', maxDepth: 4 },
    ),
    either: fc.oneof(
      fc.integer().map((int) => ({ int })),
      fc.string().map((string) => ({ string })),
    ),
  }),
})).order;

/** What the value, as avsc takes it, is as JSON. */
function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [branch, inner] = entries[0] ?? [];
  if (entries.length === 1 && ['int', 'string', 'shop.Order'].includes(branch!)) return plain(inner);
  return Object.fromEntries(entries.map(([name, part]) => [name, plain(part)]));
}

function read(schema: unknown, value: unknown, options: Partial<avsc.ForSchemaOptions> = {}): Json {
  const bytes = avsc.Type.forSchema(schema as avsc.Schema, { wrapUnions: 'always', ...options }).toBuffer(value);
  return avroJsonReader(JSON.stringify(schema))(bytes);
}

function isUnreadable(error: unknown): boolean {
  return error instanceof RecordError && error.code === 'TRG_RECORD_UNREADABLE';
}

test('whatever avsc writes is read as the same values, unions without the names of their branches', () => {
  const reader = avroJsonReader(JSON.stringify(ORDER));
  fc.assert(
    fc.property(orders, (order) => {
      const found = reader(orderType.toBuffer(order));
      assert.deepEqual(JSON.parse(JSON.stringify(found)), JSON.parse(JSON.stringify(plain(order))));
    }),
  );
});

test('wrong bytes are refused, whatever they are, and quickly (J1)', () => {
  const reader = avroJsonReader(JSON.stringify(ORDER));
  let refused = 0;
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), damaged()), (bytes) => {
      let found: unknown;
      try {
        found = reader(bytes);
      } catch (error) {
        assert.ok(isUnreadable(error), String(error));
        refused++;
        return;
      }
      // Bytes that say something else are an order too.
      assert.deepEqual(Object.keys(found as object).sort(), ORDER.fields.map(({ name }) => name).sort());
    }),
    { numRuns: 2_000 },
  );
  assert.ok(refused > 200, `${refused} of 2,000 were refused`);
});

/** An order with some of its bytes changed. */
function damaged(): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(orders, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 }))
    .map(([order, changes]) => {
      const bytes = orderType.toBuffer(order);
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      return bytes;
    });
}

test('a count of more values than a record may have is refused, though they take no bytes (J1)', () => {
  const reader = avroJsonReader(JSON.stringify({ type: 'array', items: 'null' }));
  const many = avsc.Type.forSchema('long').toBuffer(2 ** 40);
  assert.throws(() => reader(Buffer.concat([many, Uint8Array.of(0)])), isUnreadable);
  const few = Buffer.concat([avsc.Type.forSchema('long').toBuffer(3), Uint8Array.of(0)]);
  assert.deepEqual(reader(few), [null, null, null]);
});

test('values nested too deep are refused and do not overflow the stack (J1)', () => {
  const schema = { type: 'record', name: 'Link', fields: [{ name: 'next', type: ['null', 'Link'] }] };
  const reader = avroJsonReader(JSON.stringify(schema));
  const chain = (length: number): Buffer => Buffer.concat([Buffer.alloc(length, 2), Uint8Array.of(0)]);
  assert.deepEqual(reader(chain(2)), { next: { next: { next: null } } });
  assert.throws(() => reader(chain(100_000)), isUnreadable);
});

test('bytes that are left over or missing are refused', () => {
  const reader = avroJsonReader('"string"');
  const bytes = avsc.Type.forSchema('string').toBuffer('text');
  assert.equal(reader(bytes), 'text');
  assert.throws(() => reader(Buffer.concat([bytes, Uint8Array.of(0)])), isUnreadable);
  assert.throws(() => reader(bytes.subarray(0, -1)), isUnreadable);
});

test('longs are numbers as long as numbers are exact, and digits beyond', () => {
  const long = avsc.types.LongType.__with({
    fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
    toBuffer: (value: bigint) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(value);
      return bytes;
    },
    fromJSON: BigInt,
    toJSON: String,
    isValid: (value: unknown) => typeof value === 'bigint',
    compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
  });
  for (const value of [0n, -1n, 63n, -64n, 64n, 2n ** 31n, -(2n ** 41n), 2n ** 48n, -(2n ** 49n), 2n ** 53n - 1n]) {
    assert.equal(read('long', value, { registry: { long } }), Number(value));
  }
  for (const value of [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)]) {
    assert.equal(read('long', value, { registry: { long } }), value.toString());
  }
});

test('logical types become what people write: instants, days, times of day, decimal numbers', () => {
  const at = Date.UTC(2026, 0, 1, 10, 30, 0, 123);
  const cases: readonly [object, unknown, Json][] = [
    [{ type: 'long', logicalType: 'timestamp-millis' }, at, '2026-01-01T10:30:00.123Z'],
    [{ type: 'long', logicalType: 'timestamp-micros' }, at * 1000 + 999, '2026-01-01T10:30:00.123Z'],
    [{ type: 'long', logicalType: 'timestamp-micros' }, -1, '1969-12-31T23:59:59.999Z'],
    [{ type: 'long', logicalType: 'local-timestamp-millis' }, at, '2026-01-01T10:30:00.123'],
    [{ type: 'int', logicalType: 'date' }, 20_454, '2026-01-01'],
    [{ type: 'int', logicalType: 'time-millis' }, 37_800_123, '10:30:00.123'],
    [{ type: 'string', logicalType: 'uuid' }, 'an id', 'an id'],
    [{ type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }, Buffer.from([0x04, 0xd2]), 12.34],
    [{ type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }, Buffer.from([0xff]), -0.01],
    [{ type: 'string', logicalType: 'json' }, '{}', '{}'],
    [{ type: 'string', logicalType: 'timestamp-millis' }, 'ignored', 'ignored'],
    [{ type: 'long', logicalType: 'timestamp-millis' }, 9e15, 9e15],
    [{ type: 'int', logicalType: 'time-millis' }, -5, -5],
  ];
  for (const [schema, value, expected] of cases) assert.equal(read(schema, value), expected);
  const nullable = ['null', { type: 'long', logicalType: 'timestamp-millis' }];
  assert.equal(read(nullable, { long: at }), '2026-01-01T10:30:00.123Z');
});

test('numbers that JSON does not have are null, and a field named __proto__ is a field', () => {
  assert.equal(read('double', Number.NaN), null);
  const found = read({ type: 'map', values: 'int' }, JSON.parse('{"__proto__":1}'));
  assert.deepEqual(Object.entries(found as object), [['__proto__', 1]]);
});

test('a schema may name types of the schemas that it refers to', () => {
  const money = { type: 'record', name: 'Money', namespace: 'bank', fields: [{ name: 'cents', type: 'long' }] };
  const schema = { type: 'record', name: 'Paid', fields: [{ name: 'sum', type: 'bank.Money' }] };
  const reader = avroJsonReader(JSON.stringify(schema), [JSON.stringify(money)]);
  assert.deepEqual(reader(Uint8Array.of(20)), { sum: { cents: 10 } });
  assert.throws(() => avroJsonReader(JSON.stringify(schema)), /undefined type/);
});
