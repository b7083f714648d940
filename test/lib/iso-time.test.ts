import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseInstant } from '../../lib/iso-time.ts';

test('what toISOString writes is read back, for every instant of four-digit years', () => {
  const first = Date.UTC(1970, 0, 1);
  const last = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
  fc.assert(
    fc.property(fc.integer({ min: first, max: last }), (time) => {
      assert.equal(parseInstant(new Date(time).toISOString()), time);
    }),
    { numRuns: 2_000 },
  );
});

test('seconds, fractions and zones may be written in each usual way', () => {
  const instant = Date.UTC(2026, 0, 31, 10, 0, 0);
  for (const text of [
    '2026-01-31T10:00Z',
    '2026-01-31T10:00:00Z',
    '2026-01-31T12:00:00+02:00',
    '2026-01-31T05:30-0430',
  ]) {
    assert.equal(parseInstant(text), instant, text);
  }
  assert.equal(parseInstant('2026-01-31T10:00:00.5Z'), instant + 500);
  assert.equal(parseInstant('2026-01-31T10:00:00.123456Z'), instant + 123);
});

test('the last days of months are read, and days that do not exist are not', () => {
  assert.equal(parseInstant('2024-02-29T00:00:00.000Z'), Date.UTC(2024, 1, 29));
  for (const text of ['2026-02-29T00:00:00.000Z', '2026-04-31T00:00:00.000Z', '2026-04-31T00:00:00Z']) {
    assert.ok(Number.isNaN(parseInstant(text)), text);
  }
});

test('local times, dates alone and anything else are not instants', () => {
  const others = [
    '',
    '2026-01-31',
    '2026-01-31T10:00:00',
    '2026-01-31 10:00:00Z',
    '2026-13-01T00:00:00.000Z',
    '2026-00-01T00:00:00.000Z',
    '2026-01-01T24:01:00.000Z',
    '2026-01-01T00:60:00.000Z',
    '2026-01-01T00:00:61.000Z',
    '2026/01-01T00:00:00.000Z',
    'x026-01-01T00:00:00.000Z',
    '1767225600000',
    'Thu, 01 Jan 2026 00:00:00 GMT',
  ];
  for (const text of others) assert.ok(Number.isNaN(parseInstant(text)), text);
});
