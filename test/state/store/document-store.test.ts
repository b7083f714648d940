import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DocumentSpec } from '../../../state/store/api.ts';
import { CachedDocumentStore } from '../../../state/store/document-store.ts';
import { compareUtf8 } from '../../../state/store/due-heap.ts';
import { dueRange, readDueKey } from '../../../state/store/key-codec.ts';
import { MemoryStore } from '../../../state/store/memory-store.ts';
import { applyChangelog, type ChangelogRecord } from '../../../state/store/restore.ts';
import { storedDocument } from '../../../state/store/stored-document.ts';

interface Note {
  text: string;
  due: number;
}

const spec: DocumentSpec<Note> = {
  dueBy: 'stream-time',
  dueAt: (note) => note.due,
  encode: (note, out) => out.text(JSON.stringify({ ...note, due: note.due === Infinity ? null : note.due })),
  decode: (input) => {
    const note = JSON.parse(input.text());
    return { ...note, due: note.due ?? Infinity };
  },
};

/** What a commit writes to the changelog. */
function commit(documents: CachedDocumentStore<Note>): ChangelogRecord[] {
  const changes = Array.from(documents.changes(), ({ key, value }) => ({ key, value }));
  documents.committed();
  return changes;
}

/** Hands out everything due up to `time`, as a task does, and makes it due no more. */
async function drain(documents: CachedDocumentStore<Note>, time: number): Promise<[string, number][]> {
  const handed: [string, number][] = [];
  for (;;) {
    const first = documents.peekDue(time);
    if (first === null) return handed;
    if (first === undefined) {
      await documents.loadDue();
      continue;
    }
    const { key, due } = first;
    handed.push([key, due]);
    documents.put(key, { ...documents.get(key)!, due: Infinity });
  }
}

test('a document is read back at once, before any flush (D1)', () => {
  const documents = new CachedDocumentStore(new MemoryStore(), spec, { cacheBytes: 1e6 });
  documents.put('a', { text: 'hello', due: Infinity });
  assert.equal(documents.get('a')?.text, 'hello');
  documents.delete('a');
  assert.equal(documents.get('a'), undefined);
});

test('a document made and deleted between two flushes costs no write', async () => {
  const store = new MemoryStore();
  const documents = new CachedDocumentStore(store, spec, { cacheBytes: 1e6 });
  documents.put('a', { text: 'hello', due: 5 });
  documents.delete('a');
  assert.deepEqual(commit(documents), []);
  await documents.writeBack();
  assert.deepEqual(await store.range(...EVERYTHING), []);
});

test('due documents beyond what is read ahead are handed out in order too (D3, D4)', async () => {
  const store = new MemoryStore();
  const documents = new CachedDocumentStore(store, spec, { cacheBytes: 1e5 });
  const count = 10_000;
  for (let i = 0; i < count; i++) {
    documents.put(`k${i}`, { text: 'x', due: (i * 7919) % count });
    if (i % 500 === 499) commit(documents);
    if (i % 2_000 === 1_999) await documents.writeBack();
  }
  const handed = await drain(documents, count);
  assert.equal(handed.length, count);
  assert.deepEqual(
    handed.map(([, due]) => due),
    Array.from({ length: count }, (_, i) => i),
  );
});

test('however many documents are due later, only the earliest rows are in memory (D3)', async () => {
  const store = new MemoryStore();
  const documents = new CachedDocumentStore(store, spec, { cacheBytes: 1e5 });
  const most = async (pending: number): Promise<number> => {
    let rows = 0;
    for (let i = 0; i < pending; i++) {
      documents.put(`k${pending}-${i}`, { text: 'x', due: 1_000 + ((i * 7919) % pending) });
      rows = Math.max(rows, documents.dueRowsLoaded);
      if (i % 500 !== 499) continue;
      commit(documents);
      await documents.writeSome();
    }
    assert.equal(documents.peekDue(10), null);
    return rows;
  };
  assert.equal(documents.peekDue(10), undefined);
  await documents.loadDue();
  assert.ok((await most(20_000)) <= 2 * 4_096 + 500);
  assert.ok((await most(40_000)) <= 2 * 4_096 + 500);
  assert.equal((await drain(documents, 100_000)).length, 60_000);
});

const EVERYTHING = [Uint8Array.of(0), Uint8Array.of(0xff), 1_000] as const;

const KEYS = ['a', 'b', 'c', 'ä', '\u{10000}', '\u{ffff}', 'z'.repeat(40)];
const key = fc.constantFrom(...KEYS);
const time = fc.integer({ min: 0, max: 50 });
const operation = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('put' as const), key, due: fc.option(time, { nil: Infinity }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('commit', 'write some', 'write back') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('drain' as const), time }) },
);

test('whatever is put, deleted, committed, written back and evicted, reads and due order are those of a plain map (D1, D4), and the fold of the changelog is the same store (I5)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(operation, { maxLength: 60 }),
      fc.constantFrom(1, 2_000, 1e6),
      fc.constantFrom(4, 64, 256),
      async (operations, cacheBytes, atHand) => {
        const store = new MemoryStore();
        const documents = new CachedDocumentStore(store, spec, { cacheBytes, atHand });
        const model = new Map<string, Note>();
        const folded = new MemoryStore();
        let text = 0;
        for (const step of operations) {
          if (step.do === 'put') {
            const note = { text: String(text++), due: step.due };
            documents.put(step.key, { ...note });
            model.set(step.key, note);
          } else if (step.do === 'delete') {
            documents.delete(step.key);
            model.delete(step.key);
          } else if (step.do !== 'drain') {
            await applyChangelog(folded, commit(documents), []);
            if (step.do === 'write some') await documents.writeSome(true);
            if (step.do === 'write back') await documents.writeBack();
          } else {
            const expected = [...model]
              .filter(([, note]) => note.due <= step.time)
              .sort(([a, x], [b, y]) => x.due - y.due || compareUtf8(a, b))
              .map(([name, note]) => [name, note.due]);
            assert.deepEqual(await drain(documents, step.time), expected);
            for (const [name] of expected) model.get(name as string)!.due = Infinity;
          }
          const figures = { ...documents.figures };
          for (const name of KEYS) {
            const stored = documents.peek(name);
            const seen = stored && storedDocument(spec, name, stored);
            assert.deepEqual(seen?.doc, model.get(name));
            assert.equal(seen?.dueAt, model.get(name)?.due);
          }
          // Who looks on leaves no trace.
          assert.deepEqual(documents.figures, figures);
          for (const [name, note] of model) assert.deepEqual(documents.get(name), note);
        }
        await applyChangelog(folded, commit(documents), []);
        await documents.writeBack();
        assert.deepEqual(await folded.range(...EVERYTHING), await store.range(...EVERYTHING));
        const { from, to } = dueRange();
        const rows = (await store.range(from, to, 1_000)).map((row) => readDueKey(row.key));
        const due = [...model]
          .filter(([, note]) => note.due !== Infinity)
          .map(([name, note]) => ({ due: note.due, key: name }));
        assert.deepEqual(
          rows,
          due.sort((a, b) => a.due - b.due || compareUtf8(a.key, b.key)),
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('keys are ordered as their UTF-8 bytes are', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      assert.equal(Math.sign(compareUtf8(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});
