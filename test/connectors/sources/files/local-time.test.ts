import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileTimeFormat } from '../../../../connectors/sources/files/local-time.ts';

const FORMAT = 'YYYY-MM-DD HH:mm:ss';
const iso = (ms: number): string => (Number.isNaN(ms) ? 'none' : new Date(ms).toISOString());

test('tokens are read in any order, with what stands between them', () => {
  assert.equal(
    iso(compileTimeFormat('DD.MM.YYYY HH:mm:ss.SSS', 'UTC')('31.12.2024 23:59:58.007')),
    '2024-12-31T23:59:58.007Z',
  );
  assert.equal(iso(compileTimeFormat('YYYYMMDDTHHmmss', 'UTC')('20240229T010203')), '2024-02-29T01:02:03.000Z');
  assert.equal(iso(compileTimeFormat('YYYY/MM/DD', 'UTC')('2024/02/29')), '2024-02-29T00:00:00.000Z');
});

test('what is not such a time is refused', () => {
  const parse = compileTimeFormat(FORMAT, 'UTC');
  for (const text of [
    '',
    '2024-01-04',
    '2024-13-04 00:00:00',
    '2023-02-29 00:00:00',
    '2024-01-04 24:00:00',
    ' 2024-01-04 00:00:00',
  ]) {
    assert.equal(iso(parse(text)), 'none', text);
  }
});

test('local times follow the zone through summer and winter', () => {
  const parse = compileTimeFormat(FORMAT, 'Europe/Berlin');
  assert.equal(iso(parse('2024-01-15 12:00:00')), '2024-01-15T11:00:00.000Z');
  assert.equal(iso(parse('2024-07-15 12:00:00')), '2024-07-15T10:00:00.000Z');
});

test('a local time that happens twice is the first, one that is skipped is as much later (Z1)', () => {
  const parse = compileTimeFormat(FORMAT, 'Europe/Berlin');
  assert.equal(iso(parse('2024-03-31 01:59:59')), '2024-03-31T00:59:59.000Z');
  assert.equal(iso(parse('2024-03-31 02:30:00')), '2024-03-31T01:30:00.000Z');
  assert.equal(iso(parse('2024-03-31 03:00:00')), '2024-03-31T01:00:00.000Z');
  assert.equal(iso(parse('2024-10-27 02:30:00')), '2024-10-27T00:30:00.000Z');
  assert.equal(iso(parse('2024-10-27 03:00:00')), '2024-10-27T02:00:00.000Z');
});

test('ISO times keep their own offset, and take the zone when they have none', () => {
  const parse = compileTimeFormat('iso', 'America/New_York');
  assert.equal(iso(parse('2024-07-01T12:00:00+02:00')), '2024-07-01T10:00:00.000Z');
  assert.equal(iso(parse('2024-07-01T12:00:00')), '2024-07-01T16:00:00.000Z');
  assert.equal(iso(parse('2024-07-01 12:00:00.250')), '2024-07-01T16:00:00.250Z');
  assert.equal(iso(parse('2024-07-01')), '2024-07-01T04:00:00.000Z');
  assert.equal(iso(parse('yesterday')), 'none');
});

test('the ways in which databases and languages write an instant are ISO times too', () => {
  const parse = compileTimeFormat('iso', 'America/New_York');
  for (const text of [
    '2019-10-01 00:00:00 UTC',
    '2019-10-01 00:00:00+00',
    '2019-10-01 00:00:00 +0000',
    '2019-10-01t00:00:00z',
  ]) {
    assert.equal(iso(parse(text)), '2019-10-01T00:00:00.000Z', text);
  }
  for (const text of ['2019-02-30 00:00:00 UTC', '2019-02-30', '2019-02-30 00:00:00', '2019-10-01 00:00:60']) {
    assert.equal(iso(parse(text)), 'none', text);
  }
});

test('seconds and milliseconds since 1970 are numbers only', () => {
  assert.equal(compileTimeFormat('epoch-ms', 'UTC')('1704368738000'), 1_704_368_738_000);
  assert.equal(compileTimeFormat('epoch-s', 'UTC')('1704368738.5'), 1_704_368_738_500);
  assert.equal(iso(compileTimeFormat('epoch-s', 'UTC')('1e9')), 'none');
});

test('a format without a full date, with a token twice or an unknown letter is refused', () => {
  assert.throws(() => compileTimeFormat('HH:mm', 'UTC'), /YYYY is missing/);
  assert.throws(() => compileTimeFormat('YYYY-MM-DD MM', 'UTC'), /MM is in the format twice/);
  assert.throws(() => compileTimeFormat('yyyy-MM-DD', 'UTC'), /"y" in the format is not known/);
  assert.throws(() => compileTimeFormat(FORMAT, 'Mars/Olympus'), RangeError);
});
