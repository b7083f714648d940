import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AvroReader, avroBytes } from '../../../schemas/avro-bytes.ts';
import { SeenIds } from '../../../state/entity/seen-ids.ts';

test('an id is seen the second time', () => {
  const seen = new SeenIds();
  assert.equal(seen.check('a', 10, 0, 100), false);
  assert.equal(seen.check('b', 10, 0, 100), false);
  assert.equal(seen.check('a', 10, 0, 100), true);
});

test('an id older than the window is new again', () => {
  const seen = new SeenIds();
  seen.check('a', 10, 0, 100);
  assert.equal(seen.check('a', 40, 10, 100), true);
  assert.equal(seen.check('a', 41, 11, 100), false);
});

test('only the newest ids are kept', () => {
  const seen = new SeenIds();
  for (let i = 0; i < 10; i++) seen.check(`id${i}`, i, 0, 5);
  assert.equal(seen.size, 5);
  assert.equal(seen.check('id5', 5, 0, 5), true);
  assert.equal(seen.check('id4', 4, 0, 5), false);
});

test('what was seen survives its bytes', () => {
  const seen = new SeenIds();
  for (let i = 0; i < 100; i++) seen.check(`id${i}`, i, 0, 1_000);
  const again = SeenIds.decode(new AvroReader().over(avroBytes((out) => seen.encode(out))));
  for (let i = 0; i < 100; i++) assert.equal(again.check(`id${i}`, i, 0, 1_000), true);
  assert.equal(again.check('other', 1, 0, 1_000), false);
});
