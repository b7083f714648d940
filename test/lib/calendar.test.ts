import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dayOfYear, isoWeekday, localFields } from '../../lib/calendar.ts';

const iso = (text: string, zone: string): string => localFields(new Date(text), zone).toISOString().slice(0, 19);

test('local fields follow the zone, over its changes to and from summer time', () => {
  assert.equal(iso('2026-03-29T00:59:59Z', 'Europe/Berlin'), '2026-03-29T01:59:59');
  assert.equal(iso('2026-03-29T01:00:00Z', 'Europe/Berlin'), '2026-03-29T03:00:00');
  assert.equal(iso('2026-10-25T00:59:59Z', 'Europe/Berlin'), '2026-10-25T02:59:59');
  assert.equal(iso('2026-10-25T01:00:00Z', 'Europe/Berlin'), '2026-10-25T02:00:00');
  assert.equal(iso('2026-01-01T12:00:00Z', 'Asia/Kathmandu'), '2026-01-01T17:45:00');
  assert.equal(iso('1911-01-01T12:00:00Z', 'Europe/Paris'), '1911-01-01T12:09:21');
});

test('what was asked before changes no answer', () => {
  const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu'];
  const moments = fc.array(fc.integer({ min: 0, max: 2_000_000_000 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.constantFrom(...zones), moments, (zone, seconds) => {
      for (const one of seconds) {
        const moment = new Date(one * 1000);
        const text = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
        assert.equal(localFields(moment, zone).toISOString().slice(0, 19).replace('T', ' '), text.format(moment));
      }
    }),
    { numRuns: 300 },
  );
});

test('weekdays count from Monday 1, days of the year from 0', () => {
  assert.deepEqual(
    [5, 11].map((day) => isoWeekday(new Date(Date.UTC(2026, 0, day)))),
    [1, 7],
  );
  assert.deepEqual([dayOfYear(new Date('2024-01-01')), dayOfYear(new Date('2024-12-31T23:59:59Z'))], [0, 365]);
});
