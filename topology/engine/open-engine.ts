// Opens an engine thread: checks topics, fences predecessors, joins the group.
//
// Owns: the order of opening. The writer comes first: from then on no predecessor under the same id can commit, so what is
// read after it (committed offsets, changelog ends) is final (docs/design.md, Commits).

import type { SubTopology, Topology } from './builder.ts';
import type { CommitInterval } from './committer.ts';
import { Engine } from './engine.ts';
import { EngineThread } from './engine-thread.ts';
import { assignPartitions, inputsOf } from './group/assign-partitions.ts';
import { CommitPermit } from './group/commit-permit.ts';
import { fixedMember } from './group/fixed-member.ts';
import type { AskAddress } from './group/notes.ts';
import type { OpenTaskOptions } from './open-task.ts';
import type { GroupMember, GroupOptions } from './ports.ts';
import type { Questions } from './questions.ts';
import { TaskManager } from './task-manager.ts';
import { type TaskSpec, tasksOf } from './tasks.ts';
import { TopicWatch } from './topic-watch.ts';

/** How the thread takes part in the application's group. */
export interface Membership {
  /** Names the process, whose threads share state folders. */
  readonly process: string;
  /** Under which name the thread takes its old place when it comes back; null: as a new member. */
  readonly instanceId: string | null;
  /** Whether a stop is told to the group, so that others take over at once; false for members that will be back soon. */
  readonly leaves: boolean;
  readonly protocol: NonNullable<GroupOptions['protocol']>;
  readonly sessionTimeoutMs: number;
  readonly standbyReplicas: number;
  /** Changelog offsets of state that is on disk and not open, by task id; kept up to date. */
  readonly onDisk: Map<string, number>;
  /** Where the process takes questions of other workers; left out: nowhere. */
  readonly ask?: AskAddress | null;
}

export interface OpenEngineOptions extends OpenTaskOptions {
  readonly topology: Topology;
  /** The id by which the writer fences its predecessor. */
  readonly transactionalId: string;
  /** Left out: the thread is alone, and has what it takes. */
  readonly membership?: Membership;
  /** Without membership: which tasks it takes; left out: all. */
  readonly takes?: (part: SubTopology, partition: number) => boolean;
  readonly commitInterval: CommitInterval;
  readonly fetchBytesMax?: number;
  readonly dirtyBytesMax?: number;
  readonly writeBackMs?: number;
  /** What is asked of the tasks, in this life of the engine and the next; left out: nobody asks. */
  readonly questions?: Questions;
}

/** Some thousand events: a turn of the loop stays within some ten ms. */
const FETCH_BYTES_MAX = 1024 * 1024;
/** Changed documents of a thread between two commits, in bytes of heap; at full load a commit comes first. */
const DIRTY_BYTES_MAX = 32 * 1024 * 1024;
/** What a restart after a crash reads again from changelogs; hot documents are written to disk once in it (decision 0021). */
const WRITE_BACK_MS = 5_000;
/** So late a member notices a rebalance; all others wait for it with their commits. */
const HEARTBEAT_MS = 500;
/** So long a rebalance waits for a member amid a long commit. */
const REBALANCE_TIMEOUT_MS = 60_000;
/** A copy of state this close behind takes over: the rest is restored when the task moves. */
const ACCEPTABLE_LAG = 10_000;
/** Tasks that warm up at a time in the whole group: each reads a changelog beside the work. */
const WARMUPS_MAX = 4;

/** Throws FatalError TRG_TOPIC_MISSING or TRG_TOPIC_MISMATCH, and what the log throws. */
export async function openEngine(options: OpenEngineOptions): Promise<EngineThread> {
  const { log, application, clock, membership, transactionalId } = options;
  const partitions = await log.admin.topics();
  const tasks = tasksOf(options.topology.subTopologies(), application, partitions);
  const permit = new CommitPermit();
  const writer = await log.openWriter(transactionalId);
  const reader = log.openReader();
  const engine = new Engine({
    ...options,
    reader,
    writer,
    permit,
    fetchBytesMax: options.fetchBytesMax ?? FETCH_BYTES_MAX,
    dirtyBytesMax: options.dirtyBytesMax ?? DIRTY_BYTES_MAX,
    writeBackMs: options.writeBackMs ?? WRITE_BACK_MS,
    recordBytesMax: log.recordBytesMax ?? Infinity,
    partitions,
  });
  const member = memberOf(options, tasks, permit, engine);
  permit.take(member);
  const manager = new TaskManager({
    ...options,
    engine,
    member,
    permit,
    tasks,
    process: membership?.process ?? '',
    ask: membership?.ask ?? null,
    onDisk: membership?.onDisk ?? new Map(),
  });
  const topics = new TopicWatch(log.admin, clock, plannedFrom(tasks, partitions));
  const thread = new EngineThread({
    engine,
    manager,
    member,
    permit,
    topics,
    questions: options.questions,
    leavesGroup: membership?.leaves ?? false,
  });
  try {
    if (membership === undefined) await manager.untilOpened();
  } catch (error) {
    await thread.close();
    throw error;
  }
  return thread;
}

function memberOf(
  options: OpenEngineOptions,
  tasks: readonly TaskSpec[],
  permit: CommitPermit,
  engine: Engine,
): GroupMember {
  const { log, application, membership, takes = () => true } = options;
  if (membership === undefined || log.openMember === undefined) {
    return fixedMember(inputsOf(tasks.filter(({ part, partition }) => takes(part, partition))));
  }
  const { instanceId, protocol, sessionTimeoutMs, standbyReplicas } = membership;
  return log.openMember({
    group: application,
    instanceId,
    protocol,
    topics: [...new Set(tasks.flatMap(({ inputs }) => inputs.map(({ topic }) => topic)))],
    sessionTimeoutMs,
    heartbeatMs: HEARTBEAT_MS,
    rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
    assign: async (members) =>
      assignPartitions(tasks, members, { standbyReplicas, acceptableLag: ACCEPTABLE_LAG, warmupsMax: WARMUPS_MAX }),
    onChange: () => {
      permit.onChange();
      engine.hooks.wake();
    },
  });
}

function plannedFrom(tasks: readonly TaskSpec[], partitions: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const topics = tasks.flatMap(({ inputs }) =>
    inputs.flatMap(({ topic, upstream }) => [
      topic,
      ...(upstream ?? []).map((name) => name.slice(0, name.lastIndexOf('/'))),
    ]),
  );
  return new Map(topics.map((topic) => [topic, partitions.get(topic) ?? 0]));
}
