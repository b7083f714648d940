import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDate, parseInstant, parseLocalTime, utcTime } from '../../lib/instant.ts';

const FIRST = Date.parse('0000-01-01T00:00:00.000Z');
const LAST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const anyTime = fc.integer({ min: FIRST, max: LAST });
const two = (value: number): string => String(value).padStart(2, '0');

test('what toISOString writes is read back, for every instant of four-digit years (N2)', () => {
  fc.assert(
    fc.property(anyTime, (time) => {
      const text = new Date(time).toISOString();
      assert.equal(parseInstant(text), time);
      assert.equal(parseLocalTime(text.slice(0, -1)), time);
      assert.equal(parseDate(text.slice(0, 10)), Math.floor(time / 86_400_000) * 86_400_000);
    }),
    { numRuns: 2_000 },
  );
});

test('every way of writing an instant is the moment that Date has for it (N2)', () => {
  const form = fc.record({
    time: anyTime,
    separator: fc.constantFrom('T', 't', ' '),
    digits: fc.constantFrom(0, 1, 2, 3, 6, 9),
    space: fc.constantFrom('', ' '),
    zone: fc.oneof(
      fc.constantFrom('Z', 'z', 'UTC'),
      fc.tuple(fc.constantFrom('+', '-'), fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }), fc.nat(2)),
    ),
  });
  fc.assert(
    fc.property(form, ({ time, separator, digits, space, zone }) => {
      const [date, clock] = new Date(time).toISOString().slice(0, -1).split(/[T.]/) as [string, string];
      const fraction =
        digits === 0
          ? ''
          : `.${String(time % 1_000)
              .replace('-', '')
              .padStart(9, '7')
              .slice(0, digits)}`;
      let [written, canonical] = ['Z', 'Z'];
      if (typeof zone === 'string') written = zone;
      else {
        const [sign, hours, minutes, style] = zone;
        const hasMinutes = style > 0;
        canonical = `${sign}${two(hours)}:${hasMinutes ? two(minutes) : '00'}`;
        written = hasMinutes ? `${sign}${two(hours)}${style === 1 ? ':' : ''}${two(minutes)}` : `${sign}${two(hours)}`;
      }
      const expected = Date.parse(`${date}T${clock}${fraction}${canonical}`);
      assert.ok(!Number.isNaN(expected));
      assert.equal(parseInstant(`${date}${separator}${clock}${fraction}${space}${written}`), expected);
    }),
    { numRuns: 3_000 },
  );
});

test('of all years, months, days and times exactly those that exist are read, by every reader (N1)', () => {
  const fields = fc.tuple(
    fc.oneof(fc.integer({ min: 0, max: 9999 }), fc.constantFrom(0, 1900, 2000, 2023, 2024, 2100)),
    fc.integer({ min: 0, max: 13 }),
    fc.integer({ min: 0, max: 32 }),
    fc.oneof(
      { weight: 3, arbitrary: fc.integer({ min: 0, max: 23 }) },
      { weight: 1, arbitrary: fc.integer({ min: 25, max: 99 }) },
    ),
    fc.oneof(
      { weight: 3, arbitrary: fc.integer({ min: 0, max: 59 }) },
      { weight: 1, arbitrary: fc.integer({ min: 60, max: 99 }) },
    ),
    fc.oneof(
      { weight: 3, arbitrary: fc.integer({ min: 0, max: 59 }) },
      { weight: 1, arbitrary: fc.integer({ min: 61, max: 99 }) },
    ),
  );
  fc.assert(
    fc.property(fields, ([year, month, day, hour, minute, second]) => {
      const text = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
      const clock = `${two(hour)}:${two(minute)}:${two(second)}`;
      const dayExists = exists(`${text}T00:00:00.000Z`);
      const expected = exists(`${text}T${clock}.000Z`) ? Date.parse(`${text}T${clock}.000Z`) : Number.NaN;
      assert.equal(parseDate(text), dayExists ? Date.parse(`${text}T00:00:00.000Z`) : Number.NaN);
      assert.equal(parseInstant(`${text}T${clock}.000Z`), expected);
      assert.equal(parseInstant(`${text} ${clock} UTC`), expected);
      assert.equal(parseLocalTime(`${text}T${clock}`), expected);
      assert.equal(utcTime([year, month, day], [hour, minute, second, 0]), expected);
    }),
    { numRuns: 5_000 },
  );
});

