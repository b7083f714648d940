import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dueRange, readDueKey } from '../../../state/store/key-codec.ts';
import { KeyFilter } from '../../../state/store/key-filter.ts';
import { MemoryStore } from '../../../state/store/memory-store.ts';
import { applyChangelog, ChangelogFold, type ChangelogRecord } from '../../../state/store/restore.ts';
import { dueOf } from '../../../state/store/stored-document.ts';

const change = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd'),
  due: fc.oneof(fc.nat(9), fc.constant(Infinity), fc.constant(null)),
});

/** A document of a few bytes after its due time; null: deleted. */
function recordOf({ key, due }: { key: string; due: number | null }): ChangelogRecord {
  if (due === null) return { key: Buffer.from(key), value: null };
  const value = Buffer.alloc(9);
  value.writeDoubleBE(due, 0);
  return { key: Buffer.from(key), value };
}

/** Writes only when it is told to. */
class SlowStore extends MemoryStore {
  readonly #gates: (() => void)[] = [];

  override async write(batch: Parameters<MemoryStore['write']>[0]): Promise<void> {
    await new Promise<void>((resolve) => this.#gates.push(resolve));
    await super.write(batch);
  }

  async open(): Promise<void> {
    await null;
    this.#gates.shift()?.();
  }
}

async function rowsOf(store: MemoryStore): Promise<unknown> {
  const { from, to } = dueRange();
  return (await store.range(from, to, 100)).map(({ key }) => readDueKey(key));
}

test('batches that are folded while those before are still being written give what one after the other gives (S1)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(change, { maxLength: 6 }), { maxLength: 6 }),
      fc.boolean(),
      async (batches, isEmpty) => {
        const [slow, plain] = [new SlowStore(), new MemoryStore()];
        const fold = new ChangelogFold(slow, isEmpty);
        for (const batch of batches) {
          const records = batch.map(recordOf);
          const applied = fold.apply(records, []);
          await slow.open();
          await applied;
          await applyChangelog(plain, records, []);
        }
        await Promise.all([fold.done(), slow.open()]);
        assert.deepEqual(await rowsOf(slow), await rowsOf(plain));
      },
    ),
  );
});

test('what a write of the fold threw is thrown by whoever waits for it', async () => {
  const store = new MemoryStore();
  store.write = () => Promise.reject(new Error('no room'));
  const fold = new ChangelogFold(store, true);
  await fold.apply([recordOf({ key: 'a', due: 1 })], []);
  await assert.rejects(fold.apply([], []), /no room/);
  await assert.rejects(fold.done(), /no room/);
});

test('a filter never takes a key that was noted for a new one, and a new one seldom for noted', () => {
  const filter = new KeyFilter();
  let wrong = 0;
  for (let i = 0; i < 100_000; i++) if (filter.note(Buffer.from(`user/user_${i}`))) wrong++;
  assert.ok(wrong < 200, `${wrong} of 100,000`);
  for (let i = 0; i < 100_000; i += 7) assert.equal(filter.note(Buffer.from(`user/user_${i}`)), true);
});

test('the due time of what is folded is that of its bytes', () => {
  assert.equal(dueOf(recordOf({ key: 'a', due: 7 }).value!), 7);
});
