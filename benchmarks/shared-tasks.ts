// Waiting for a group of workers to have shared out its tasks.

import { systemClock } from '../lib/clock.ts';
import type { WorkerProcess } from '../testing/worker-process.ts';

const SHARED_MS = 600_000;
const LOOK_MS = 20;

/**
 * Until each of the `threads` threads of every worker has `tasks` tasks, as the newest lines of the logs say. Throws when a
 * worker ends.
 */
export async function untilShared(workers: readonly WorkerProcess[], tasks: number, threads: number): Promise<void> {
  const until = systemClock.now() + SHARED_MS;
  for (const worker of workers) await worker.untilRunning(SHARED_MS);
  const isShared = (worker: WorkerProcess): boolean => {
    const newest = worker
      .log()
      .filter(({ msg }) => msg === 'rebalanced')
      .slice(-threads);
    return newest.length === threads && newest.every(({ activeTasks }) => activeTasks === tasks);
  };
  while (!workers.every(isShared)) {
    const gone = workers.find(({ isUp }) => !isUp);
    if (gone !== undefined) throw new Error(`a worker ended:\n${gone.logTail()}`);
    if (systemClock.now() > until) throw new Error('the group has not shared out its tasks');
    await systemClock.sleep(LOOK_MS);
  }
}
