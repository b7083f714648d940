// What a process that runs tasks can tell of them, and of the other workers of its application.
//
// Owns: interfaces only. apps/worker implements LiveTasks over its engine threads, peers.ts implements Peers over the group.

import type { TopicPartition } from '../../topology/engine/ports.ts';
import type { LookUp, LookUpAnswer } from '../../topology/engine/questions.ts';

export interface LiveTasks {
  /**
   * Asks all engine threads of this process. Throws RetryableError TRG_TASK_MOVING while a thread has no engine, TRG_WORKER_BUSY
   * when one does not come to it in time.
   */
  lookUp(lookUp: LookUp, signal: AbortSignal): Promise<LookUpAnswer>;
}

/** found: it knows something. absent: its is the task, and there is nothing. elsewhere: it knows nothing, and has not the task. */
export type Verdict = 'found' | 'absent' | 'elsewhere';

export interface PeerQuestion<Result> {
  readonly operation: string;
  readonly input: unknown;
  /** An input of the task that it is about; null: that is this process's own, which knows nothing. */
  readonly place: TopicPartition | null;
  /** What an answer comes to. */
  readonly judge: (result: Result) => Verdict;
}

export interface Peers {
  /**
   * Asks the worker that has the task; then, if that knows nothing, all the others: senders may put an entity's events anywhere.
   * Null: none of them knows anything. Throws RetryableError TRG_TASK_MOVING while the group deals out its tasks,
   * TRG_PEER_UNREACHABLE when a worker cannot be asked that may know.
   */
  ask<Result>(question: PeerQuestion<Result>, signal: AbortSignal): Promise<Result | null>;
}
