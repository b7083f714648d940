import assert from 'node:assert/strict';
import { test } from 'node:test';
import avsc from 'avsc';
import fc from 'fast-check';
import { AvroReader, AvroWriter, avroBytes, readList, writeList } from '../../schemas/avro-bytes.ts';

const type = avsc.Type.forSchema({
  type: 'record',
  name: 'All',
  fields: [
    { name: 'long', type: 'long' },
    { name: 'is', type: 'boolean' },
    { name: 'text', type: 'string' },
    { name: 'blob', type: 'bytes' },
    { name: 'list', type: { type: 'array', items: 'long' } },
  ],
});
interface Value {
  readonly long: number;
  readonly is: boolean;
  readonly text: string;
  readonly blob: Buffer;
  readonly list: readonly number[];
}
// avsc takes longs of a little less than the safe integers.
const long = fc.integer({ min: -(2 ** 52), max: 2 ** 52 });
const record: fc.Arbitrary<Value> = fc.record(
  {
    long: fc.oneof(
      long,
      fc.integer({ min: -130, max: 130 }),
      fc.constantFrom(0, -1, 63, 64, 2 ** 28, 2 ** 31, 8.64e15),
    ),
    is: fc.boolean(),
    text: fc.oneof(fc.string({ maxLength: 90 }), fc.string({ unit: 'grapheme', maxLength: 60 })),
    blob: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    list: fc.array(long, { maxLength: 5 }),
  },
  { noNullPrototype: true },
);

function bytesOf({ long, is, text, blob, list }: Value): Buffer {
  return avroBytes((out) => {
    out.long(long);
    out.boolean(is);
    out.text(text);
    out.blob(blob);
    writeList(out, list, (item) => out.long(item));
  });
}

test('primitives and lists are written as Avro has them, and read back', () => {
  fc.assert(
    fc.property(record, (value) => {
      const bytes = bytesOf(value);
      assert.deepEqual(bytes, type.toBuffer(value));
      const input = new AvroReader().over(bytes);
      const [read, is, text] = [input.long(), input.boolean(), input.text()];
      const start = input.blobStart();
      const blob = Buffer.from(bytes.subarray(start, input.at));
      const list = readList(input, (each) => each.long());
      assert.deepEqual({ long: read, is, text, blob, list }, value);
      assert.equal(input.at, bytes.length);
    }),
    { numRuns: 500 },
  );
});

test('bytes that end too early are refused wherever they end', () => {
  const value = { long: 2 ** 40, is: true, text: 'some text', blob: Buffer.from('bytes'), list: [1, 2 ** 30] };
  const bytes = bytesOf(value);
  const read = (input: AvroReader): void => {
    input.long();
    input.boolean();
    input.text();
    input.blobStart();
    readList(input, (each) => each.long());
  };
  read(new AvroReader().over(bytes));
  for (let end = 0; end < bytes.length; end++) {
    assert.throws(() => read(new AvroReader().over(bytes, 0, end)), RangeError, `${end}`);
  }
});

test('a writer that is used again writes over what it had, and grows as it must', () => {
  const out = new AvroWriter();
  for (const text of ['a', 'ü'.repeat(10_000), 'b']) {
    out.clear();
    out.text(text);
    assert.equal(new AvroReader().over(out.bytes, 0, out.length).text(), text);
  }
});
