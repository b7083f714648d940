// Compares what tasks would write with what is recorded, record by record.
//
// Owns: which record is compared with which, counting, findings. Does not own: what is replayed (verify.ts), fields
// (verified-topics.ts).
//
// Invariants:
//   C1. Memory does not grow with the records: as long as a partition holds what its task writes, one after the other, the two are
//       compared as they come. From the first difference on both sides of that partition go to disk, and are compared by id.
//   C2. What is recorded after the journal was looked at for the last time is no finding: its entry came later.
//   C3. A record whose task lacks part of its past is compared, and where it differs it is unverifiable. So is one that is not
//       there where retention has taken the beginning of what is recorded, and nothing before it was found again.

import { asBuffer } from '../../lib/bytes.ts';
import { RecordError } from '../../lib/errors.ts';
import { ExternalSort } from '../../lib/external-sort.ts';
import type { LogRecord, NewRecord, RecordHeader } from '../../schemas/record.ts';
import { type Log, partitionKey } from '../../topology/engine/ports.ts';
import { GrowingPartition } from './growing-partition.ts';
import type { Finding, FindingKind, FindingStep, TopicVerdict } from './verification.ts';
import { ALERTED_ENTITY, firstDifference, type Looked, type VerifiedTopic } from './verified-topics.ts';

export interface ComparisonOptions {
  readonly log: Log;
  readonly topics: ReadonlyMap<string, VerifiedTopic>;
  /** Event times to compare: from (inclusive) to (exclusive), ms. */
  readonly from: number;
  readonly to: number;
  /** Ids of all rules that the application ever had; left out: whatever is recorded is its own. */
  readonly rules?: ReadonlySet<string> | undefined;
  /** The frame's schema id is a registry's, which is not asked: it is not compared. */
  readonly ignoresSchemaIds: boolean;
}

/** A record as one of the two sides has it. */
interface Side {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string])[];
  /** Of what is recorded; -1: it is replayed. */
  readonly offset: number;
  /** Of what is replayed: its place among all that is. */
  readonly order: number;
  readonly step: FindingStep | null;
}

interface Partition {
  readonly place: string;
  readonly topic: string;
  readonly recorded: GrowingPartition;
  /** From the first difference on; null: there was none. */
  spool: ExternalSort | null;
  /** Highest offset of a record that was found again. */
  found: number;
  /** First offset that is still there. */
  readonly begins: number;
  /** By task: the first of what it writes here that was found again, by its order. */
  readonly firstFound: Map<string, number>;
}

/** Outputs that wait before the walk stops for them. */
const WAITING_MAX = 1_000;
/** Findings kept: the first ones. */
const FINDINGS_MAX = 100;
/** Of a frame: a zero byte and the schema's id. */
const FRAME_BYTES = 5;

export class Comparison {
  readonly verdicts: Record<string, TopicVerdict> = {};
  readonly #options: ComparisonOptions;
  readonly #partitions = new Map<string, Partition>();
  #waiting: { readonly record: NewRecord; readonly step: FindingStep }[] = [];
  #findings: Ordered[] = [];
  #order = 0;
  /** Ids of tasks that lack part of their past. */
  readonly #incomplete = new Set<string>();
  #differences = 0;

  private constructor(options: ComparisonOptions) {
    this.#options = options;
  }

  static async open(options: ComparisonOptions): Promise<Comparison> {
    const comparison = new Comparison(options);
    const counts = await options.log.admin.topics();
    for (const topic of options.topics.keys()) {
      const count = counts.get(topic);
      if (count === undefined) continue;
      comparison.verdicts[topic] = {
        ...{ identical: 0, differs: 0, missing: 0, extra: 0, unreadable: 0, unverifiable: 0, newer: 0, foreign: 0 },
      };
      for (let partition = 0; partition < count; partition++) {
        const place = partitionKey({ topic, partition });
        const recorded = new GrowingPartition(options.log, { topic, partition });
        const { first: begins } = await options.log.admin.offsets({ topic, partition });
        const firstFound = new Map<string, number>();
        comparison.#partitions.set(place, { place, topic, recorded, spool: null, found: -1, begins, firstFound });
      }
    }
    return comparison;
  }

  get isFull(): boolean {
    return this.#waiting.length >= WAITING_MAX;
  }

  get differences(): number {
    return this.#differences;
  }

  /** The first of them. */
  get findings(): readonly Finding[] {
    return this.#findings.map(({ finding }) => finding);
  }

  /** What this task writes from here on may be other than it was. */
  markIncomplete(task: string): void {
    this.#incomplete.add(task);
  }

  isIncomplete(task: string): boolean {
    return this.#incomplete.has(task);
  }

