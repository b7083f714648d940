// Why a rule fired for an entity, or did not, from the log; explain-file.ts does the same from a file of events.
//
// Owns: which task is run again, and by which rules. Does not own: putting it together (assemble.ts), words (text.ts), how a
// journal is walked (topology/engine/journal-walk.ts).

import Type from 'typebox';
import { createLogger } from '../../lib/logger.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import type { RulesCheck } from '../../rules/index.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { Delivery } from '../../schemas/delivery.ts';
import type { FlowRecord } from '../../schemas/flow-record.ts';
import { decisionCodec, deliveryCodec, flowRecordCodec } from '../../schemas/framed.ts';
import { entityKey } from '../../state/entity/document.ts';
import type { SubTopology, Topology } from '../../topology/engine/builder.ts';
import { type JournalWalk, walkJournal } from '../../topology/engine/journal-walk.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { taskCount } from '../../topology/engine/tasks.ts';
import { changelogTopic } from '../../topology/engine/topics.ts';
import type { RuleVersions } from '../../topology/rule-versions.ts';
import { publicTopics } from '../../topology/topics.ts';
import { ENTITY_STORE } from '../../topology/topology.ts';
import type { Config } from '../config/index.ts';
import { evaluationTopology, openSchemas } from '../job/job.ts';
import { requireEntityType, requireName } from '../names.ts';
import { type Asked, type Pause, pauseOf, service } from '../operation.ts';
import { recordedVersions } from '../rules/recorded-versions.ts';
import type { RulesInForce, ServiceContext } from '../service-context.ts';
import { foldDocument } from '../state/folded-state.ts';
import { readTopic } from '../topics/read-topic.ts';
import { assembled, type Question, type Recorded } from './assemble.ts';
import type { Explanation } from './explanation.ts';
import { Tracer } from './tracer.ts';

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
  const giveUp = (): void => void schemas?.close();
  asked.signal.addEventListener('abort', giveUp, { once: true });
  try {
    const explanation = await explainFromLog(asks, rules, {
      log,
      application: config.application,
      prefix: config.topics.prefix,
      outOfOrdernessMs: config.outOfOrdernessMs,
      version: (version) => book.version(version),
      topology: (versions, trace) => evaluationTopology(config, versions, { trace, schemas }),
      pause: pauseOf(context, asked),
    });
    return { entity: asks.entity, explanation };
  } finally {
    asked.signal.removeEventListener('abort', giveUp);
    await schemas?.close();
  }
}

export function questionOf(
  { rule, id, type, at = Infinity }: ExplainQuestion,
  rules: RulesCheck,
  config: Config,
): Question {
  requireName(
    'rule',
    rule,
    rules.rules.map((each) => each.id),
  );
  if (type !== undefined) requireEntityType(type, config);
  return { rule, entity: { type: type ?? rules.ruleSet.rule(rule)!.entity, id }, at };
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
  readonly pause?: Pause;
}

/** Null when nothing is known of the entity. The rule must be one of `rules`. */
export async function explainFromLog(
  { rule, entity, at }: Question,
  rules: RulesCheck,
  source: LogSource,
): Promise<Explanation | null> {
  const { log, application, outOfOrdernessMs } = source;
  const tracer = new Tracer(entityKey(entity.type, entity.id), rule);
  const watched = (checked: RulesCheck): RuleSet => tracer.watch(checked.ruleSet);
  const inForce = (): RulesInForce => ({ version: 0, rules });
  const versions = recordedVersions(source.prefix, { version: source.version, inForce }, watched);
  const topology = source.topology(versions, tracer);
  const part = topology.subTopologies().find(({ store }) => store?.name === ENTITY_STORE)!;
  const { pause = async () => {} } = source;
  const partition = await partitionOfEntity(source, part, entity, pause);
  // Only the one entity is evaluated, and nothing is written of it.
  const emit = (): void => {};
  const task = { log, application, part, partition, outOfOrdernessMs };
  const walk = await walkJournal({ ...task, emit, strangeInputs: 'skip', pause });
  const recorded = await recordedOf(source, { rule, entity, at }, pause);
  return assembled({ rule, entity, at }, rules, tracer, recorded, notesOf(walk));
}

/** Decisions, deliveries and flows of the entity by this rule. */
async function recordedOf(
  { log, prefix }: LogSource,
  { rule, entity: { type, id } }: Question,
  pause: Pause,
): Promise<Recorded> {
  const topics = publicTopics(prefix);
  const ofQuestion = async <Value extends Decision | Delivery | FlowRecord>(
    topic: string,
    decode: (bytes: Uint8Array) => Value,
  ): Promise<Value[]> => {
    const found: Value[] = [];
    for await (const { value } of readTopic(log, topic, pause)) {
      if (value === null) continue;
      const read = decode(value);
      if (read.rule === rule && read.entity.type === type && read.entity.id === id) found.push(read);
    }
    return found;
  };
  return {
    decisions: await ofQuestion(topics.decisions, decisionCodec.decode),
    deliveries: await ofQuestion(topics.deliveries, deliveryCodec.decode),
    flows: await ofQuestion(topics.flows, flowRecordCodec.decode),
  };
}

/** Where its document is, since another partitioner than ours may have put it there; else where ours would. */
async function partitionOfEntity(
  { log, application }: LogSource,
  part: SubTopology,
  { type, id }: Question['entity'],
  pause: Pause,
): Promise<number> {
  const count = taskCount(part, await log.admin.topics());
  const ours = partitionOf(Buffer.from(id), count);
  const order = [ours, ...Array.from({ length: count }, (_, i) => i).filter((i) => i !== ours)];
  const { documents } = part.store!.spec;
  for (const partition of order) {
    const changelog = { topic: changelogTopic(application, part.name), partition };
    if ((await foldDocument(log, changelog, documents, entityKey(type, id), pause)) !== undefined) return partition;
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

export const explainService = service(ExplainSchema, explain);
