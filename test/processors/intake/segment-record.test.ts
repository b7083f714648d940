import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RecordError } from '../../../lib/errors.ts';
import { decode } from '../../../processors/intake/decode.ts';
import { JsonFields } from '../../../processors/intake/json-fields.ts';
import { type Normalised, normalise, type Origin } from '../../../processors/intake/normalise.ts';
import { SegmentReader } from '../../../processors/intake/segment-record.ts';
import type { SourceFormat } from '../../../processors/intake/source-format.ts';

const SOURCE: SourceFormat = { topic: 'events', format: 'segment', keyed: false, entity: 'user' };
const ORIGIN: Origin = { fallbackId: () => 'made-up', recordTime: 5_000 };
const NAMES = ['type', 'event', 'properties'];

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '"', '\\', '\u0000', 'é', '😀', '\ud800'),
);
const json = fc.jsonValue({ maxDepth: 4 });
/** White space wherever JSON may have it. */
const spaces = fc.constantFrom(undefined, 1, '\t', '\r\n');

/** Mostly the fields of a track call, mostly of the right kind. */
const message = fc.dictionary(
  fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom('type', 'event', 'userId', 'anonymousId', 'messageId', 'timestamp') },
    { weight: 3, arbitrary: fc.constantFrom('properties', 'traits', 'context') },
    { weight: 1, arbitrary: text },
  ),
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.constantFrom('track', 'add_to_cart', 'u1', '2026-01-01T00:00:00.000Z', '2026-02-30T00:00:00Z'),
    },
    { weight: 2, arbitrary: fc.oneof(text, fc.constant(null), fc.integer(), fc.double()) },
    { weight: 2, arbitrary: fc.dictionary(text, json) },
    { weight: 1, arbitrary: json },
  ),
  { minKeys: 4 },
);
const track = message.map((fields) => ({ type: 'track', event: 'paid', userId: 'u1', timestamp: 7, ...fields }));
const id = fc.oneof(fc.constantFrom('u1', 'Käse', '"9"'), fc.string({ minLength: 1 }));
const usualMessage = fc.record(
  {
    type: fc.constantFrom('track', null),
    event: id,
    userId: id,
    anonymousId: fc.oneof(id, fc.constant(null)),
    messageId: id,
    timestamp: fc.constantFrom('2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00+01:00', 7, 1.5),
    properties: fc.oneof(fc.dictionary(text, json, { maxKeys: 3 }), fc.constant(null)),
    traits: fc.constant({}),
    context: fc.dictionary(text, json, { maxKeys: 3 }),
  },
  { requiredKeys: ['event', 'userId'] },
);
const written = fc
  .tuple(fc.oneof(message, track, usualMessage), spaces)
  .map(([value, space]) => JSON.stringify(value, null, space));
/** Text that is nearly JSON. */
const damaged = fc
  .tuple(
    written,
    fc.nat(),
    fc.nat(3),
    fc.constantFrom('', '"', ',', '}', '{', '\\u12', '0', '-', '1e', '01', 'nul', '\u0001', ' '),
  )
  .map(([whole, at, gone, put]) => {
    const from = at % (whole.length + 1);
    return whole.slice(0, from) + put + whole.slice(from + gone);
  });

function parsed(bytes: Buffer): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(bytes.toString('utf8')) };
  } catch {
    return null;
  }
}

test('what is accepted is JSON, and the fields found are those that JSON.parse() finds (J1)', () => {
  const fields = new JsonFields(NAMES);
  let accepted = 0;
  fc.assert(
    fc.property(
      fc.oneof(
        written,
        damaged,
        json.map((value) => JSON.stringify(value)),
      ),
      (whole) => {
        const bytes = Buffer.from(whole);
        const expected = parsed(bytes);
        if (!fields.read(bytes)) return;
        accepted++;
        assert.ok(expected !== null, 'it is not JSON');
        for (const [field, name] of NAMES.entries()) {
          const value: unknown = (expected.value as Record<string, unknown>)[name];
          if (fields.kind(field) === undefined) assert.equal(value, undefined);
          else assert.deepEqual(parsed(bytes.subarray(fields.start(field), fields.end(field))), { value });
        }
      },
    ),
    { numRuns: 1_000 },
  );
  assert.ok(accepted > 200, `only ${accepted} were accepted`);
});

test('bytes that are not UTF-8 are accepted where JSON.parse() accepts them, and nowhere else (J1)', () => {
  const fields = new JsonFields(NAMES);
  fc.assert(
    fc.property(written, fc.nat(), fc.integer({ min: 0x80, max: 0xff }), (whole, at, byte) => {
      const bytes = Buffer.from(whole);
      bytes[at % bytes.length] = byte;
      if (fields.read(bytes)) assert.ok(parsed(bytes) !== null);
    }),
  );
});

test('nesting beyond the bound is left to whoever refuses it (J2)', () => {
  const nested = (levels: number) => Buffer.from(`{"properties":${'['.repeat(levels)}${']'.repeat(levels)}}`);
  const fields = new JsonFields(NAMES);
  assert.equal(fields.read(nested(99)), true);
  assert.equal(fields.read(nested(100)), false);
});

const plain = ({ entityId, others, event }: Normalised) => ({ entityId, others, event: event.toJson() });

function usual(bytes: Buffer): Normalised | null {
  try {
    return normalise(decode({ offset: 0, timestamp: 0, key: null, value: bytes, headers: [] }, SOURCE), SOURCE, ORIGIN);
  } catch (error) {
    assert.ok(error instanceof RecordError);
    return null;
  }
}

function eventIn(reader: SegmentReader, bytes: Buffer): Normalised | null {
  const found = reader.read(bytes, ORIGIN);
  assert.ok(typeof found !== 'number');
  return found;
}

test('a record that is read without parsing is the event that parsing makes of it (G1), or its time where nobody asks for it (G2)', () => {
  const reader = new SegmentReader();
  let read = 0;
  fc.assert(
    fc.property(fc.oneof({ weight: 4, arbitrary: written }, damaged), (whole) => {
      const bytes = Buffer.from(whole);
      const event = eventIn(reader, bytes);
      const time = reader.read(bytes, ORIGIN, () => false);
      assert.equal(time, event?.event.time ?? null);
      if (event === null) return;
      read++;
      const expected = usual(bytes);
      assert.ok(expected !== null, 'it is refused when it is parsed');
      assert.deepEqual(plain(event), plain(expected));
    }),
    { numRuns: 1_500 },
  );
  assert.ok(read > 100, `only ${read} were read`);
});

test('a usual event is read without parsing, and its data are as they were sent', () => {
  const sent = {
    ...{ messageId: 'm1', type: 'track', userId: 'u1', event: 'add_to_cart', timestamp: '2026-01-01T00:00:00.000Z' },
    ...{ properties: { value: 1.5, name: 'Käse "9"' }, context: { locale: 'de' } },
  };
  const { entityId, event } = eventIn(new SegmentReader(), Buffer.from(JSON.stringify(sent, null, 1)))!;
  assert.equal(entityId, 'u1');
  assert.deepEqual(event.toJson(), { ...sent, anonymousId: null, traits: {} });
  assert.deepEqual(event.packed().properties, sent.properties);
});
