// I5: restored state = fold of the changelog = live state.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { KeyValueStore } from '../../state/store/api.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import { applyChangelog } from '../../state/store/restore.ts';
import { readPartition } from '../../testing/journal-replay.ts';
import { changelogTopic } from '../../topology/engine/topics.ts';
import { APPLICATION, anyAct, type Finished, play } from './live.ts';
import { anySources, plans, sending } from './plans.ts';
import { holds } from './property.ts';
import { rowsOf } from './rows.ts';

/** The fold of a task's changelog, `batch` records at a time. */
async function folded({ driver }: Finished, task: string, batch: number): Promise<KeyValueStore> {
  const [store, partition] = task.split('_') as [string, string];
  const topic = changelogTopic(APPLICATION, store);
  const records = await readPartition(driver.log, { topic, partition: Number(partition) });
  const fold = new MemoryStore();
  for (let at = 0; at < records.length; at += batch) await applyChangelog(fold, records.slice(at, at + batch), []);
  return fold;
}

holds(
  'after any run, crashes and lost disks included, a fold of the changelog is the live state byte by byte (I5)',
  80,
  fc.tuple(plans({ act: anyAct, shuffle: 'beyond', shape: anySources }), fc.constantFrom(1, 7, 1_000)),
  async ([plan, batch]) => {
    const finished = await play(sending(plan));
    let documents = 0;
    for (const [task, store] of finished.stores) {
      const live = await rowsOf(store);
      assert.deepEqual(live, await rowsOf(await folded(finished, task, batch)), task);
      documents += live.length;
    }
    const decisions = finished.driver.counters.total('decision');
    assert.ok(documents > 0 || decisions === 0, 'there are decisions, and nothing is remembered');
    await finished.driver.close();
  },
);
