import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from '../../lib/duration.ts';

test('each unit is read, alone and together', () => {
  const durations: readonly [string, number][] = [
    ['250ms', 250],
    ['90s', 90_000],
    ['5m', 300_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['0s', 0],
  ];
  for (const [text, ms] of durations) assert.equal(parseDuration(text), ms, text);
});

test('what is no duration is null', () => {
  for (const text of ['', '5', '5 m', '-5m', 'm', '5x', '5min', '1h 30m', '0.0001s', '999999999999w']) {
    assert.equal(parseDuration(text), null, text);
  }
});

test('every duration is written so that it reads back', () => {
  assert.equal(formatDuration(5_400_000), '1h30m');
  assert.equal(formatDuration(0), '0s');
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 ** 12 }), (ms) => {
      assert.equal(parseDuration(formatDuration(ms)), ms);
    }),
  );
});
