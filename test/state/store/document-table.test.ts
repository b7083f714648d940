import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AvroReader, AvroWriter } from '../../../schemas/avro-bytes.ts';
import { DocumentTable } from '../../../state/store/document-table.ts';
import { readDocumentKey } from '../../../state/store/key-codec.ts';

const HEAD = { isKnown: false, storedDue: 7 };

function encoded(due: number, text: string): AvroWriter {
  const out = new AvroWriter();
  out.doubleBE(due);
  out.text(text);
  return out;
}

/** The living records from a place on: key, due time and text; null: deleted. */
function recordsOf(table: DocumentTable, place = 0): [string, number, string | null][] {
  return Array.from(table.recordsFrom(place), (record) => {
    assert.equal(record.storedDue, 7);
    assert.equal(readDocumentKey(record.row), record.key.toString());
    const text = record.value === null ? null : new AvroReader().over(record.value, 8).text();
    return [record.key.toString(), record.due, text];
  });
}

const step = fc.record({
  key: fc.constantFrom('a', 'b', 'ä\u{10000}', 'k'.repeat(300)),
  // Some are larger than a piece, some fill one to its last byte.
  text: fc.constantFrom('x', 'y'.repeat(1_000), 'z'.repeat(262_000), 'w'.repeat(400_000)),
  act: fc.constantFrom('put', 'put', 'delete', 'remove'),
});

test('records are read back as they were put, each key’s newest alone, from any place on', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.nat(30), (steps, marked) => {
      const table = new DocumentTable();
      const model = new Map<string, { at: number; text: string | null }>();
      let mark = 0;
      for (const [at, { key, text, act }] of steps.entries()) {
        if (at === marked) mark = table.end;
        model.delete(key);
        if (act === 'remove') table.remove(key);
        else {
          table.put(key, HEAD, act === 'put' ? encoded(at, text) : null);
          model.set(key, { at, text: act === 'put' ? text : null });
        }
      }
      const expected = (from: number) =>
        [...model]
          .filter(([, { at }]) => at >= from)
          .map(([key, { at, text }]) => [key, text === null ? Number.POSITIVE_INFINITY : at, text]);
      assert.deepEqual(recordsOf(table), expected(0));
      if (marked < steps.length) assert.deepEqual(recordsOf(table, mark), expected(marked));
      const reader = new AvroReader();
      for (const [key, { text }] of model) {
        const record = table.recordAt(table.placeOf(key)!);
        assert.deepEqual({ isKnown: record.isKnown, storedDue: record.storedDue }, HEAD);
        assert.equal(record.readValue(reader), text !== null);
        if (text === null) continue;
        reader.at += 8;
        assert.equal(reader.text(), text);
      }
    }),
    { numRuns: 100 },
  );
});

test('what was read of a record stays what it was when a newer one comes', () => {
  const table = new DocumentTable();
  table.put('a', HEAD, encoded(1, 'first'));
  const reader = new AvroReader();
  table.recordAt(table.placeOf('a')!).readValue(reader);
  for (let i = 0; i < 10_000; i++) table.put('a', HEAD, encoded(2, 'later'));
  reader.at += 8;
  assert.equal(reader.text(), 'first');
});
