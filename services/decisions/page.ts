// Decisions a page at a time, the newest first: for a screen, and for programs that go back as far as they need.
//
// Newest is by the time of the record: when it was written on Kafka, its event time in the embedded log. Within a partition
// the order is that of writing, always, so that a page follows another without gaps or repetitions whatever is written
// meanwhile.
//
// Invariants:
//   P1. A page costs what it gives, not what there is: partitions are read backwards, some hundred records at a time, and of
//       those that do not fit no more than SCANNED_MAX are passed over. Then the page is short, and `next` goes on behind.

import Type from 'typebox';
import { FatalError } from '../../lib/errors.ts';
import { type DecisionJson, decisionJson } from '../../schemas/decision.ts';
import { decisionCodec } from '../../schemas/framed.ts';
import type { LogRecord } from '../../schemas/record.ts';
import type { Log, TopicPartition } from '../../topology/engine/ports.ts';
import { readPartition } from '../../topology/engine/read-partition.ts';
import { type Asked, service } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { DECISION_FILTER, decisionsTopic, filterOf } from './query.ts';

export const PAGE_LIMIT_MAX = 500;

/** `cursor`: of the page before; left out: the newest decisions. */
export const DecisionPageSchema = Type.Object(
  {
    ...DECISION_FILTER,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_LIMIT_MAX })),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 100_000 })),
  },
  { additionalProperties: false },
);
export type DecisionPageQuery = Type.Static<typeof DecisionPageSchema>;

export interface DecisionPage {
  readonly decisions: readonly DecisionJson[];
  /** Cursor of the page behind this one; null: there is none. */
  readonly next: string | null;
}

const LIMIT = 50;
const SCANNED_MAX = 20_000;
/** Offsets looked at at a time: transactions take offsets of their own in Kafka. */
const STEP_MIN = 128;
const STEP_MAX = 4_096;

/** Throws FatalError TRG_USAGE for a cursor that is none of ours. */
export async function decisionPage(
  context: ServiceContext,
  { limit = LIMIT, cursor, ...filter }: DecisionPageQuery,
  { signal }: Asked,
): Promise<DecisionPage> {
  const log = await context.log();
  const topic = decisionsTopic(context);
  const partitions = (await log.admin.topics()).get(topic) ?? 0;
  const befores = cursor === undefined ? [] : readCursor(cursor, partitions);
  const backwards = await Promise.all(
    Array.from({ length: partitions }, (_, partition) => Backwards.open(log, { topic, partition }, befores[partition])),
  );
  const fits = filterOf(filter);
  const decisions: DecisionJson[] = [];
  for (let scanned = 0; decisions.length < limit && scanned < SCANNED_MAX; scanned++) {
    signal.throwIfAborted();
    const newest = newestOf(backwards);
    if (newest === null) return { decisions, next: null };
    const { value } = newest.take();
    await newest.fill();
    if (value === null) continue;
    const decision = decisionCodec.decode(value);
    if (fits(decision)) decisions.push(decisionJson(decision));
  }
  const isOver = backwards.every(({ head }) => head === null);
  return { decisions, next: isOver ? null : cursorOf(backwards) };
}

/** One partition, read from its end. */
class Backwards {
  readonly #log: Log;
  readonly #place: TopicPartition;
  readonly #first: number;
  /** In ascending order; the last is the newest that was not taken. */
  #records: LogRecord[] = [];
  /** Everything from here on is in #records or was taken. */
  #from: number;
  #taken: number;
  #step = STEP_MIN;

  private constructor(log: Log, place: TopicPartition, first: number, before: number) {
    this.#log = log;
    this.#place = place;
    this.#first = first;
    this.#from = before;
    this.#taken = before;
  }

  /** `before`: offset behind the newest record wanted; left out: the end. */
  static async open(log: Log, place: TopicPartition, before = Infinity): Promise<Backwards> {
    const { first, end } = await log.admin.offsets(place);
    const opened = new Backwards(log, place, first, Math.max(first, Math.min(before, end)));
    await opened.fill();
    return opened;
  }

  /** The newest record that was not taken; null: there is none. To be asked after fill(). */
  get head(): LogRecord | null {
    return this.#records.at(-1) ?? null;
  }

  /** Where a cursor goes on: behind the newest record that was not taken. */
  get before(): number {
    return this.#taken;
  }

  take(): LogRecord {
    const record = this.#records.pop()!;
    this.#taken = record.offset;
    return record;
  }

  /** Sees to it that there is a head, if there are records left. */
  async fill(): Promise<void> {
    while (this.#records.length === 0 && this.#from > this.#first) {
      const range = { from: Math.max(this.#first, this.#from - this.#step), to: this.#from };
      for await (const page of readPartition(this.#log, this.#place, range)) {
        for (const { offset, timestamp, key, value, headers } of page) {
          this.#records.push({ offset, timestamp, key, value, headers });
        }
      }
      this.#from = range.from;
      this.#step = Math.min(STEP_MAX, 2 * this.#step);
    }
  }
}

/** Of equally new ones that of the first partition. */
function newestOf(backwards: readonly Backwards[]): Backwards | null {
  let newest: Backwards | null = null;
  for (const each of backwards) {
    if (each.head !== null && (newest === null || each.head.timestamp > newest.head!.timestamp)) newest = each;
  }
  return newest;
}

function cursorOf(backwards: readonly Backwards[]): string {
  return Buffer.from(JSON.stringify(backwards.map(({ before }) => before))).toString('base64url');
}

/** Partitions that are newer than the cursor have nothing that is older. */
function readCursor(cursor: string, partitions: number): readonly number[] {
  try {
    const offsets = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown;
    if (Array.isArray(offsets) && offsets.every((each) => Number.isSafeInteger(each) && each >= 0)) {
      return Array.from({ length: partitions }, (_, partition) => (offsets[partition] as number | undefined) ?? 0);
    }
  } catch {
    // Said below.
  }
  throw new FatalError('TRG_USAGE', 'the cursor is not one that a page of decisions came with', {
    hint: 'leave it out to begin with the newest decisions',
  });
}

export const pageService = service(DecisionPageSchema, decisionPage);
