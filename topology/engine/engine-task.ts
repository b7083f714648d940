// A task as the engine and those who open and show it hold it.

import type { KeyValueStore } from '../../state/store/api.ts';
import type { TaskQueue } from './task-queue.ts';
import type { TaskSpec } from './tasks.ts';

export interface EngineTask {
  readonly spec: TaskSpec;
  readonly queue: TaskQueue;
  readonly store: KeyValueStore | null;
}
