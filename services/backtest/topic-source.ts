// A partition of a topic as a source of a replay: of a Kafka cluster or of an embedded log.
//
// Owns: the range of offsets, what is gone of it. Does not own: reading a log (topology/engine/read-partition.ts).
//
// Invariants:
//   T1. It ends where the partition ended when it was opened, so that it ends at all beside a worker that writes on.
//   T2. What retention deletes before it was read is said, whether before the first page or between two of them.

import type { LogRecord } from '../../schemas/record.ts';
import { schemaIdOf } from '../../schemas/schema-lookup.ts';
import { type Log, partitionKey, type TopicPartition } from '../../topology/engine/ports.ts';
import { type OffsetRange, readPartition } from '../../topology/engine/read-partition.ts';
import type { ReplayInput } from '../../topology/replay.ts';
import { EventTimes } from './event-times.ts';
import type { MissingPart, ReplaySource, SourcePage } from './replay-source.ts';

export interface TopicSourceOptions {
  readonly log: Log;
  readonly place: TopicPartition;
  readonly input: ReplayInput;
  readonly range: OffsetRange;
}

/** What a record takes, about, so that topics and files make one progress bar. */
const RECORD_BYTES = 300;

export class TopicSource implements ReplaySource {
  readonly kind = 'topic';
  readonly name: string;
  readonly input: ReplayInput;
  readonly isReopenable = false;
  size = 0;
  missing: MissingPart | null = null;
  readonly #options: TopicSourceOptions;
  readonly #times: EventTimes;

  constructor(options: TopicSourceOptions) {
    const { place, input } = options;
    this.name = partitionKey(place);
    this.input = input;
    this.#options = options;
    this.#times = new EventTimes({ keyed: false, topic: place.topic, ...input });
  }

  /** The same, with other pages. */
  withPageBytes(pageBytes: number): TopicSource {
    return new TopicSource({ ...this.#options, range: { ...this.#options.range, pageBytes } });
  }

  async *pages(): AsyncGenerator<SourcePage> {
    const { log, place, range } = this.#options;
    const { first, end } = await log.admin.offsets(place);
    const from = Math.max(range.from ?? 0, first);
    const to = Math.min(range.to ?? Infinity, end);
    this.size = Math.max(0, to - from) * RECORD_BYTES;
    if (from > 0) this.missing = { why: first >= from ? 'retention' : 'offset', first: from, since: null };
    let next = from;
    for await (const records of readPartition(log, place, { ...range, from, to })) {
      const begin = records[0]?.offset ?? next;
      // Compaction and marks of transactions leave gaps too: only the log knows which this is.
      if (begin > next && (await log.admin.offsets(place)).first > next) {
        this.missing = { why: 'retention', first: begin, since: null };
      }
      await this.#prepare(records);
      this.#dateMissing(records);
      next = (records.at(-1)?.offset ?? next - 1) + 1;
      yield { records, refused: [], done: (next - from) * RECORD_BYTES };
    }
  }

  timeOf(record: LogRecord): number | null {
    return this.#times.of(record);
  }

  placeOf(offset: number): number {
    return offset;
  }

  /** The schemas of its records are at hand before anybody looks at them. */
  async #prepare(records: readonly LogRecord[]): Promise<void> {
    const { schemas } = this.input;
    if (schemas === undefined) return;
    for (const { value } of records) {
      const id = value === null ? null : schemaIdOf(value);
      if (id === null) continue;
      for (let wait = schemas.prepare(id); wait !== null; wait = schemas.prepare(id)) await wait;
    }
  }

  #dateMissing(records: readonly LogRecord[]): void {
    if (this.missing === null || this.missing.since !== null) return;
    for (const record of records) {
      const since = this.timeOf(record);
      if (since === null) continue;
      this.missing = { ...this.missing, since };
      return;
    }
  }
}
