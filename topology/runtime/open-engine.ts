// Opens an engine: checks topics, fences predecessors, restores state, and goes on where the last commit ended.
//
// Owns: the order of opening. The writer comes first: from then on no predecessor can commit, so what is read after it
// (committed offsets, changelog ends) is final (design.md, Fencing).

import type { Clock } from '../../lib/clock.ts';
import type { Counters } from '../../lib/counters.ts';
import { FatalError } from '../../lib/errors.ts';
import type { LogRecord } from '../../schemas/record.ts';
import type { KeyValueStore } from '../../state/api.ts';
import { CachedDocumentStore } from '../../state/document-store.ts';
import { applyChangelog } from '../../state/restore.ts';
import type { SubTopology, Topology } from '../builder.ts';
import { type Log, type PartitionPosition, partitionKey, type TopicPartition } from '../ports.ts';
import { changelogTopic } from '../topics.ts';
import { type CommitInterval, Engine, type EngineTask } from './engine.ts';
import type { EngineMonitor, RestoreProgress } from './monitor.ts';
import type { StreamTimeSnapshot } from './stream-time.ts';
import { Task, type TaskInput } from './task.ts';
import { TaskMeter } from './task-meter.ts';
import { changelogNote, ownerNote, readChangelogNote, readOwnerNote } from './task-note.ts';
import { TaskQueue } from './task-queue.ts';

export interface OpenEngineOptions {
  readonly log: Log;
  readonly topology: Topology;
  readonly application: string;
  readonly clock: Clock;
  readonly counters: Counters;
  /** Left out: nobody watches. Its counters are `counters`. */
  readonly monitor?: EngineMonitor;
  /** Which tasks this engine takes, and the id by which its writer fences its predecessor. */
  readonly takes: (part: SubTopology, partition: number) => boolean;
  readonly transactionalId: string;
  /** Opens the database of a task. */
  readonly openStore: (taskId: string) => Promise<KeyValueStore>;
  readonly outOfOrdernessMs: number;
  readonly commitInterval: CommitInterval;
  readonly fetchBytesMax?: number;
  readonly dirtyBytesMax?: number;
  /** Told of every restore that had something to do. */
  readonly onRestore?: (task: string, records: number) => void;
}

const FETCH_BYTES_MAX = 4 * 1024 * 1024;
const DIRTY_BYTES_MAX = 32 * 1024 * 1024;
const RESTORE_BYTES = 4 * 1024 * 1024;

/** Throws FatalError TRG_TOPIC_MISSING or TRG_TOPIC_MISMATCH, and what the log throws. */
export async function openEngine(options: OpenEngineOptions): Promise<Engine> {
  const { log, application, clock, counters } = options;
  const partitions = await log.admin.topics();
  const parts = options.topology.subTopologies();
  const counts = new Map(parts.map((part) => [part, taskCount(part, partitions)]));
  const writer = await log.openWriter(options.transactionalId);
  const reader = log.openReader();
  const engine = new Engine({
    application,
    clock,
    counters,
    ...(options.monitor !== undefined && { monitor: options.monitor }),
    reader,
    writer,
    commitInterval: options.commitInterval,
    fetchBytesMax: options.fetchBytesMax ?? FETCH_BYTES_MAX,
    dirtyBytesMax: options.dirtyBytesMax ?? DIRTY_BYTES_MAX,
    partitions,
  });
  try {
    const positions: PartitionPosition[] = [];
    for (const part of parts) {
      for (let partition = 0; partition < counts.get(part)!; partition++) {
        if (!options.takes(part, partition)) continue;
        const { queue } = engine.adopt(await openTask(options, engine, part, partition, partitions));
        queue.task.inputs.forEach(({ topic }, i) => {
          positions.push({ topic, partition, offset: queue.positions[i]! });
        });
      }
    }
    reader.assign(positions);
  } catch (error) {
    await engine.close();
    throw error;
  }
  return engine;
}

/**
 * How many tasks a sub-topology has: the partition count that its sources share.
 * Throws FatalError TRG_TOPIC_MISSING, TRG_TOPIC_MISMATCH.
 */
export function taskCount(part: SubTopology, partitions: ReadonlyMap<string, number>): number {
  const counts = part.sources.map(({ topic }) => {
    const count = partitions.get(topic);
    if (count === undefined) {
      throw new FatalError('TRG_TOPIC_MISSING', `topic ${topic} does not exist; create it first`, { topic });
    }
    return { topic, count };
  });
  const [first] = counts;
  for (const { topic, count } of counts) {
    if (count === first!.count) continue;
    throw new FatalError(
      'TRG_TOPIC_MISMATCH',
      `${first!.topic} has ${first!.count} partitions and ${topic} has ${count}: sources that feed the same tasks must ` +
        'have the same count; set `keyed: false` on one, or recreate it',
      { topic, partitions: count },
    );
  }
  return first!.count;
}

