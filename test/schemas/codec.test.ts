import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { CHANNEL_IDS } from '../../connectors/channels/index.ts';
import { EngineError, FatalError, RecordError } from '../../lib/errors.ts';
import { AvroReader, avroBytes } from '../../schemas/avro-bytes.ts';
import { avroCodec, framedCodec, schemaJson, stateCodec } from '../../schemas/codec.ts';
import type { Decision } from '../../schemas/decision.ts';
import { Event, type EventRecord } from '../../schemas/event.ts';
import { decisionCodec } from '../../schemas/framed.ts';
import { publicSchemas } from '../../topology/public-schemas.ts';

/** Test-only schemas: version 3 of a message, which only grew, with those before. */
const MESSAGE = '../test/schemas/fixtures/message';
/** Version 2 of a note, and version 1 as it once was. */
const NOTE = '../test/schemas/fixtures/note';

const DECISION: Decision = {
  id: 'd1',
  rule: 'cart',
  ruleVersion: 'abc',
  entity: { type: 'user', id: 'u1' },
  at: 1_767_225_600_123,
  outcome: 'suppressed',
  reason: 'cooldown',
  events: ['m1', 'm2'],
  values: { 'profile.plan': null, nested: { list: [1, 'two', { three: 3.5 }] }, text: '"quoted" ü' },
  variant: null,
  flow: null,
  step: 0,
  passedOver: [],
  gathered: [],
  digest: null,
};

function unreadable(error: unknown): boolean {
  assert.ok(error instanceof RecordError);
  return error.code === 'TRG_RECORD_UNREADABLE';
}

test('a framed record begins with a zero byte and the schema’s id, and JSON in it is read as what it was', () => {
  const bytes = decisionCodec.encode(DECISION);
  assert.deepEqual([...bytes.subarray(0, 5)], [0, 0, 0, 0, 1]);
  assert.deepEqual(JSON.parse(JSON.stringify(decisionCodec.decode(bytes))), DECISION);
});

test('the same value gives the same bytes (A1)', () => {
  assert.deepEqual(decisionCodec.encode(DECISION), decisionCodec.encode(structuredClone(DECISION)));
  assert.deepEqual(
    decisionCodec.encode(decisionCodec.decode(decisionCodec.encode(DECISION))),
    decisionCodec.encode(DECISION),
  );
});

test('the id in the frame is four bytes, big-endian', () => {
  const codec = framedCodec<{ text: string; tags: string[] }>(NOTE, 0x01020304);
  assert.deepEqual([...codec.encode({ text: '', tags: [] }).subarray(0, 5)], [0, 1, 2, 3, 4]);
});

test('bytes that are not framed, too short or of something else are refused as unreadable', () => {
  const bytes = decisionCodec.encode(DECISION);
  assert.throws(() => decisionCodec.decode(bytes.subarray(1)), unreadable);
  assert.throws(() => decisionCodec.decode(new Uint8Array(3)), unreadable);
  assert.throws(() => decisionCodec.decode(bytes.subarray(0, 20)), unreadable);
});

test('bytes are read from a view into a larger buffer, whatever kind of Uint8Array it is', () => {
  const bytes = decisionCodec.encode(DECISION);
  const larger = new Uint8Array(bytes.length + 20);
  larger.set(bytes, 7);
  assert.equal(decisionCodec.decode(larger.subarray(7, 7 + bytes.length)).id, 'd1');
});

test('framed records of older versions are read, whatever their ids, with defaults for what they have not (A3)', () => {
  const codec = framedCodec<{ text: string; tags: readonly string[]; from: string | null }>(MESSAGE, 9);
  const framed = (version: string, value: object): Uint8Array =>
    Buffer.concat([Uint8Array.of(0, 0, 0, 0, 200), avroCodec<object>(`${MESSAGE}${version}`).encode(value)]);
  const cases: readonly [Uint8Array, object][] = [
    [framed('.v1', { text: 'a' }), { text: 'a', tags: [], from: null }],
    [framed('.v2', { text: 'b', tags: ['x'] }), { text: 'b', tags: ['x'], from: null }],
    [framed('', { text: 'c', tags: [], from: 'me' }), { text: 'c', tags: [], from: 'me' }],
  ];
  for (const [bytes, expected] of cases) assert.deepEqual({ ...codec.decode(bytes) }, expected);
  assert.throws(() => codec.decode(Uint8Array.of(0, 0, 0, 0, 200, 8, 97)), unreadable);
});

