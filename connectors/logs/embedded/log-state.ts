// What is committed: topics, the files and ends of their partitions, the groups' positions; and the entries changing it.
//
// Owns: the state as a fold of commit-log entries. Does no I/O.
//
// Invariants:
//   S1. A byte of a segment file counts only once an entry covers it; a file counts only while the state names it.
//   S2. Segments of a partition lie in offset order; only the last one grows.

import { assert } from '../../../lib/assert.ts';
import type { CommittedPosition, TopicPartition, TopicSpec } from '../../../topology/engine/ports.ts';
import { partitionKey } from '../../../topology/engine/ports.ts';
import { missingTopic } from './log-errors.ts';

/** One file of a partition; its records' offsets are at or above `base`. */
export interface Segment {
  readonly base: number;
  /** Name within the partition's folder. */
  readonly file: string;
  /** Committed length. */
  readonly bytes: number;
  readonly firstWrittenAt: number;
  readonly lastWrittenAt: number;
}

/** What a commit appended to a partition: the segment's state afterwards, and the partition's. */
export interface PartitionEnd extends TopicPartition {
  readonly base: number;
  readonly bytes: number;
  readonly end: number;
  readonly writtenAt: number;
  /**
   * Checksum of the bytes appended, when they were not synced: after a power cut, batches of a failed commit may lie in
   * their place, valid in themselves.
   */
  readonly checksum?: number;
}

/** Segments gone, and what stands in their place; compaction and retention. */
export interface Replacement extends TopicPartition {
  readonly removed: readonly string[];
  readonly added: readonly Segment[];
  readonly cleanedTo: number;
}

export interface GroupPosition extends CommittedPosition {
  readonly group: string;
}

interface PartitionSnapshot {
  readonly segments: readonly Segment[];
  readonly end: number;
  readonly cleanedTo: number;
  readonly cleanings: number;
}

export interface Snapshot {
  readonly topics: readonly (TopicSpec & { readonly state: readonly PartitionSnapshot[] })[];
  readonly groups: readonly GroupPosition[];
}

/** One atomic change. */
export interface Change {
  readonly snapshot?: Snapshot;
  readonly topics?: readonly TopicSpec[];
  readonly ends?: readonly PartitionEnd[];
  readonly groups?: readonly GroupPosition[];
  readonly replaced?: Replacement;
}

export class PartitionState {
  segments: readonly Segment[] = [];
  /** First offset not yet written. */
  end = 0;
  /** Compaction has seen all below. */
  cleanedTo = 0;
  /** Makes names of compacted files unique. */
  cleanings = 0;

  get first(): number {
    return this.segments[0]?.base ?? this.end;
  }
}

export interface TopicState {
  readonly spec: TopicSpec;
  readonly partitions: readonly PartitionState[];
}

export class LogState {
  readonly topics = new Map<string, TopicState>();
  readonly #groups = new Map<string, Map<string, CommittedPosition>>();

  /** Throws FatalError TRG_TOPIC_MISSING. */
  partition(where: TopicPartition): PartitionState {
    const state = this.topics.get(where.topic)?.partitions[where.partition];
    if (state === undefined) throw missingTopic(where);
    return state;
  }

  committed(group: string, partition: TopicPartition): CommittedPosition | undefined {
    return this.#groups.get(group)?.get(partitionKey(partition));
  }

  apply(change: Change): void {
    if (change.snapshot !== undefined) this.#restore(change.snapshot);
    for (const spec of change.topics ?? []) {
      this.topics.set(spec.topic, {
        spec,
        partitions: Array.from({ length: spec.partitions }, () => new PartitionState()),
      });
    }
    for (const end of change.ends ?? []) this.#extend(end);
    for (const { group, ...position } of change.groups ?? []) this.#commit(group, position);
    if (change.replaced !== undefined) this.#replace(change.replaced);
  }

  snapshot(): Snapshot {
    return {
      topics: [...this.topics.values()].map(({ spec, partitions }) => ({
        ...spec,
        state: partitions.map(({ segments, end, cleanedTo, cleanings }) => ({ segments, end, cleanedTo, cleanings })),
      })),
      groups: [...this.#groups].flatMap(([group, positions]) =>
        [...positions.values()].map((position) => ({ group, ...position })),
      ),
    };
  }

  #restore(snapshot: Snapshot): void {
    this.topics.clear();
    this.#groups.clear();
    for (const { state, ...spec } of snapshot.topics) {
      const partitions = state.map((saved) => Object.assign(new PartitionState(), saved));
      this.topics.set(spec.topic, { spec, partitions });
    }
    for (const { group, ...position } of snapshot.groups) this.#commit(group, position);
  }

  #extend({ topic, partition, base, bytes, end, writtenAt }: PartitionEnd): void {
    const state = this.partition({ topic, partition });
    const last = state.segments.at(-1);
    const grows = last?.base === base && last.bytes < bytes;
    assert(grows || base === state.end, 'a commit goes to the last segment or begins a new one at the end (S2)');
    const segment: Segment = {
      base,
      file: grows ? last.file : segmentFile(base),
      bytes,
      firstWrittenAt: grows ? last.firstWrittenAt : writtenAt,
      lastWrittenAt: writtenAt,
    };
    assert(end >= state.end, 'offsets only grow (S2)');
    state.segments = [...(grows ? state.segments.slice(0, -1) : state.segments), segment];
    state.end = end;
  }

  #replace({ removed, added, cleanedTo, ...where }: Replacement): void {
    const state = this.partition(where);
    assert(
      removed.every((file, i) => state.segments[i]?.file === file),
      'segments are replaced from the first on',
    );
    const follows = state.segments[removed.length]?.base ?? state.end;
    const bases = [...added.map(({ base }) => base), follows];
    assert(
      bases.every((base, i) => i === 0 || bases[i - 1]! < base) && bases[0]! <= follows,
      'what replaces segments lies in offset order, before those that stay (S2)',
    );
    state.segments = [...added, ...state.segments.slice(removed.length)];
    state.cleanedTo = cleanedTo;
    state.cleanings++;
  }

  #commit(group: string, position: CommittedPosition): void {
    let positions = this.#groups.get(group);
    if (positions === undefined) this.#groups.set(group, (positions = new Map()));
    positions.set(partitionKey(position), position);
  }
}

/** Name of the file whose first offset is `base`; `cleaning` numbers the outputs of compaction. */
export function segmentFile(base: number, cleaning?: number): string {
  const name = String(base).padStart(20, '0');
  return cleaning === undefined ? `${name}.log` : `${name}-${cleaning}.log`;
}