  replayed(record: NewRecord, step: FindingStep): void {
    if (this.#partitions.has(partitionKey(record))) this.#waiting.push({ record, step });
  }

  /** Something that was found beside the records. */
  report(finding: Finding): void {
    this.#note(finding, this.#order++);
  }

  async take(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { record, step } of waiting) {
      const at = this.#partitions.get(partitionKey(record))!;
      const replayed = sideOf(record, -1, this.#order++, step);
      if (!this.#isInPeriod(at, replayed)) continue;
      if (at.spool === null) {
        const next = await this.#nextRecorded(at);
        const recorded = next === null ? null : sideOf(next, next.offset, -1, null);
        if (recorded !== null && this.#isEqual(recorded, replayed)) {
          this.verdicts[at.topic]!.identical++;
          noteFound(at, recorded, replayed);
          continue;
        }
        at.spool = new ExternalSort();
        if (recorded !== null) this.#spool(at, recorded);
      }
      this.#spool(at, replayed);
    }
  }

  /** `isNewer`: whether the journal has grown since it was walked (C2). */
  async finish(isNewer: () => Promise<boolean>): Promise<void> {
    await this.take();
    for (const at of this.#partitions.values()) {
      for (let record = await this.#nextRecorded(at); record !== null; record = await this.#nextRecorded(at)) {
        at.spool ??= new ExternalSort();
        this.#spool(at, sideOf(record, record.offset, -1, null));
      }
    }
    const newer = await isNewer();
    for (const at of this.#partitions.values()) if (at.spool !== null) this.#compareSpooled(at, newer);
  }

  async close(): Promise<void> {
    for (const { recorded, spool } of this.#partitions.values()) {
      await recorded.close();
      spool?.close();
    }
  }

  /** The next one that is compared; null: there is none yet. */
  async #nextRecorded({ topic, recorded }: Partition): Promise<LogRecord | null> {
    for (let record = await recorded.next(); record !== null; record = await recorded.next()) {
      if (this.#isOf(topic, record.value)) return record;
    }
    return null;
  }

  /** Whether a recorded value is in the period, and of a task of ours; what cannot be read is looked at later. */
  #isOf(topic: string, value: Uint8Array | null): boolean {
    const { topics, rules, from, to } = this.#options;
    const looked = look(topics.get(topic)!, value);
    if (looked === null) return true;
    if (looked.at < from || looked.at >= to || looked.of.entity.startsWith(`${ALERTED_ENTITY}/`)) return false;
    if (rules === undefined || looked.rules.length === 0 || looked.rules.some((rule) => rules.has(rule))) return true;
    this.verdicts[topic]!.foreign++;
    return false;
  }

  #isInPeriod({ topic }: Partition, side: Side): boolean {
    const { from, to, topics } = this.#options;
    if (from === -Infinity && to === Infinity) return true;
    const looked = look(topics.get(topic)!, bytesOf(side.value));
    return looked === null || (looked.at >= from && looked.at < to);
  }

  #spool(at: Partition, side: Side): void {
    const looked = look(this.#options.topics.get(at.topic)!, bytesOf(side.value));
    at.spool!.add(looked === null ? `?${side.key}` : `!${looked.id}`, JSON.stringify(side));
  }

  #compareSpooled(at: Partition, newer: boolean): void {
    const leftovers: Side[] = [];
    const unrecorded = new ExternalSort();
    let id: string | null = null;
    let recorded: Side[] = [];
    let replayed: Side[] = [];
    const settle = (): void => {
      const pairs = Math.min(recorded.length, replayed.length);
      for (let i = 0; i < pairs; i++) this.#compare(at, recorded[i]!, replayed[i]!);
      leftovers.push(...recorded.slice(pairs));
      for (const each of replayed.slice(pairs)) {
        unrecorded.add(String(each.order).padStart(16, '0'), JSON.stringify(each));
      }
    };
    for (const line of at.spool!.sorted()) {
      const side = JSON.parse(line) as Side;
      const looked = look(this.#options.topics.get(at.topic)!, bytesOf(side.value));
      const own = looked === null ? `?${side.key}` : `!${looked.id}`;
      if (own !== id) {
        settle();
        [id, recorded, replayed] = [own, [], []];
      }
      (side.offset === -1 ? replayed : recorded).push(side);
      // Bounded: nobody's id comes so often, unless it is none.
      if (recorded.length > WAITING_MAX) leftovers.push(recorded.shift()!);
    }
    settle();
    for (const line of unrecorded.sorted()) this.#tell('missing', at, null, JSON.parse(line) as Side);
    unrecorded.close();
    for (const side of leftovers) {
      if (newer && side.offset > at.found) this.verdicts[at.topic]!.newer++;
      else this.#tell('extra', at, side, null);
    }
  }

  #compare(at: Partition, recorded: Side, replayed: Side): void {
    noteFound(at, recorded, replayed);
    if (this.#isEqual(recorded, replayed)) this.verdicts[at.topic]!.identical++;
    else this.#tell('differs', at, recorded, replayed);
  }

  #tell(kind: FindingKind, at: Partition, recorded: Side | null, replayed: Side | null): void {
    const verdict = this.verdicts[at.topic]!;
    const step = replayed?.step ?? null;
    // What no step tells of may be of any task.
    const isIncomplete = step === null ? this.#incomplete.size > 0 : this.#incomplete.has(step.task);
    if (isIncomplete || (kind === 'missing' && isBeforeBegin(at, replayed!))) {
      verdict.unverifiable++;
      return;
    }
    const topic = this.#options.topics.get(at.topic)!;
    const [was, is] = [recorded, replayed].map((side) => (side === null ? null : look(topic, bytesOf(side.value))));
    const isUnreadable = recorded !== null && was === null;
    const told = isUnreadable ? 'unreadable' : kind;
    verdict[told as 'differs']++;
    const difference = recorded === null || replayed === null ? null : differenceOf(recorded, replayed, was, is);
    const whose = was ?? is ?? null;
    const finding: Finding = {
      kind: told,
      place: at.place,
      offset: recorded?.offset ?? null,
      step,
      of: whose?.of ?? null,
      field: difference?.field ?? null,
      recorded: difference === null ? (was?.json ?? null) : difference.recorded,
      replayed: difference === null ? (is?.json ?? null) : difference.replayed,
    };
    this.#note(finding, replayed?.order ?? Infinity);
  }