/** Date knows a moment if it writes it as it was read. */
function exists(text: string): boolean {
  const date = new Date(text);
  return !Number.isNaN(date.getTime()) && date.toISOString() === text;
}

test('seconds, fractions and zones may be written in each usual way', () => {
  const instant = Date.UTC(2026, 0, 31, 10, 0, 0);
  for (const text of [
    '2026-01-31T10:00Z',
    '2026-01-31T10:00:00Z',
    '2026-01-31t10:00:00z',
    '2026-01-31T12:00:00+02:00',
    '2026-01-31T12:00:00+02',
    '2026-01-31T05:30-0430',
    '2026-01-31 10:00:00Z',
    '2026-01-31 10:00:00 UTC',
    '2026-01-31 10:00:00+00',
    '2026-01-31 10:00:00.000000 UTC',
    '2026-01-31 11:00:00 +0100',
  ]) {
    assert.equal(parseInstant(text), instant, text);
  }
  assert.equal(parseInstant('2026-01-31T10:00:00.5Z'), instant + 500);
  assert.equal(parseInstant('2026-01-31T10:00:00.123456Z'), instant + 123);
  assert.equal(parseInstant('2026-01-31T10:00:00.9999999Z'), instant + 999, 'cut, not rounded');
});

test('the last days of months are read, and days that do not exist are not (N1)', () => {
  assert.equal(parseInstant('2024-02-29T00:00:00.000Z'), Date.UTC(2024, 1, 29));
  for (const text of ['2026-02-29T00:00:00.000Z', '2026-04-31T00:00:00.000Z', '2026-04-31T00:00:00Z']) {
    assert.ok(Number.isNaN(parseInstant(text)), text);
  }
});

test('24:00 is the end of a day, and no other time has an hour 24', () => {
  assert.equal(parseInstant('2026-01-31T24:00:00Z'), Date.UTC(2026, 1, 1));
  for (const text of ['2026-01-01T24:00:01Z', '2026-01-01T24:01Z', '2026-01-01T24:00:00.001Z']) {
    assert.ok(Number.isNaN(parseInstant(text)), text);
  }
});

test('a leap second is the second after it, and stands only where there can be one', () => {
  assert.equal(parseInstant('2016-12-31T23:59:60Z'), Date.UTC(2017, 0, 1));
  assert.equal(parseInstant('2016-12-31T23:59:60.250Z'), Date.UTC(2017, 0, 1) + 250);
  assert.equal(parseInstant('2017-01-01T08:59:60+09:00'), Date.UTC(2017, 0, 1));
  for (const text of ['2016-12-30T23:59:60Z', '2016-12-31T23:58:60Z', '2016-12-31T23:59:60+09:00']) {
    assert.ok(Number.isNaN(parseInstant(text)), text);
  }
  assert.ok(Number.isNaN(parseLocalTime('2016-12-31T23:59:60')), 'of a local time it is not known');
});

test('local times, dates alone and anything else are not instants', () => {
  const others = [
    '',
    '2026-01-31',
    '2026-01-31T10:00:00',
    '2026-01-31 10:00:00  Z',
    '2026-01-31 10:00:00Z ',
    '2026-01-31_10:00:00Z',
    '2026-01-31T10Z',
    '2026-01-31T10:00:0Z',
    '2026-01-31T10:00:00.Z',
    '2026-01-31T10:00:00.1234567890Z',
    '2026-01-31T10:00:00,5Z',
    '2026-01-31T10:00:00+2',
    '2026-01-31T10:00:00+24:00',
    '2026-01-31T10:00:00+02:60',
    '2026-01-31T10:00:00+02.00',
    '2026-01-31T10:00:00 CET',
    '2026-01-31T10:00:00UTC+1',
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

test('a date is ten characters, a local time has no zone', () => {
  for (const text of ['2026-1-1', '2026-01-01Z', '2026-01-01 ', '20260101', '2026-02-30']) {
    assert.ok(Number.isNaN(parseDate(text)), text);
  }
  for (const text of ['2026-01-01T10:00:00Z', '2026-01-01T10', '2026-01-01T10:00:', '2026-01-01T10:00:0']) {
    assert.ok(Number.isNaN(parseLocalTime(text)), text);
  }
  assert.equal(parseLocalTime('2026-01-01 10:00'), Date.UTC(2026, 0, 1, 10));
});
