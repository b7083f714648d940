import assert from 'node:assert/strict';
import test from 'node:test';
import { avroCodec } from '../../schemas/codec.ts';
import { type DeadLetter, deadLetter } from '../../schemas/dead-letter.ts';

test('a dead letter keeps the very bytes of its record, also through Avro (L1)', () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const letter = deadLetter(
    {
      topic: 'events.shop',
      partition: 3,
      record: {
        offset: 42,
        key: bytes('u1'),
        value: Uint8Array.of(0, 255),
        headers: [
          ['a', bytes('1')],
          ['a', bytes('2')],
        ],
      },
    },
    'TRG_RECORD_UNREADABLE',
    'not JSON',
    1_000,
  );
  const codec = avroCodec<DeadLetter>('dead-letter');
  assert.deepEqual(structuredClone(codec.decode(codec.encode(letter))), structuredClone(letter));
  assert.deepEqual([...letter.value!], [0, 255]);
  assert.deepEqual(
    letter.headers.map(({ name, value }) => `${name}=${Buffer.from(value)}`),
    ['a=1', 'a=2'],
  );
});

test('a record without key and value stays without', () => {
  const letter = deadLetter(
    { topic: 't', partition: 0, record: { offset: 0, key: null, value: null, headers: [] } },
    'TRG_RECORD_INVALID',
    'empty',
    5,
  );
  const codec = avroCodec<DeadLetter>('dead-letter');
  assert.equal(codec.decode(codec.encode(letter)).value, null);
  assert.equal(letter.key, null);
});