  #note(finding: Finding, order: number): void {
    this.#differences++;
    this.#findings.push({ order, finding });
    if (this.#findings.length < 2 * FINDINGS_MAX) return;
    this.#findings.sort(inOrder);
    this.#findings.length = FINDINGS_MAX;
  }

  /** In the order in which the tasks came to them; what follows from no step comes last. */
  sortFindings(): void {
    this.#findings.sort(inOrder);
    this.#findings.length = Math.min(this.#findings.length, FINDINGS_MAX);
  }

  #isEqual(recorded: Side, replayed: Side): boolean {
    const { ignoresSchemaIds } = this.#options;
    const isSame = (a: string | null, b: string | null): boolean =>
      a === b || (ignoresSchemaIds && a !== null && b !== null && bodyOf(a) === bodyOf(b));
    return (
      recorded.key === replayed.key &&
      isSame(recorded.value, replayed.value) &&
      JSON.stringify(recorded.headers) === JSON.stringify(replayed.headers)
    );
  }
}

function noteFound(at: Partition, recorded: Side, { order, step }: Side): void {
  at.found = Math.max(at.found, recorded.offset);
  const { task } = step!;
  at.firstFound.set(task, Math.min(order, at.firstFound.get(task) ?? order));
}

/** Whether it would stand where retention has taken what was recorded (C3). */
function isBeforeBegin({ begins, firstFound }: Partition, { order, step }: Side): boolean {
  return begins > 0 && order < (firstFound.get(step!.task) ?? Infinity);
}

interface Ordered {
  readonly order: number;
  readonly finding: Finding;
}

/** What nothing led to goes by event time, after all the rest. */
function inOrder(a: Ordered, b: Ordered): number {
  if (a.order !== b.order) return a.order - b.order;
  const [left, right] = [a.finding.of?.at ?? '', b.finding.of?.at ?? ''];
  return left === right ? 0 : left < right ? -1 : 1;
}

function bodyOf(value: string): string {
  return value.slice(FRAME_BYTES);
}

function differenceOf(recorded: Side, replayed: Side, was: Looked | null | undefined, is: Looked | null | undefined) {
  if (recorded.key !== replayed.key) return { field: 'key', recorded: recorded.key, replayed: replayed.key };
  const inValue = was && is ? firstDifference(was.json, is.json) : null;
  if (inValue !== null) return inValue;
  const headers = firstDifference(
    Object.fromEntries(recorded.headers),
    Object.fromEntries(replayed.headers),
    'headers',
  );
  // Only the bytes differ: another schema's id, or another way of writing the same.
  return headers ?? { field: 'bytes', recorded: hexOf(recorded.value), replayed: hexOf(replayed.value) };
}

function hexOf(value: string | null): string | null {
  return value === null ? null : Buffer.from(value, 'latin1').toString('hex');
}

/** Bytes as text of one sign each. */
function latin(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : asBuffer(bytes).toString('latin1');
}

function bytesOf(text: string | null): Uint8Array | null {
  return text === null ? null : Buffer.from(text, 'latin1');
}

function sideOf(
  { key, value, headers }: { key: Uint8Array | null; value: Uint8Array | null; headers: readonly RecordHeader[] },
  offset: number,
  order: number,
  step: FindingStep | null,
): Side {
  const named = headers.map(([name, bytes]) => [name, latin(bytes)!] as const);
  return { key: latin(key), value: latin(value), headers: named, offset, order, step };
}

/** Null: it cannot be read. */
function look(topic: VerifiedTopic, value: Uint8Array | null): Looked | null {
  if (value === null) return null;
  try {
    return topic.look(value);
  } catch (error) {
    if (error instanceof RecordError) return null;
    throw error;
  }
}
