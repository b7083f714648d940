// What a process that runs tasks can tell of them, and of the other workers of its application.
//
// Owns: interfaces only. apps/worker implements LiveTasks over its engine threads, peers.ts implements Peers over the group.

import type { LookUp, LookUpAnswer } from '../../topology/engine/questions.ts';

export interface LiveTasks {
  /**
   * Asks all engine threads of this process. Throws RetryableError TRG_TASK_MOVING while a thread has no engine, TRG_WORKER_BUSY
   * when one does not come to it in time.
   */
  lookUp(lookUp: LookUp, signal: AbortSignal): Promise<LookUpAnswer>;
}

/** A place in which an entity's task may be. */
export interface TaskPlace {
  readonly part: string;
  readonly partition: number;
}

export interface Peers {
  /**
   * Asks the worker that has the task; then, if that knows nothing, all the others (`isFound` says of a result whether it is one).
   * Null: the task is this process's own, and no other worker knows anything. Throws RetryableError TRG_TASK_MOVING while the group
   * deals out its tasks, TRG_PEER_UNREACHABLE when a worker cannot be asked.
   */
  ask<Result>(
    place: TaskPlace,
    question: { readonly operation: string; readonly input: unknown },
    isFound: (result: Result) => boolean,
    signal: AbortSignal,
  ): Promise<Result | null>;
}
