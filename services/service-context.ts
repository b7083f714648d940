// What services work on: a configuration, its log, its rules, and the tasks that run, if any do.
//
// Owns: interfaces only. open-context.ts opens what a service asks for, apps/worker implements LiveTasks over its engine threads,
// live/peers.ts implements Peers over the group.

import type { Clock } from '../lib/clock.ts';
import type { RulesCheck } from '../rules/index.ts';
import type { PublishedRules } from '../schemas/published-rules.ts';
import type { Log, TopicPartition } from '../topology/engine/ports.ts';
import type { LookUp, LookUpAnswer } from '../topology/engine/questions.ts';
import type { Config } from './config/index.ts';

export interface ServiceContext {
  readonly config: Config;
  readonly clock: Clock;
  /** What paths of rules are written relative to, absolute. */
  readonly folder: string;
  /** For reading: as of its last commit. Throws FatalError TRG_FILE_UNREADABLE when there is none. */
  log(): Promise<Log>;
  /**
   * For writing; `isMade`: an embedded one is made when there is none. Throws FatalError TRG_FILE_UNREADABLE when there is none,
   * TRG_LOG_LOCKED while a worker has it.
   */
  writableLog(options?: { readonly isMade: boolean }): Promise<Log>;
  /** What was published, as of now. */
  rules(): Promise<RuleVersionsKnown>;
  /** The tasks that run in this process; null: none do, and what they remember is read from their changelogs. */
  readonly live: LiveTasks | null;
  /** The other workers of the application; null: there are none, or nobody knows of them here. */
  readonly peers: Peers | null;
  /** Lets other work of the thread go on. */
  pause(): Promise<void>;
}

export interface RulesInForce {
  /** 0: nothing was published, and the folder's rules are meant. */
  readonly version: number;
  readonly rules: RulesCheck;
}

/** The versions of an application's rules: what was published, and which of them is in force. */
export interface RuleVersionsKnown {
  /** The oldest first. */
  readonly published: readonly PublishedRules[];
  /** Undefined: there is no such version. Mistakes are in the answer. */
  version(version: number): RulesCheck | undefined;
  /** Those of a version that a task is at; 0: those of the folder. */
  ofTask(version: number): RulesCheck;
  /**
   * What a worker that starts now evaluates with: the newest version without mistakes, else the folder.
   * Throws what loading the folder throws.
   */
  inForce(): RulesInForce;
}

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
