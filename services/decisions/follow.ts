// Decisions as they are made, until nobody listens.

import Type from 'typebox';
import { type DecisionJson, decisionJson } from '../../schemas/decision.ts';
import { decisionCodec } from '../../schemas/framed.ts';
import { knownRules, requireName } from '../names.ts';
import { type Asked, service } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { TopicTail } from '../topics/read-topic.ts';
import { DECISION_FILTER, decisionsTopic, filterOf, queryDecisions } from './query.ts';

/** `limit`: so many of those that were made before come first, as queryDecisions() gives them; left out: none. */
export const DecisionFollowSchema = Type.Object(
  { ...DECISION_FILTER, limit: Type.Optional(Type.Integer({ minimum: 1 })) },
  { additionalProperties: false },
);
export type DecisionFollow = Type.Static<typeof DecisionFollowSchema>;

const WAIT_MS = 1_000;

/**
 * In the order in which they are written, partition by partition; each once. Throws FatalError TRG_NAME_UNKNOWN for a rule that
 * nobody has, TRG_FILE_UNREADABLE without a log. Ends when the signal aborts.
 */
export async function* followDecisions(
  context: ServiceContext,
  query: DecisionFollow,
  asked: Asked,
): AsyncGenerator<DecisionJson, null, void> {
  const { signal } = asked;
  const log = await context.log();
  if (query.rule !== undefined) requireName('rule', query.rule, await knownRules(context));
  const tail = await TopicTail.open(log, [decisionsTopic(context)], 'end');
  try {
    const shown = query.limit === undefined ? null : new Set<string>();
    if (shown !== null) {
      for await (const decision of queryDecisions(context, query, asked)) {
        shown.add(decision.id);
        yield decision;
      }
    }
    const fits = filterOf(query);
    while (!signal.aborted) {
      for (const { record } of await tail.next(WAIT_MS, signal)) {
        if (record.value === null) continue;
        const decision = decisionCodec.decode(record.value);
        // Made while those before were read.
        if (fits(decision) && shown?.has(decision.id) !== true) yield decisionJson(decision);
      }
    }
    return null;
  } finally {
    await tail.close();
  }
}

export const followService = service(DecisionFollowSchema, followDecisions);
