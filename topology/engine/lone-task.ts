// A task without an engine around it: its commits end with its documents. Files and journals are run through one.

import { Counters } from '../../lib/counters.ts';
import type { KeyValueStore } from '../../state/store/api.ts';
import { CachedDocumentStore } from '../../state/store/document-store.ts';
import { Task, type TaskOptions } from './task.ts';

export interface LoneTaskOptions
  extends Pick<
    TaskOptions,
    'id' | 'partition' | 'part' | 'inputs' | 'outOfOrdernessMs' | 'emit' | 'mark' | 'undo' | 'caution'
  > {
  /** Where its documents go, when it has any. */
  readonly store: KeyValueStore;
  /** Bytes of decoded documents kept. */
  readonly cacheBytes: number;
  /** Documents are written to the store whenever this much waits, in estimated heap bytes. */
  readonly dirtyBytesMax: number;
  readonly counters?: Counters;
  /** Where what it emits waits; left out: it does not wait. */
  readonly outputs?: WaitingOutputs | undefined;
}

/** Outputs that wait for whoever takes them, which takes time. */
export interface WaitingOutputs {
  /** Whether so many wait that they are to be taken before more is done. */
  readonly isFull: boolean;
  take(): Promise<void>;
}

export function loneTask({ store, cacheBytes, dirtyBytesMax, outputs, ...options }: LoneTaskOptions): Task {
  const spec = options.part.store?.spec.documents;
  const task: Task = new Task({
    counters: new Counters(),
    ...options,
    documents: spec === undefined ? null : new CachedDocumentStore(store, spec, { cacheBytes }),
    pressure: {
      isHigh: () => task.dirtyBytes >= dirtyBytesMax || outputs?.isFull === true,
      async relieve() {
        if (outputs?.isFull === true) await outputs.take();
        if (task.dirtyBytes >= dirtyBytesMax) await task.commitAlone();
      },
    },
  });
  return task;
}