async function openTask(
  options: OpenEngineOptions,
  engine: Engine,
  part: SubTopology,
  partition: number,
  partitions: ReadonlyMap<string, number>,
): Promise<EngineTask> {
  const store = part.store === null ? null : await options.openStore(taskId(part, partition));
  try {
    if (store !== null) await restoreState(options, store, part, partition);
    return { store, queue: await openQueue(options, engine, store, part, partition, partitions) };
  } catch (error) {
    await store?.close();
    throw error;
  }
}

/** Names a task's database and its place in messages. */
export function taskId(part: SubTopology, partition: number): string {
  return `${part.name}_${partition}`;
}

/** The task, where its last commit ended. */
async function openQueue(
  { log, application, counters, monitor, outOfOrdernessMs }: OpenEngineOptions,
  engine: Engine,
  store: KeyValueStore | null,
  part: SubTopology,
  partition: number,
  partitions: ReadonlyMap<string, number>,
): Promise<TaskQueue> {
  const inputs: TaskInput[] = part.sources.map(({ topic, upstream }) => ({
    topic,
    partition,
    upstream: upstream?.flatMap((name) => partitionsOf(name, partitions)) ?? null,
  }));
  const documents =
    store === null ? null : new CachedDocumentStore(store, part.store!.spec.documents, part.store!.spec);
  const id = taskId(part, partition);
  const meter = monitor && { meter: new TaskMeter(monitor.metrics, part.name) };
  const task = new Task({
    id,
    partition,
    part,
    inputs,
    outOfOrdernessMs,
    documents,
    counters,
    ...meter,
    ...engine.hooks,
  });
  const committed = await log.admin.committed(application, inputs);
  const snapshot = committed[0]?.metadata;
  if (snapshot) task.restoreTime(JSON.parse(snapshot) as StreamTimeSnapshot);
  const starts = await Promise.all(
    inputs.map(async (input, i) => committed[i]?.offset ?? (await log.admin.offsets(input)).first),
  );
  return new TaskQueue(task, starts);
}

function partitionsOf(topic: string, partitions: ReadonlyMap<string, number>): string[] {
  return Array.from({ length: partitions.get(topic) ?? 0 }, (_, partition) => partitionKey({ topic, partition }));
}

/** Brings the task's database up to the end of its changelog. */
async function restoreState(
  options: OpenEngineOptions,
  store: KeyValueStore,
  part: SubTopology,
  partition: number,
): Promise<void> {
  const { log, application } = options;
  const id = taskId(part, partition);
  const changelog: TopicPartition = { topic: changelogTopic(application, part.name), partition };
  const owner = `${application}/${id}`;
  const { first, end } = await log.admin.offsets(changelog);
  const from = readChangelogNote(store);
  // Another application's, or newer than the log, which then is not the one it came from: neither can be trusted.
  const foreign = (readOwnerNote(store) ?? owner) !== owner || from > end;
  if (foreign) await store.clear();
  await store.write([ownerNote(owner)]);
  const start = foreign ? first : Math.max(from, first);
  const progress = options.monitor?.restoring(id, end - start);
  try {
    const restored = await restore(log, store, { ...changelog, offset: start }, end, progress);
    if (restored > 0) options.onRestore?.(id, restored);
  } finally {
    progress?.end();
  }
}

async function restore(
  log: Log,
  store: KeyValueStore,
  from: PartitionPosition,
  end: number,
  progress: RestoreProgress | undefined,
): Promise<number> {
  if (from.offset >= end) return 0;
  const reader = log.openReader();
  let restored = 0;
  try {
    reader.assign([from]);
    let position = from.offset;
    while (position < end) {
      const [fetched] = await reader.read({ maxBytes: RESTORE_BYTES, waitMs: 1_000 });
      if (fetched === undefined) continue;
      position = fetched.nextOffset;
      restored += fetched.records.length;
      await applyChangelog(store, fetched.records, [changelogNote(position)]);
      progress?.advance(fetched.records.length, bytesOf(fetched.records), Math.max(0, end - position));
    }
  } finally {
    await reader.close();
  }
  return restored;
}

function bytesOf(records: readonly LogRecord[]): number {
  return records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0);
}
