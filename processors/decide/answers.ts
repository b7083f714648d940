// What a person says of something that waits for it: a decision before it fires, or a flow at its step.
//
// Invariants:
//   A1. An answer goes in event-time order, as an event stamped with it would, and counts once: it takes the wait with it.

import { matchOf } from '../../rules/patterns/held-match.ts';
import type { AnswerCommand } from '../../schemas/commands.ts';
import type { Event } from '../../schemas/event.ts';
import { heldCandidates } from '../../state/entity/candidates.ts';
import { takeWaits } from '../../state/entity/waits.ts';
import { decide, decisionId, refuse } from './decide.ts';
import { flowAnswered } from './flows/advance.ts';
import type { FoundMatch } from './found-match.ts';
import type { Visit } from './visit.ts';

/** `event`: of the name ANSWER_EVENT. */
export function answerCame(visit: Visit, { properties, time }: Event): void {
  // As it was read: known-facts.ts lets nothing else through.
  const answer = properties as unknown as AnswerCommand;
  if (flowAnswered(visit, answer.of, answer, time)) return;
  const { entity, rules } = visit;
  const [wait] = takeWaits(
    visit.document.sections,
    heldCandidates.review,
    ({ rule, value }) => decisionId(rule, entity, value.match) === answer.of && value.match.at < time,
  );
  const rule = wait === undefined ? undefined : rules.rule(wait.rule);
  if (wait === undefined || rule === undefined) return;
  const { match, by } = wait.value;
  const found: FoundMatch = { rule, match: matchOf(match, time), by, isSettled: true, reviewed: answer.data };
  if (answer.verdict === 'reject') refuse(visit, found, 'rejected');
  else decide(visit, [found]);
}

/** Nobody has answered in time; null: as if somebody had said no, which is said. */
export function answerMissed(visit: Visit, found: FoundMatch): FoundMatch | null {
  if (found.rule.review?.onTimeout === 'approve') return { ...found, reviewed: {} };
  refuse(visit, found, 'rejected');
  return null;
}
