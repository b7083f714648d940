// What is compared: a program that does the job over the same topic, started anew for each run.
//
// Owns: what the runner needs to know of a peer. Does not own: which there are (run.ts), what is measured.

import type { LogRecord } from '../../schemas/record.ts';
import type { Log } from '../../topology/engine/ports.ts';

export type Guarantee = 'at_least_once' | 'exactly_once';

/**
 * `absence`: an add_to_cart of a user starts a clock, another one restarts it, a purchase ends it, and after 24 hours of
 * event time there is an action. `each`: every purchase is an action, at once.
 */
export type Job = 'absence' | 'each';

export interface Peer {
  /** For `--only`, and in the ids of its applications: `streams-exactly-once`. */
  readonly name: string;
  /** In the tables. */
  readonly label: string;
  /** Null: it promises nothing. */
  readonly guarantee: Guarantee | null;
  readonly threads: number;
  /** Installs or builds what is missing; returns which program it is, with its version. */
  prepare(): Promise<string>;
  /** Where an application writes its actions, and how to read them. Null: it writes none. */
  actionsOf(application: string): PeerActions | null;
  /** Resolves once it is ready. The topic of its actions is there. */
  start(run: PeerRun): Promise<RunningPeer>;
}

/** What it is to do, and where. */
export interface PeerRun {
  readonly job: Job;
  /** A name no other run has: also that of its consumer group, and part of those of its topics. */
  readonly application: string;
  readonly log: Log;
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly partitions: number;
  /** A folder of its own. */
  readonly folder: string;
}

export interface RunningPeer {
  readonly pid: number;
  readonly isUp: boolean;
  /** How many events of the topic it has taken, for good. */
  done(): Promise<number>;
  /** What the end of its log says. */
  logTail(): string;
  stop(): Promise<void>;
}

export interface PeerActions {
  readonly topic: string;
  decode(record: LogRecord): PeerAction;
}

export interface PeerAction {
  readonly user: string;
  /** Event time: the deadline of an absence, the time of the event itself in the job `each`; ms. */
  readonly at: number;
}
