import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AttemptStore } from '../../../../connectors/channels/delivery/attempt-store.ts';
import type { StoreWrite } from '../../../../state/store/api.ts';
import { LevelStore } from '../../../../state/store/level-store.ts';
import { MemoryStore } from '../../../../state/store/memory-store.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { temporaryFolder } from '../../logs/embedded/kit.ts';

const DAY = 86_400_000;

test('a note is there after the store was opened anew, and a forgotten one is not (N1, N3)', async (t) => {
  const folder = await temporaryFolder(t);
  const clock = new FakeClock();
  const first = await AttemptStore.open(await LevelStore.open(folder), clock);
  await Promise.all([first.note('a1', 1), first.note('a2', 1), first.note('a1', 2)]);
  first.forget(['a2']);
  await first.close();
  const second = await AttemptStore.open(await LevelStore.open(folder), clock);
  t.after(() => second.close());
  assert.deepEqual(
    ['a1', 'a2', 'a3'].map((action) => second.begun(action)),
    [2, 0, 0],
  );
});

test('notes of one turn are written together, and wait for no other write (N2)', async () => {
  const batches: number[] = [];
  const gate = Promise.withResolvers<void>();
  class SlowStore extends MemoryStore {
    override async write(batch: readonly StoreWrite[]): Promise<void> {
      batches.push(batch.length);
      await gate.promise;
      await super.write(batch);
    }
  }
  const store = await AttemptStore.open(new SlowStore(), new FakeClock());
  const notes = [store.note('a0', 1)];
  await new Promise(setImmediate);
  for (let i = 1; i < 100; i++) notes.push(store.note(`a${i}`, 1));
  gate.resolve();
  await Promise.all(notes);
  assert.deepEqual(batches, [1, 99]);
});

test('what nobody came back for is swept a week later (N3)', async () => {
  const clock = new FakeClock();
  const kept = new MemoryStore();
  const first = await AttemptStore.open(kept, clock);
  await first.note('old', 1);
  await clock.advance(6 * DAY);
  await first.note('young', 1);
  await clock.advance(2 * DAY);
  const second = await AttemptStore.open(kept, clock);
  assert.deepEqual([second.begun('old'), second.begun('young')], [0, 1]);
});
