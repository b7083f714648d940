// A task without an engine around it: its commits end with its documents. Files and journals are run through one.

import { Counters } from '../../lib/counters.ts';
import type { KeyValueStore } from '../../state/store/api.ts';
import { CachedDocumentStore } from '../../state/store/document-store.ts';
import { Task, type TaskOptions } from './task.ts';

export interface LoneTaskOptions
  extends Pick<TaskOptions, 'id' | 'partition' | 'part' | 'inputs' | 'outOfOrdernessMs' | 'emit'> {
  /** Where its documents go, when it has any. */
  readonly store: KeyValueStore;
  /** Bytes of decoded documents kept. */
  readonly cacheBytes: number;
  /** Documents are written to the store whenever this much waits, in estimated heap bytes. */
  readonly dirtyBytesMax: number;
  readonly counters?: Counters;
}

export function loneTask({ store, cacheBytes, dirtyBytesMax, ...options }: LoneTaskOptions): Task {
  const spec = options.part.store?.spec.documents;
  const task: Task = new Task({
    counters: new Counters(),
    ...options,
    documents: spec === undefined ? null : new CachedDocumentStore(store, spec, { cacheBytes }),
    pressure: { isHigh: () => task.dirtyBytes >= dirtyBytesMax, relieve: () => task.commitAlone() },
  });
  return task;
}
