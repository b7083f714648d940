// Why a rule fired for an entity, or did not: from the log, or from a file of events.
//
// Owns: which task is run again, joining what it did with the decision records. Does not own: words (text.ts), how a journal is
// walked (topology/engine/journal-walk.ts).

import Type from 'typebox';
import { createLogger } from '../../lib/logger.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import type { RuleSet } from '../../rules/api.ts';
import type { RulesCheck } from '../../rules/index.ts';
import type { Decision } from '../../schemas/decision.ts';
import { decisionCodec } from '../../schemas/framed.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import type { SubTopology, Topology } from '../../topology/engine/builder.ts';
import { type JournalWalk, walkJournal } from '../../topology/engine/journal-walk.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { taskCount } from '../../topology/engine/tasks.ts';
import { END_OF_TIME, Replay } from '../../topology/replay.ts';
import { RuleVersions } from '../../topology/rule-versions.ts';
import { changelogTopic, publicTopics } from '../../topology/topics.ts';
import { ENTITY_STORE } from '../../topology/topology.ts';
import { BacktestInput } from '../backtest/input.ts';
import type { Config } from '../config/index.ts';
import type { ServiceContext } from '../context.ts';
import { evaluationTopology, openSchemas } from '../job/job.ts';
import { otherEntities } from '../job/source-format.ts';
import { requireEntityType, requireName } from '../names.ts';
import { type Asked, service } from '../operation.ts';
import type { Project } from '../project/load-project.ts';
import { foldDocument } from '../state/folded-state.ts';
import { readTopic } from '../topics/read-topic.ts';
import type { ExplainedStep, Explanation } from './explanation.ts';
import { isoOf } from './progress.ts';
import { type TracedStep, Tracer } from './tracer.ts';

const NAME = Type.String({ minLength: 1 });

/** `type`: of the entity; left out: that of the rule. `at`: event time up to which it is explained, ms; left out: all. */
export const ExplainSchema = Type.Object(
  { rule: NAME, id: NAME, type: Type.Optional(NAME), at: Type.Optional(Type.Number()) },
  { additionalProperties: false },
);
export type ExplainQuestion = Type.Static<typeof ExplainSchema>;

export interface Explained {
  readonly entity: { readonly type: string; readonly id: string };
  /** Null: there is no event of it. */
  readonly explanation: Explanation | null;
}

/**
 * From the log, as of its last commit; the task is run again from its journal. Throws FatalError TRG_NAME_UNKNOWN for a rule or a
 * type of entity that nobody has, TRG_FILE_UNREADABLE without a log, ProblemsError TRG_RULES_INVALID.
 */
export async function explain(context: ServiceContext, question: ExplainQuestion, asked: Asked): Promise<Explained> {
  const { config, clock } = context;
  const log = await context.log();
  const book = await context.rules();
  const { rules } = book.inForce();
  const asks = questionOf(question, rules, config);
  const schemas = openSchemas(config, clock, createLogger(config.application));
  const giveUp = (): void => schemas?.close();
  asked.signal.addEventListener('abort', giveUp, { once: true });
  try {
    const explanation = await explainFromLog(asks, rules, {
      log,
      application: config.application,
      prefix: config.topics.prefix,
      outOfOrdernessMs: config.outOfOrdernessMs,
      version: (version) => book.version(version),
      topology: (versions, trace) => evaluationTopology(config, versions, { trace, schemas }),
      pause: async () => {
        await context.pause();
        asked.signal.throwIfAborted();
      },
    });
    return { entity: asks.entity, explanation };
  } finally {
    asked.signal.removeEventListener('abort', giveUp);
    schemas?.close();
  }
}

export interface ExplainFileOptions extends ExplainQuestion {
  readonly config: Config;
  /** Whose rules are explained. */
  readonly project: Project;
  /** JSON Lines or CSV, absolute. */
  readonly events: string;
  /** What the columns of a CSV file are, absolute. */
  readonly mapping: string | undefined;
}

/**
 * From a file of events, replayed as a backtest does. Throws FatalError TRG_NAME_UNKNOWN, TRG_FILE_UNREADABLE, and the mapping's
 * errors.
 */
