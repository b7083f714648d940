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

test('text in single quotes stands for itself, and two of them for one', () => {
  const parse = compileTimeFormat("'on' YYYY-MM-DD 'at' HH 'o''clock'", 'UTC');
  assert.equal(iso(parse("on 2024-02-29 at 15 o'clock")), '2024-02-29T15:00:00.000Z');
  assert.equal(iso(parse('on 2024-02-29 at 15 o clock')), 'none');
  assert.equal(iso(compileTimeFormat("YYYY-MM-DD'Z'", 'Europe/Berlin')('2024-01-01Z')), '2023-12-31T23:00:00.000Z');
});

test('Z is a zone of the text itself, which counts instead of that of the mapping', () => {
  const parse = compileTimeFormat('YYYY-MM-DD HH:mm:ss Z', 'America/New_York');
  for (const zone of ['Z', 'UTC', 'GMT', '+00', '+0000', '-00:00']) {
    assert.equal(iso(parse(`2019-10-01 00:00:00 ${zone}`)), '2019-10-01T00:00:00.000Z', zone);
  }
  assert.equal(iso(parse('2019-10-01 00:00:00 +05:30')), '2019-09-30T18:30:00.000Z');
  assert.equal(iso(parse('2019-10-01 00:00:00 -0330')), '2019-10-01T03:30:00.000Z');
  for (const zone of ['', 'CEST', '+5', '+24', '+01:60', 'z']) {
    assert.equal(iso(parse(`2019-10-01 00:00:00 ${zone}`)), 'none', zone);
  }
});

test('what spreadsheets and web servers write is read: short days, halves of a day, names of months, microseconds', () => {
  const excel = compileTimeFormat('M/D/YYYY h:mm A', 'UTC');
  assert.equal(iso(excel('1/2/2024 12:05 AM')), '2024-01-02T00:05:00.000Z');
  assert.equal(iso(excel('11/12/2024 12:05 PM')), '2024-11-12T12:05:00.000Z');
  assert.equal(iso(excel('1/2/2024 1:05 p.m.')), '2024-01-02T13:05:00.000Z');
  assert.equal(iso(excel('1/2/2024 13:05 PM')), 'none');
  assert.equal(iso(excel('1/2/2024 0:05 PM')), 'none');
  const apache = compileTimeFormat('DD/MMM/YYYY:HH:mm:ss Z', 'UTC');
  assert.equal(iso(apache('01/Oct/2019:13:55:36 -0700')), '2019-10-01T20:55:36.000Z');
  assert.equal(iso(apache('01/Okt/2019:13:55:36 -0700')), 'none');
  const micro = compileTimeFormat('YYYY-MM-DD HH:mm:ss.SSSSSS', 'UTC');
  assert.equal(iso(micro('2024-01-02 03:04:05.678999')), '2024-01-02T03:04:05.678Z');
});

test('a format that cannot be meant is refused in words', () => {
  const refused = (format: string): string => {
    try {
      compileTimeFormat(format, 'UTC');
    } catch (error) {
      return (error as Error).message;
    }
    return 'none';
  };
  assert.equal(refused("YYYY-MM-DD 'at HH"), "a ' in the format is not closed");
  assert.equal(refused('YYYY-MM-DD hh:mm'), 'hh and A belong together in the format');
  assert.equal(refused('YYYY-MM-DD HH:mm A'), 'hh and A belong together in the format');
  assert.equal(refused('YYYY-MM-M-DD'), 'M is in the format twice');
  assert.equal(refused('YYYY-MM MMM-DD'), 'the format has a field in two ways');
  assert.equal(refused('yyyy-MM-dd'), '"y" in the format is not known');
});
