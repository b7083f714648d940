// Whether inputs, journal and rules give what is recorded (I1): all tasks are run again, and what they write is compared.
//
// Owns: which tasks are run, and by which rules; what of their past is gone. Does not own: walking a journal
// (topology/engine/journal-walk.ts), comparing (comparison.ts), words (text.ts).
//
// Invariants:
//   V1. It writes nothing, and runs beside the workers: what they write meanwhile is no finding.
//   V2. A difference is a finding only of a task whose whole past is there.

import Type from 'typebox';
import { channelNames } from '../../connectors/channels/index.ts';
import { createLogger } from '../../lib/logger.ts';
import type { SubTopology, Topology } from '../../topology/engine/builder.ts';
import { type JournalGap, type JournalWalk, walkJournal } from '../../topology/engine/journal-walk.ts';
import { type Log, partitionKey } from '../../topology/engine/ports.ts';
import { taskCount, taskId } from '../../topology/engine/tasks.ts';
import { journalTopic } from '../../topology/engine/topics.ts';
import { evaluationTopology, openSchemas } from '../job/job.ts';
import { type Asked, type Pause, pauseOf } from '../operation.ts';
import { recordedVersions } from '../rules/recorded-versions.ts';
import type { ServiceContext } from '../service-context.ts';
import { Comparison } from './comparison.ts';
import type { Finding, TaskVerdict, Verification } from './verification.ts';
import { verifiedTopics } from './verified-topics.ts';

/** Event times of what is compared, ms: `from` inclusive, `to` exclusive; left out: all. */
export const VerifyQuerySchema = Type.Object(
  { from: Type.Optional(Type.Number()), to: Type.Optional(Type.Number()) },
  { additionalProperties: false },
);
export type VerifyQuery = Type.Static<typeof VerifyQuerySchema>;

/** Of all tasks, one after the other: more is faster where many entities are active. */
const CACHE_BYTES = 32 * 1024 * 1024;
/** A cluster shows a transaction in one partition some ms before another; under load it may be more. */
const VISIBLE_MS = 1_000;

/** Throws FatalError TRG_FILE_UNREADABLE without a log, TRG_RULES_INVALID for a version of the rules that is gone. */
export async function verify(context: ServiceContext, query: VerifyQuery, asked: Asked): Promise<Verification> {
  const { config, clock } = context;
  const log = await context.log();
  const book = await context.rules();
  const schemas = openSchemas(config, clock, createLogger(config.application));
  const giveUp = (): void => void schemas?.close();
  asked.signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await verifyLog({
      log,
      application: config.application,
      prefix: config.topics.prefix,
      channels: channelNames(config.channels),
      outOfOrdernessMs: config.outOfOrdernessMs,
      ignoresSchemaIds: config.registry !== null,
      rules: new Set([
        ...book.published.flatMap(({ rules }) => Object.keys(rules)),
        ...book.inForce().rules.rules.map(({ id }) => id),
      ]),
      topology: evaluationTopology(config, recordedVersions(config.topics.prefix, book), { schemas }),
      pause: pauseOf(context, asked),
      ...(config.kafka !== null && { untilVisible: () => clock.sleep(VISIBLE_MS, asked.signal) }),
      ...query,
    });
  } finally {
    asked.signal.removeEventListener('abort', giveUp);
    await schemas?.close();
  }
}

export interface VerifyOptions extends VerifyQuery {
  readonly log: Log;
  readonly application: string;
  readonly prefix: string;
  readonly channels: readonly string[];
  readonly outOfOrdernessMs: number;
  readonly ignoresSchemaIds: boolean;
  /** As ComparisonOptions has it. */
  readonly rules?: ReadonlySet<string>;
  /** The production topology, over the rules that the journals name. */
  readonly topology: Topology;
  /** As JournalWalkOptions has it. */
  readonly pause?: Pause;
  /** Waits until what was committed is to be seen in all partitions (P1 of ports.ts); left out: at once. */
  readonly untilVisible?: () => Promise<void>;
}

export async function verifyLog(options: VerifyOptions): Promise<Verification> {
  const { log, application, prefix, channels, topology, from = -Infinity, to = Infinity, ignoresSchemaIds } = options;
  const comparison = await Comparison.open({
    log,
    topics: verifiedTopics(prefix, channels),
    from,
    to,
    ignoresSchemaIds,
    rules: options.rules,
  });
  try {
    const partitions = await log.admin.topics();
    const tasks: TaskVerdict[] = [];
    const ends = new Map<number, number>();
    for (const part of topology.subTopologies()) {
      // What only brings records to where they are evaluated writes nothing that is compared.
      if (!part.journaled || part.store === null) continue;
      for (let partition = 0; partition < taskCount(part, partitions); partition++) {
        const { verdict, end } = await verifyTask(options, part, partition, partitions, comparison);
        tasks.push(verdict);
        ends.set(partition, Math.min(end, ends.get(partition) ?? Infinity));
      }
    }
    await options.untilVisible?.();
    await comparison.finish(async () => {
      const now = await Promise.all(
        [...ends].map(async ([partition, end]) => {
          const place = { topic: journalTopic(application), partition };
          return partitions.has(place.topic) && (await log.admin.offsets(place)).end > end;
        }),
      );
      return now.includes(true);
    });
    comparison.sortFindings();
    const { verdicts: topics, differences, findings } = comparison;
    return { identical: differences === 0, tasks, topics, differences, findings };
  } finally {
    await comparison.close();
  }
}

async function verifyTask(
  options: VerifyOptions,
  part: SubTopology,
  partition: number,
  partitions: ReadonlyMap<string, number>,
  comparison: Comparison,
): Promise<{ verdict: TaskVerdict; end: number }> {
  const { log, application, outOfOrdernessMs, pause } = options;
  const task = taskId(part, partition);
  const journal = { topic: journalTopic(application), partition };
  if (!partitions.has(journal.topic)) return { verdict: { task, entries: 0, gone: [] }, end: 0 };
  const gone: string[] = [];
  const { first } = await log.admin.offsets(journal);
  if (first > 0) gone.push(`${partitionKey(journal)} begins at offset ${first}`);
  for (const { topic } of part.sources) {
    const begins = (await log.admin.offsets({ topic, partition })).first;
    if (begins > 0) gone.push(`${topic}/${partition} begins at offset ${begins}`);
  }
  if (gone.length > 0) comparison.markIncomplete(task);
  const walk: JournalWalk = await walkJournal({
    log,
    application,
    part,
    partition,
    outOfOrdernessMs,
    cacheBytes: CACHE_BYTES,
    strangeInputs: 'skip',
    outputs: comparison,
    ...(pause !== undefined && { pause }),
    emit(output, { entry, kind, record }) {
      const step = { task, entry, kind, record: record === null ? null : `${record.input}@${record.offset}` };
      comparison.replayed(output, step);
    },
    gap(gap) {
      if (!comparison.isIncomplete(task)) comparison.report(gapFinding(gap, task, partitionKey(journal)));
    },
  });
  for (const input of walk.skipped) gone.push(`${input} is read no more`);
  if (gone.length > 0) comparison.markIncomplete(task);
  return { verdict: { task, entries: walk.entries, gone }, end: walk.end };
}

function gapFinding({ entry, of, ended, goesOn }: JournalGap, task: string, place: string): Finding {
  const step = { task, entry, kind: 'read', record: null } as const;
  return { kind: 'journal', place, offset: entry, step, of: null, field: of, recorded: goesOn, replayed: ended };
}