export async function explainFile(options: ExplainFileOptions): Promise<Explained> {
  const { config, project, events, mapping } = options;
  const asks = questionOf(options, project.rules, config);
  const explanation = await explainFromFile(asks, project.rules, { config, events, mapping });
  return { entity: asks.entity, explanation };
}

function questionOf({ rule, id, type, at = Infinity }: ExplainQuestion, rules: RulesCheck, config: Config): Question {
  requireName(
    'rule',
    rule,
    rules.rules.map((each) => each.id),
  );
  if (type !== undefined) requireEntityType(type, config);
  return { rule, entity: { type: type ?? rules.ruleSet.rule(rule)!.entity, id }, at };
}

interface Question {
  readonly rule: string;
  readonly entity: { readonly type: string; readonly id: string };
  /** Event time up to which it is explained, ms; Infinity: all that was read. */
  readonly at: number;
}

interface LogSource {
  readonly log: Log;
  readonly application: string;
  readonly prefix: string;
  readonly outOfOrdernessMs: number;
  /** The rules of a version that was published. */
  readonly version: (version: number) => RulesCheck | undefined;
  /** The production topology over these rules, with this trace. */
  readonly topology: (rules: RuleVersions, trace: Tracer) => Topology;
  /** As JournalWalkOptions has it. */
  readonly pause?: () => Promise<void>;
}

interface FileSource {
  readonly config: Config;
  readonly events: string;
  readonly mapping: string | undefined;
}

/** Null when nothing is known of the entity. The rule must be one of `rules`. */
export async function explainFromLog(
  { rule, entity, at }: Question,
  rules: RulesCheck,
  source: LogSource,
): Promise<Explanation | null> {
  const { log, application, outOfOrdernessMs } = source;
  const key = `${entity.type}/${entity.id}`;
  const tracer = new Tracer(key, rule);
  const watched = (checked: RulesCheck): RuleSet => tracer.watch(checked.ruleSet, checked.bodies.get(rule));
  const versions = new RuleVersions({
    topic: publicTopics(source.prefix).rules,
    initial: watched(rules),
    compile: (version) => {
      const checked = source.version(version);
      return checked === undefined ? undefined : watched(checked);
    },
  });
  const topology = source.topology(versions, tracer);
  const part = topology.subTopologies().find(({ store }) => store?.name === ENTITY_STORE)!;
  const partition = await partitionOfEntity(log, application, part, key, entity.id);
  // Only the one entity is evaluated, and nothing is written of it.
  const emit = (): void => {};
  const { pause = async () => {} } = source;
  const task = { log, application, part, partition, outOfOrdernessMs };
  const walk = await walkJournal({ ...task, emit, strangeInputs: 'skip', pause });
  const recorded: Decision[] = [];
  for await (const { value } of readTopic(log, publicTopics(source.prefix).decisions)) {
    if (value === null) continue;
    const decision = decisionCodec.decode(value);
    const { type, id } = decision.entity;
    if (decision.rule === rule && type === entity.type && id === entity.id) recorded.push(decision);
  }
  return assembled({ rule, entity, at }, rules, tracer, recorded, notesOf(walk));
}

/** The same from a file, replayed as a backtest does; `at` is then also where time ends, if that is past the last event. */
async function explainFromFile(
  question: Question,
  rules: RulesCheck,
  { config, events, mapping }: FileSource,
): Promise<Explanation | null> {
  const { rule, entity, at } = question;
  const { outOfOrdernessMs, dedupeWindowMs, dedupeMax, maxClockSkewMs } = config;
  const recordBytesMax = config.limits.recordBytes;
  const tracer = new Tracer(`${entity.type}/${entity.id}`, rule);
  const replay = await Replay.open({
    outOfOrdernessMs,
    dedupeWindowMs,
    dedupeMax,
    recordBytesMax,
    maxClockSkewMs,
    rules: tracer.watch(rules.ruleSet, rules.bodies.get(rule)),
    source: { format: 'segment', entity: 'user', others: otherEntities(config, 'segment', 'user') },
    store: new MemoryStore(),
    wall: END_OF_TIME,
    trace: tracer,
    outputs: {},
  });
  const input = new BacktestInput({
    outOfOrdernessMs,
    recordBytesMax,
    mapping,
    file: events,
    order: 'auto',
    from: -Infinity,
    to: Infinity,
  });
  let refused = 0;
  for await (const batch of input.batches()) {
    refused += batch.refused.length;
    await replay.feed(batch.records);
  }
  await replay.complete(at === Infinity ? replay.newestTime : Math.max(at, replay.newestTime));
  replay.close();
  const notes = refused === 0 ? [] : [`lines of the file that cannot be read: ${refused}`];
  return assembled(question, rules, tracer, null, notes);
}

