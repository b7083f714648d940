import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DocumentSpec } from '../../../state/store/api.ts';
import { CachedDocumentStore } from '../../../state/store/document-store.ts';
import { MemoryStore } from '../../../state/store/memory-store.ts';

interface Note {
  text: string;
  due: number;
}

const spec: DocumentSpec<Note> = {
  dueBy: 'stream-time',
  dueAt: ({ due }) => due,
  encode: ({ text, due }, out) => {
    out.text(text);
    out.text(String(due));
  },
  decode: (input) => ({ text: input.text(), due: Number(input.text()) }),
};

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];
const deed = fc.record({
  key: fc.constantFrom(...KEYS),
  does: fc.constantFrom('put', 'change in place', 'change and put', 'delete'),
  text: fc.string({ maxLength: 4 }),
  due: fc.oneof(fc.nat(20), fc.constant(Infinity)),
});
const step = fc.record({
  deeds: fc.array(deed, { maxLength: 4 }),
  ends: fc.constantFrom('well', 'well', 'badly', 'with a commit', 'written back'),
});

type Store = CachedDocumentStore<Note>;

function act(
  store: Store,
  { key, does, text, due }: typeof deed extends fc.Arbitrary<infer Deed> ? Deed : never,
): void {
  const known = store.get(key);
  if (does === 'delete') store.delete(key);
  else if (does === 'put' || known === undefined) store.put(key, { text, due });
  else {
    known.text = text;
    known.due = due;
    if (does === 'change and put') store.put(key, known);
  }
}

async function dueOf(store: Store): Promise<string[]> {
  const dues: string[] = [];
  while (store.peekDue(Infinity) === undefined) await store.loadDue();
  for (let next = store.peekDue(Infinity); next; next = store.peekDue(Infinity)) {
    dues.push(`${next.key}@${next.due}`);
    store.put(next.key, { text: 'over', due: Infinity });
  }
  return dues;
}

test('steps that are taken back leave documents and what is due as if they had never been made (D5)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const [undone, plain] = [1, 2].map(
        () => new CachedDocumentStore(new MemoryStore(), spec, { cacheBytes: 100_000 }),
      );
      for (const { deeds, ends } of steps) {
        undone!.beginStep();
        for (const each of deeds) act(undone!, each);
        if (ends === 'badly') {
          assert.equal(undone!.undo(), true);
          continue;
        }
        // A document that is changed in place and not put is so by mistake: only a step that fails may leave one.
        for (const each of deeds) act(plain!, each);
        for (const store of [undone!, plain!]) {
          for (const { key } of deeds) {
            const doc = store.get(key);
            if (doc !== undefined) store.put(key, doc);
          }
          if (ends === 'well') continue;
          for (const _change of store.changes()) {
          }
          store.committed({ key: Buffer.from('m'), value: Buffer.from('1') });
          if (ends === 'written back') await store.writeBack();
        }
      }
      for (const key of KEYS) assert.deepEqual(undone!.get(key), plain!.get(key));
      assert.deepEqual(await dueOf(undone!), await dueOf(plain!));
    }),
    { numRuns: 300 },
  );
});
