// Waiting for a group of workers to have shared out its tasks.

import { until } from '../testing/until.ts';
import type { WorkerProcess } from '../testing/worker-process.ts';

const SHARED_MS = 600_000;
/** How long it takes is measured. */
const LOOK_MS = 20;

/**
 * Until each of the `threads` threads of every worker has `tasks` tasks, as the newest lines of the logs say. Throws when a
 * worker ends.
 */
export async function untilShared(workers: readonly WorkerProcess[], tasks: number, threads: number): Promise<void> {
  for (const worker of workers) await worker.untilRunning(SHARED_MS);
  const isShared = (worker: WorkerProcess): boolean => {
    const newest = worker
      .log()
      .filter(({ msg }) => msg === 'rebalanced')
      .slice(-threads);
    return newest.length === threads && newest.every(({ activeTasks }) => activeTasks === tasks);
  };
  const areShared = (): boolean => {
    const gone = workers.find(({ isUp }) => !isUp);
    if (gone !== undefined) throw new Error(`a worker ended:\n${gone.logTail()}`);
    return workers.every(isShared);
  };
  await until(areShared, { message: 'the group has shared out its tasks', deadlineMs: SHARED_MS, everyMs: LOOK_MS });
}
