import assert from 'node:assert/strict';
import { test } from 'node:test';
import { implausibleTime, PLAUSIBLE } from '../../../processors/intake/event-time.ts';

const NEW_YEAR = Date.UTC(2026, 0, 1);

test('a time within the bounds, both included, is one that an event can have', () => {
  for (const time of [PLAUSIBLE.min, NEW_YEAR, PLAUSIBLE.max]) assert.equal(implausibleTime(time, PLAUSIBLE), null);
  assert.notEqual(implausibleTime(PLAUSIBLE.min - 1, PLAUSIBLE), null);
  assert.notEqual(implausibleTime(PLAUSIBLE.max + 1, PLAUSIBLE), null);
});

test('a time in another unit is told by the unit that it looks like', () => {
  const hint = (time: number) => /looks like (\w+) since 1970/.exec(implausibleTime(time, PLAUSIBLE)!)?.[1];
  assert.equal(hint(NEW_YEAR / 1_000), 'seconds');
  assert.equal(hint(NEW_YEAR * 1_000), 'microseconds');
  assert.equal(hint(NEW_YEAR * 1_000_000), 'nanoseconds');
  assert.equal(hint(0), undefined);
  assert.equal(hint(Date.UTC(1999, 11, 31)), undefined);
});

test('the message names the field, the bound and its setting', () => {
  assert.equal(
    implausibleTime(1_767_225_600, PLAUSIBLE, 'sentAt'),
    'sentAt is 1970-01-21T10:53:45.600Z, before 2000-01-01T00:00:00.000Z (eventTime.min): it looks like seconds since 1970, ' +
      'send milliseconds or ISO 8601',
  );
});

test('bounds that are wide open leave out what nothing can be concluded from', () => {
  const wide = { min: 0, max: 8.64e15 };
  assert.equal(implausibleTime(1_767_225_600, wide), null);
  assert.equal(
    implausibleTime(-5, wide),
    'timestamp is 1969-12-31T23:59:59.995Z, before 1970-01-01T00:00:00.000Z (eventTime.min)',
  );
});