test('each version of a public schema begins with all fields of the one before, and adds only such with a default (A3)', () => {
  const names = new Set(publicSchemas('tripline', CHANNEL_IDS).map(({ name }) => name));
  const fieldsOf = (name: string): { name: string; type: unknown; default?: unknown }[] =>
    JSON.parse(schemaJson(name)).fields;
  for (const name of [...names, MESSAGE]) {
    const files = [1, 2, 3].map((version) => `${name}.v${version}`).filter((file) => exists(file));
    for (const [index, file] of files.entries()) {
      const before = fieldsOf(file);
      const after = fieldsOf(files[index + 1] ?? name);
      assert.deepEqual(
        after.slice(0, before.length).map(({ name: field, type }) => ({ field, type })),
        before.map(({ name: field, type }) => ({ field, type })),
      );
      for (const added of after.slice(before.length)) assert.ok('default' in added, `${name}: ${added.name}`);
    }
  }
});

/** The state codec of the note, bytes by bytes. */
function noteCodec<Value>() {
  const codec = stateCodec<Value>(NOTE);
  return {
    encode: (value: Value): Buffer => avroBytes((out) => codec.write(value, out)),
    decode: (bytes: Uint8Array): Value => codec.read(new AvroReader().over(bytes)),
  };
}

function exists(name: string): boolean {
  return existsSync(new URL(`../../schemas/${name}.avsc`, import.meta.url));
}

test('state begins with its schema’s version, and an older version’s is read: lost fields go, new ones take their default (A2)', () => {
  const codec = noteCodec<{ text: string; tags: string[] }>();
  const current = codec.encode({ text: 'hello', tags: ['a'] });
  assert.equal(current[0], 2);
  assert.deepEqual({ ...codec.decode(current) }, { text: 'hello', tags: ['a'] });
  const before = avroCodec<{ author: string; text: string }>(`${NOTE}.v1`);
  const old = Buffer.concat([Uint8Array.of(1), before.encode({ author: 'me', text: 'older' })]);
  assert.deepEqual({ ...codec.decode(old) }, { text: 'older', tags: [] });
});

test('state of a version that is not known is a reason to stop, and says which', () => {
  const codec = noteCodec<unknown>();
  assert.throws(
    () => codec.decode(Uint8Array.of(9, 0, 0)),
    (error) => {
      assert.ok(error instanceof FatalError);
      assert.equal(error.code, 'TRG_STATE_MISMATCH');
      assert.match(error.message, /version 9 .* up to 2/);
      return true;
    },
  );
  assert.throws(() => codec.decode(new Uint8Array(0)), EngineError);
});

test('an event through its envelope keeps every field, and its JSON parts stay bytes until they are read (E1)', () => {
  const codec = avroCodec<EventRecord>('events/event');
  const event = new Event({
    messageId: 'm1',
    type: 'track',
    event: 'purchase',
    userId: 'u1',
    anonymousId: null,
    time: 1_000,
    properties: { value: 9.5 },
  });
  const record = codec.decode(codec.encode(event.toRecord()));
  assert.ok(record.properties instanceof Uint8Array);
  assert.equal(record.traits, null);
  assert.deepEqual(Event.fromRecord(record).toJson(), event.toJson());
  assert.equal(Event.fromRecord(record).toRecord().properties, record.properties);
});

test('an event kept packed, or without data, says the same of itself otherwise', () => {
  const make = (): Event =>
    new Event({
      messageId: 'm1',
      type: 'identify',
      event: 'identify',
      userId: null,
      anonymousId: 'a1',
      time: 1_000,
      traits: { plan: 'pro', list: [1] },
    });
  assert.deepEqual(make().packed().toJson(), make().toJson());
  assert.deepEqual(make().packed().toRecord(), make().toRecord());
  assert.deepEqual(make().withoutData().toJson(), { ...make().toJson(), traits: {} });
});

test('a value larger than any before it is encoded whole, and what was encoded earlier stays as it was', () => {
  const codec = noteCodec<{ text: string; tags: string[] }>();
  const small = codec.encode({ text: 'small', tags: [] });
  const before = Buffer.from(small);
  const large = { text: 'ü'.repeat(300_000), tags: ['end'] };
  assert.deepEqual({ ...codec.decode(codec.encode(large)) }, large);
  assert.deepEqual(Buffer.from(small), before);
});
