// The state that stopped workers left on their disks, against their changelogs (I5).
//
// Invariants:
//   S1. Every copy of a task's state, also one of a worker that has lost the task since, is the fold of the changelog up
//       to where the copy says it goes; and one copy goes to the changelog's end.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LevelStore } from '../../state/store/level-store.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import { applyChangelog } from '../../state/store/restore.ts';
import { readPartition } from '../../testing/journal-replay.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { readChangelogNote } from '../../topology/engine/task-note.ts';
import { changelogTopic } from '../../topology/engine/topics.ts';
import { rowsOf } from '../invariants/rows.ts';

const STORE = 'entities';

export interface StateCheck {
  /** Documents and due rows of all tasks. */
  readonly rows: number;
  /** State folders compared. */
  readonly copies: number;
  /** Records in the changelogs. */
  readonly changes: number;
}

/** An owner's note and nothing else is smaller, any document is larger. */
const STATE_BYTES_MIN = 1_024;

/** The tasks of which the worker of that folder, which does not run now, has state. */
export function tasksOnDisk(folder: string): string[] {
  const states = join(folder, 'data', 'state');
  if (!existsSync(states)) return [];
  return readdirSync(states).filter((task) => {
    const files = readdirSync(join(states, task)).filter((file) => /\.(log|ldb)$/.test(file));
    return files.reduce((sum, file) => sum + statSync(join(states, task, file)).size, 0) >= STATE_BYTES_MIN;
  });
}

/** `dataDirs`: of each worker. Fails the test when S1 does not hold. */
export async function checkState(
  log: Log,
  application: string,
  partitions: number,
  dataDirs: readonly string[],
): Promise<StateCheck> {
  let rows = 0;
  let copies = 0;
  let changes = 0;
  for (let partition = 0; partition < partitions; partition++) {
    const task = `${STORE}_${partition}`;
    const changelog = await readPartition(log, { topic: changelogTopic(application, STORE), partition });
    const foldTo = async (offset: number): Promise<string[]> => {
      const fold = new MemoryStore();
      await applyChangelog(
        fold,
        changelog.filter((record) => record.offset < offset),
        [],
      );
      return rowsOf(fold);
    };
    const whole = await foldTo(Number.POSITIVE_INFINITY);
    rows += whole.length;
    changes += changelog.length;
    let isWhole = false;
    for (const [worker, dataDir] of dataDirs.entries()) {
      const folder = join(dataDir, 'state', task);
      if (!existsSync(folder) || readdirSync(folder).length === 0) continue;
      // Killed while it was being opened: it is built anew at the next start.
      if (existsSync(join(folder, 'OPENING'))) continue;
      const store = await LevelStore.open(folder);
      try {
        const note = readChangelogNote(store);
        const has = await rowsOf(store);
        assert.deepEqual(has, await foldTo(note), `worker ${worker}'s copy of ${task}, up to ${note}`);
        copies++;
        isWhole ||= note > (changelog.at(-1)?.offset ?? -1);
      } finally {
        await store.close();
      }
    }
    assert.ok(isWhole, `no worker has ${task} up to the end of its changelog`);
  }
  return { rows, copies, changes };
}