/** Where its document is, since another partitioner than ours may have put it there; else where ours would. */
async function partitionOfEntity(
  log: Log,
  application: string,
  part: SubTopology,
  key: string,
  id: string,
): Promise<number> {
  const count = taskCount(part, await log.admin.topics());
  const ours = partitionOf(Buffer.from(id), count);
  const order = [ours, ...Array.from({ length: count }, (_, i) => i).filter((i) => i !== ours)];
  for (const partition of order) {
    const changelog = { topic: changelogTopic(application, part.name), partition };
    if ((await foldDocument(log, changelog, part.store!.spec.documents, key)) !== undefined) return partition;
  }
  return ours;
}

/** What could not be had, in words. */
function notesOf({ entries, shortened, skipped }: JournalWalk): string[] {
  return [
    ...shortened.map(({ topic, first }) => {
      return `${topic} begins at offset ${first}: what was there before is gone, and not seen here`;
    }),
    ...skipped.map((input) => `${input} is read no more: what came by it is not seen here`),
    ...(entries === 0 ? ['no worker has evaluated anything yet'] : []),
  ];
}

/** `recorded`: null where there are no records to look at. */
function assembled(
  { rule, entity, at }: Question,
  rules: RulesCheck,
  tracer: Tracer,
  recorded: readonly Decision[] | null,
  notes: readonly string[],
): Explanation | null {
  tracer.finish();
  const ids = new Set(recorded?.map(({ id }) => id));
  const replayed = new Set(tracer.steps.flatMap((step) => (step.kind === 'decision' ? [step.decision.id] : [])));
  const only = (recorded ?? []).filter(({ id }) => !replayed.has(id));
  if (tracer.steps.length === 0 && only.length === 0) return null;
  const fromRecords = only.map((decision): TracedStep => ({ kind: 'decision', at: decision.at, decision, gates: [] }));
  const steps = [...tracer.steps, ...fromRecords].filter((step) => step.at <= at);
  steps.sort((a, b) => a.at - b.at || RANK[a.kind] - RANK[b.kind]);
  const { version } = rules.ruleSet.rule(rule)!;
  const all = [...notes];
  if (only.length > 0)
    all.push(`decisions known from their record only, as the rule or its input has changed: ${only.length}`);
  if (steps.some((step) => step.kind === 'decision' && step.decision.ruleVersion !== version)) {
    all.push(`other versions of the rule decided here too; what is still needed is by ${version}`);
  }
  const needed = tracer.standingAt(at).map(({ by, words }) => (by === null ? words : `${by}: ${words}`));
  return {
    rule,
    ruleVersion: version,
    entity,
    asOf: at === Infinity ? null : isoOf(at),
    steps: steps.map((step) => shown(step, recorded === null ? null : ids)),
    needed,
    notes: all,
  };
}

/** Of what has the same time: the event, then the deadline, then what was decided. */
const RANK = { event: 0, deadline: 1, decision: 2 } as const;

function shown(step: TracedStep, recorded: ReadonlySet<string> | null): ExplainedStep {
  const at = isoOf(step.at);
  if (step.kind !== 'decision') return { ...step, at };
  const { id, ruleVersion, outcome, reason, events, values } = step.decision;
  const isRecorded = recorded?.has(id) ?? null;
  return {
    kind: 'decision',
    at,
    id,
    ruleVersion,
    outcome,
    reason,
    events,
    values,
    gates: step.gates,
    recorded: isRecorded,
  };
}

export const explainService = service(ExplainSchema, explain);
