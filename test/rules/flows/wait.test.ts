import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorsOf } from '../kit.ts';

const errorsOfUntil = (until: string) =>
  errorsOf(`{ id: a, when: { event: e }, then: [{ wait: { until: ${until} } }] }`);

test('a time of day that is none is told so, and is not read as an expression', () => {
  for (const until of ['"9:00"', '"25:00"', '"09:00:00"']) {
    assert.deepEqual(errorsOfUntil(until), [
      `rule.yaml:1:55: ${until} is no time of day (two digits each, such as "09:00")`,
    ]);
  }
  assert.deepEqual(errorsOfUntil('"09:00"'), []);
  assert.deepEqual(errorsOfUntil('profile.endsAt'), []);
});
