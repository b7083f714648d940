// A log in memory with the semantics of the durable ones, small enough to be read in one go.
//
// Owns: nothing shared with connectors/logs/embedded, so that the contract suite and the model test compare two minds.
//
// Invariants: P1 to P4 of topology/engine/ports.ts.

import { assert } from '../lib/assert.ts';
import type { Clock } from '../lib/clock.ts';
import { FatalError, FencedError } from '../lib/errors.ts';
import type { NewRecord } from '../schemas/record.ts';
import type {
  CommittedPosition,
  GroupOptions,
  Log,
  LogAdmin,
  LogReader,
  LogWriter,
  MemberIdentity,
  TopicPartition,
  TopicSpec,
} from '../topology/engine/ports.ts';
import { partitionKey } from '../topology/engine/ports.ts';
import { MemoryGroup } from './memory-group.ts';
import { MemoryMember } from './memory-member.ts';
import { type MemoryPartition, MemoryReader, type StoredRecord } from './memory-reader.ts';

/** As the embedded log: whoever reads a compacted topic within this time learns of a deletion. */
const TOMBSTONE_MS = 24 * 3_600_000;

interface Topic {
  readonly spec: TopicSpec;
  readonly partitions: readonly MemoryPartition[];
}

/** An empty log; `clean()` trims and compacts it. */
export function openMemoryLog(options: { readonly clock: Clock }): MemoryLog {
  return new MemoryLog(options.clock);
}

export class MemoryLog implements Log {
  readonly admin: LogAdmin;
  readonly #clock: Clock;
  readonly #topics = new Map<string, Topic>();
  readonly #groups = new Map<string, Map<string, CommittedPosition>>();
  readonly #memberships = new Map<string, MemoryGroup>();
  readonly #epochs = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.admin = {
      topics: async () => new Map([...this.#topics].map(([topic, { partitions }]) => [topic, partitions.length])),
      createTopics: async (specs) => this.#createTopics(specs),
      committed: async (group, partitions) =>
        partitions.map((partition) => this.#groups.get(group)?.get(partitionKey(partition))),
      offsets: async (where) => {
        const { records, end } = this.#partition(where);
        return { first: records[0]?.record.offset ?? end, end, written: end };
      },
      members: async (group) => this.#membership(group).described(),
    };
  }

  openReader(): LogReader {
    return new MemoryReader({
      partition: (where) => this.#partition(where),
      changed: (signal) => this.#changed(signal),
      clock: this.#clock,
      isClosed: () => this.#closed,
    });
  }

  async openWriter(transactionalId: string): Promise<LogWriter> {
    this.#assertOpen();
    const epoch = (this.#epochs.get(transactionalId) ?? 0) + 1;
    this.#epochs.set(transactionalId, epoch);
    return new MemoryWriter((records, group, positions, member) => {
      this.#assertOpen();
      if (this.#epochs.get(transactionalId) === epoch) {
        if (member !== undefined && positions.length > 0) this.#membership(group).validate(member);
        return this.#commit(records, group, positions);
      }
      throw new FencedError('TRG_LOG_FENCED', `a newer writer took over the transactional id ${transactionalId}`);
    });
  }

  openMember(options: GroupOptions): MemoryMember {
    this.#assertOpen();
    return new MemoryMember(this.#membership(options.group), this.#clock, options);
  }

  /** Trims by retention and compacts, at once. */
  clean(): void {
    const now = this.#clock.now();
    for (const { spec, partitions } of this.#topics.values()) {
      for (const partition of partitions) {
        const { retentionMs } = spec;
        if (retentionMs !== undefined) {
          const kept = partition.records.findIndex(({ writtenAt }) => writtenAt > now - retentionMs);
          partition.records = kept < 0 ? [] : partition.records.slice(kept);
        }
        if (spec.compacted === true) partition.records = compacted(partition.records, now);
      }
    }
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const group of this.#memberships.values()) group.close();
    this.#notify();
    return Promise.resolve();
  }

  #membership(name: string): MemoryGroup {
    let group = this.#memberships.get(name);
    if (group === undefined) this.#memberships.set(name, (group = new MemoryGroup(name, this.#clock)));
    return group;
  }

  #assertOpen(): void {
    if (this.#closed) throw new FatalError('TRG_LOG_CLOSED', 'the log was closed while in use');
  }

  #createTopics(specs: readonly TopicSpec[]): void {
    this.#assertOpen();
    const missing = new Map<string, TopicSpec>();
    for (const spec of specs) {
      const existing = this.#topics.get(spec.topic)?.spec ?? missing.get(spec.topic);
      if (existing === undefined) missing.set(spec.topic, spec);
      else if (existing.partitions !== spec.partitions) {
        throw new FatalError('TRG_TOPIC_MISMATCH', `topic ${spec.topic} has ${existing.partitions} partitions`);
      }
    }
    for (const spec of missing.values()) {
      const partitions = Array.from({ length: spec.partitions }, () => ({ records: [], end: 0 }));
      this.#topics.set(spec.topic, { spec, partitions });
    }
  }

  #partition({ topic, partition }: TopicPartition): MemoryPartition {
    const found = this.#topics.get(topic)?.partitions[partition];
    if (found !== undefined) return found;
    throw new FatalError('TRG_TOPIC_MISSING', `the log has no topic ${topic} with a partition ${partition}`);
  }

