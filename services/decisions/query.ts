// The decision records of the log, as of its last commit.
//
// Owns: which are asked for, their order. Does not own: pages (page.ts), those still to come (follow.ts).
//
// Invariants:
//   D1. Memory does not grow with their number: they are sorted on disk (I8).

import Type from 'typebox';
import { ExternalSort } from '../../lib/external-sort.ts';
import { type Decision, type DecisionJson, decisionJson, OUTCOMES } from '../../schemas/decision.ts';
import { decisionCodec } from '../../schemas/framed.ts';
import { publicTopics } from '../../topology/topics.ts';
import { sortKey } from '../backtest/sort-key.ts';
import { knownRules, requireName } from '../names.ts';
import { type Asked, PAUSE_RECORDS, type Pause, pauseOf, service } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { readTopic } from '../topics/read-topic.ts';

const NAME = Type.String({ minLength: 1 });
const COUNT = Type.Integer({ minimum: 1 });

/** What all ways of asking for decisions share. Times are event times, ms since 1970: `from` inclusive, `to` exclusive. */
export const DECISION_FILTER = {
  rule: Type.Optional(NAME),
  user: Type.Optional(NAME),
  outcome: Type.Optional(Type.Enum([...OUTCOMES])),
  from: Type.Optional(Type.Number()),
  to: Type.Optional(Type.Number()),
};

const strict = { additionalProperties: false };

/** `limit`: the last so many, in the order of the answer. */
export const DecisionQuerySchema = Type.Object({ ...DECISION_FILTER, limit: Type.Optional(COUNT) }, strict);
export type DecisionQuery = Type.Static<typeof DecisionQuerySchema>;
export type DecisionFilter = Omit<DecisionQuery, 'limit'>;

export interface DecisionsFound {
  /** How many were given. */
  readonly decisions: number;
}

/**
 * All decisions that fit, in order of event time, entity and rule. Throws FatalError TRG_NAME_UNKNOWN for a rule that nobody has
 * and that decided nothing, TRG_FILE_UNREADABLE without a log.
 */
export async function* queryDecisions(
  context: ServiceContext,
  query: DecisionQuery,
  asked: Asked,
): AsyncGenerator<DecisionJson, DecisionsFound, void> {
  const fits = filterOf(query);
  const pause = pauseOf(context, asked);
  const sorted = new ExternalSort();
  let found = 0;
  /** Bounded by the rules there ever were. */
  const deciding = new Set<string>();
  try {
    for await (const decision of allDecisions(context, pause)) {
      deciding.add(decision.rule);
      if (!fits(decision)) continue;
      sorted.add(sortKey(decision), JSON.stringify(decisionJson(decision)));
      found++;
    }
    if (query.rule !== undefined && !deciding.has(query.rule)) {
      requireName('rule', query.rule, [...deciding, ...(await knownRules(context))]);
    }
    let place = found - Math.min(found, query.limit ?? found);
    const decisions = found - place;
    for (const line of sorted.sorted()) {
      if (place-- > 0) continue;
      if (-place % PAUSE_RECORDS === 0) await pause();
      yield JSON.parse(line) as DecisionJson;
    }
    return { decisions };
  } finally {
    sorted.close();
  }
}

export function filterOf({ rule, user, outcome, from = -Infinity, to = Infinity }: DecisionFilter) {
  return (decision: Decision): boolean => {
    const { entity, at } = decision;
    if (rule !== undefined && decision.rule !== rule) return false;
    if (outcome !== undefined && decision.outcome !== outcome) return false;
    if (user !== undefined && (entity.type !== 'user' || entity.id !== user)) return false;
    return at >= from && at < to;
  };
}

export function decisionsTopic({ config }: Pick<ServiceContext, 'config'>): string {
  return publicTopics(config.topics.prefix).decisions;
}

/** Partition by partition, in the order in which they were written. */
async function* allDecisions(context: ServiceContext, pause: Pause): AsyncGenerator<Decision> {
  for await (const { value } of readTopic(await context.log(), decisionsTopic(context), pause)) {
    if (value !== null) yield decisionCodec.decode(value);
  }
}

export const queryService = service(DecisionQuerySchema, queryDecisions);
