// What may be asked of a worker that runs, one line each; without one the same functions answer in the asker's process.
//
// Owns: the list, and the types that follow from it. Does not own: how a question travels (live/).

import { ListLettersSchema, listLetters, ReplayLettersSchema, replayDeadLetters } from './dead-letters/letters.ts';
import { DecisionFollowSchema, followDecisions } from './decisions/follow.ts';
import { DecisionPageSchema, decisionPage } from './decisions/page.ts';
import { DecisionQuerySchema, queryDecisions } from './decisions/query.ts';
import { ExplainSchema, explain } from './explain/explain.ts';
import { change, forwarded, type Operation, read } from './operation.ts';
import {
  PublishRulesSchema,
  publishRules,
  RollBackRulesSchema,
  RulesDiffSchema,
  RulesStatusSchema,
  rollBackRules,
  rulesDiff,
  rulesStatus,
} from './rules/versions.ts';
import { EntitySchema, entityState } from './state/entity.ts';
import { exportState } from './state/export-state.ts';
import { NothingSchema, stateTasks } from './state/tasks.ts';
import { applyNeededTopics, planNeededTopics, TopicNeedsSchema } from './topics/topics.ts';

export const OPERATIONS = {
  'decisions.query': read('long', DecisionQuerySchema, queryDecisions),
  'decisions.page': read('short', DecisionPageSchema, decisionPage),
  'decisions.follow': read('endless', DecisionFollowSchema, followDecisions),
  explain: read('long', ExplainSchema, explain),
  'state.tasks': read('long', NothingSchema, stateTasks),
  'state.entity': forwarded(read('short', EntitySchema, entityState)),
  'state.export': read('long', NothingSchema, exportState),
  'dead-letters.list': read('long', ListLettersSchema, listLetters),
  'dead-letters.replay': change('long', ReplayLettersSchema, replayDeadLetters),
  'rules.status': read('short', RulesStatusSchema, rulesStatus),
  'rules.diff': read('short', RulesDiffSchema, rulesDiff),
  'rules.publish': change('short', PublishRulesSchema, publishRules),
  'rules.rollback': change('short', RollBackRulesSchema, rollBackRules),
  'topics.plan': read('short', TopicNeedsSchema, planNeededTopics),
  'topics.apply': change('short', TopicNeedsSchema, applyNeededTopics),
} as const;

type Operations = typeof OPERATIONS;
export type OperationName = keyof Operations;

export type InputOf<Name extends OperationName> =
  Operations[Name] extends Operation<infer Input, infer _I, infer _R> ? Input : never;
export type ItemOf<Name extends OperationName> =
  Operations[Name] extends Operation<infer _I, infer Item, infer _R> ? Item : never;
export type ResultOf<Name extends OperationName> =
  Operations[Name] extends Operation<infer _I, infer _Item, infer Result> ? Result : never;

/** Whoever answers: this process, or a worker that runs. */
export interface Services {
  /** Items and result of the operation; throws what it throws, and what asking a worker throws (live/client.ts). */
  ask<Name extends OperationName>(
    name: Name,
    input: InputOf<Name>,
    signal: AbortSignal,
  ): AsyncGenerator<ItemOf<Name>, ResultOf<Name>, void>;
}

/** Answers in this process. */
export function servicesHere(context: Parameters<Operations['explain']['run']>[0]): Services {
  return {
    ask: (name, input, signal) => {
      const operation = OPERATIONS[name] as Operation<typeof input, never, never>;
      return operation.run(context, input, { signal, isForwarded: false });
    },
  };
}