  #commit(
    records: readonly NewRecord[],
    group: string,
    positions: readonly CommittedPosition[],
  ): ReadonlyMap<string, number> {
    for (const where of [...records, ...positions]) this.#partition(where);
    const writtenAt = this.#clock.now();
    const ends = new Map<string, number>();
    for (const { topic, partition, timestamp, key, value, headers } of records) {
      const to = this.#partition({ topic, partition });
      to.records.push({ record: { offset: to.end++, timestamp, key, value, headers }, writtenAt });
      ends.set(partitionKey({ topic, partition }), to.end);
    }
    const committed = this.#groups.get(group) ?? new Map<string, CommittedPosition>();
    for (const { topic, partition, offset, metadata } of positions) {
      committed.set(partitionKey({ topic, partition }), { topic, partition, offset, metadata });
    }
    this.#groups.set(group, committed);
    this.#notify();
    return ends;
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** Resolves at the next change, or when the signal aborts. */
  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || this.#closed) return resolve();
      const done = (): void => {
        this.#listeners.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#listeners.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}

type Commit = (
  records: readonly NewRecord[],
  group: string,
  positions: readonly CommittedPosition[],
  member: MemberIdentity | undefined,
) => ReadonlyMap<string, number>;

class MemoryWriter implements LogWriter {
  readonly #commit: Commit;
  #records: NewRecord[] = [];
  #usable = true;

  constructor(commit: Commit) {
    this.#commit = commit;
  }

  send(records: Iterable<NewRecord>): void {
    assert(this.#usable, 'a writer is used only while it is usable');
    for (const record of records) this.#records.push(copied(record));
  }

  async commit(
    group: string,
    positions: readonly CommittedPosition[],
    member?: MemberIdentity,
  ): Promise<ReadonlyMap<string, number>> {
    assert(this.#usable, 'a writer is used only while it is usable');
    assert(
      member === undefined || positions.length > 0 || this.#records.length === 0,
      'a member writes along with positions',
    );
    assert(
      positions.every(({ metadata }) => Buffer.byteLength(metadata) <= 4096),
      "a position's note has at most 4096 bytes",
    );
    this.#usable = false;
    const ends = this.#commit(this.#records, group, positions, member);
    this.#records = [];
    this.#usable = true;
    return ends;
  }

  abort(): Promise<void> {
    this.#records = [];
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#usable = false;
    return Promise.resolve();
  }
}

function compacted(records: readonly StoredRecord[], now: number): StoredRecord[] {
  const latest = new Map<string, number>();
  for (const { record } of records) if (record.key !== null) latest.set(latin1(record.key), record.offset);
  return records.filter(({ record, writtenAt }) => {
    if (record.key === null) return true;
    if (latest.get(latin1(record.key)) !== record.offset) return false;
    return record.value !== null || writtenAt > now - TOMBSTONE_MS;
  });
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** The sender may reuse its buffers. */
function copied(record: NewRecord): NewRecord {
  return {
    ...record,
    key: record.key && Uint8Array.from(record.key),
    value: record.value && Uint8Array.from(record.value),
    headers: record.headers.map(([name, value]) => [name, Uint8Array.from(value)]),
  };
}
