import assert from 'node:assert/strict';
import { it } from 'node:test';
import { calendarNumber, nextLocalTime, quietUntil, zoneOf } from './local-time.ts';

const BERLIN = 'Europe/Berlin';
const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
const next = (from: string, time: string, days?: string[], zone = BERLIN): string | null =>
  iso(nextLocalTime(Date.parse(from), time, days, zone));

it('the next local time is at or after the moment', () => {
  assert.equal(next('2026-01-01T08:00:00Z', '09:00'), '2026-01-01T08:00:00.000Z');
  assert.equal(next('2026-01-01T08:00:00.001Z', '09:00'), '2026-01-02T08:00:00.000Z');
  assert.equal(next('2026-01-01T23:30:00Z', '00:07'), '2026-01-02T23:07:00.000Z');
});

it('the next local time is on one of the days', () => {
  assert.equal(next('2026-01-01T00:00:00Z', '09:00', ['sun']), '2026-01-04T08:00:00.000Z');
  assert.equal(next('2026-01-04T08:00:01Z', '09:00', ['sun']), '2026-01-11T08:00:00.000Z');
});

it('a time that the clock skips is the moment of the change', () => {
  assert.equal(next('2026-03-28T12:00:00Z', '02:30'), '2026-03-29T01:00:00.000Z');
  assert.equal(next('2026-03-29T01:00:00Z', '02:30'), '2026-03-29T01:00:00.000Z');
  assert.equal(next('2026-03-29T01:00:00.001Z', '02:30'), '2026-03-30T00:30:00.000Z');
});

it('of a time that the clock shows twice it is the first', () => {
  assert.equal(next('2026-10-24T12:00:00Z', '02:30'), '2026-10-25T00:30:00.000Z');
  assert.equal(next('2026-10-25T00:30:01Z', '02:30'), '2026-10-26T01:30:00.000Z');
});

it('a zone with a quarter of an hour is met to the minute', () => {
  assert.equal(next('2026-01-01T00:00:00Z', '09:07', undefined, 'Asia/Kathmandu'), '2026-01-01T03:22:00.000Z');
});

it('quiet hours end at the first moment that is not quiet', () => {
  const quiet = (at: string, from: string, to: string): string | null =>
    iso(quietUntil(Date.parse(at), from, to, BERLIN));
  assert.equal(quiet('2026-01-01T20:00:00Z', '21:00', '08:00'), '2026-01-02T07:00:00.000Z');
  assert.equal(quiet('2026-01-02T07:00:00Z', '21:00', '08:00'), null);
  assert.equal(quiet('2026-01-01T19:59:59.999Z', '21:00', '08:00'), null);
  assert.equal(quiet('2026-01-01T20:00:00.001Z', '21:00', '22:07'), '2026-01-01T21:07:00.000Z');
  assert.equal(quiet('2026-03-29T00:30:00Z', '01:00', '02:30'), '2026-03-29T01:00:00.000Z');
  assert.equal(quiet('2026-10-25T00:10:00Z', '02:00', '02:30'), '2026-10-25T00:30:00.000Z');
  assert.equal(quiet('2026-10-25T01:10:00Z', '02:00', '02:30'), '2026-10-25T01:30:00.000Z');
});

it('days and weeks are numbered by the local calendar', () => {
  const week = (at: string): number => calendarNumber(Date.parse(at), 'week', 'UTC');
  assert.equal(week('2026-01-05T00:00:00Z'), week('2026-01-11T23:59:59Z'));
  assert.equal(week('2026-01-04T23:59:59Z'), week('2026-01-05T00:00:00Z') - 1);
  const day = (at: string): number => calendarNumber(Date.parse(at), 'day', BERLIN);
  assert.equal(day('2026-01-01T22:59:59Z'), day('2026-01-01T23:00:00Z') - 1);
});

it('where the attribute names no zone it is UTC', () => {
  assert.equal(zoneOf(undefined, { timezone: BERLIN }), BERLIN);
  assert.equal(zoneOf('profile.zone', { zone: 'Mars/Base' }), 'UTC');
  assert.equal(zoneOf('profile.zone', {}), 'UTC');
  assert.equal(zoneOf('Asia/Tokyo', { timezone: BERLIN }), 'Asia/Tokyo');
});
