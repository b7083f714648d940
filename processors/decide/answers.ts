// What a person says of something that waits for it, a decision before it fires or a flow at its step; and who is to say it.
//
// Invariants:
//   A1. An answer goes in event-time order, as an event stamped with it would, and counts once: it takes the wait with it.
//   A2. Who is to answer changes nothing of what waits: it is a record, and no more.

import { matchOf } from '../../rules/patterns/held-match.ts';
import type { AnswerCommand, AssignCommand } from '../../schemas/commands.ts';
import type { Event } from '../../schemas/event.ts';
import { type HeldCandidate, heldCandidates } from '../../state/entity/candidates.ts';
import { takeWaits, waitsOfKind } from '../../state/entity/waits.ts';
import { decide, decisionId, refuse } from './decide.ts';
import { flowAnswered, flowAssigned } from './flows/advance.ts';
import { recordOf } from './flows/records.ts';
import type { FoundMatch } from './found-match.ts';
import type { Visit } from './visit.ts';

/** `event`: of the name ANSWER_EVENT. */
export function answerCame(visit: Visit, { properties, time }: Event): void {
  // As it was read: known-facts.ts lets nothing else through.
  const command = properties as unknown as AnswerCommand | AssignCommand;
  if (command.kind === 'assign') assign(visit, command, time);
  else answered(visit, command, time);
}

function answered(visit: Visit, answer: AnswerCommand, time: number): void {
  if (flowAnswered(visit, answer.of, answer, time)) return;
  const { of, verdict, by: person, note = null, data } = answer;
  const [wait] = takeWaits(visit.document.sections, heldCandidates.review, isMeant(visit, of, time));
  const rule = wait === undefined ? undefined : visit.rules.rule(wait.rule);
  if (wait === undefined || rule === undefined) return;
  const { match, by } = wait.value;
  const reviewed = { of, verdict, by: person, note, data };
  const found: FoundMatch = { rule, match: matchOf(match, time), by, isSettled: true, reviewed };
  if (verdict === 'reject') refuse(visit, found, 'rejected');
  else decide(visit, [found]);
}

interface HeldForReview {
  readonly rule: string;
  readonly value: HeldCandidate;
}

/** Of candidates, the one whose decision is `of`; an answer counts after the question. */
function isMeant({ entity }: Visit, of: string, time: number) {
  return ({ rule, value: { match } }: HeldForReview): boolean =>
    decisionId(rule, entity, match) === of && match.at < time;
}

/** A2. */
function assign(visit: Visit, { of, to, by }: AssignCommand, time: number): void {
  if (flowAssigned(visit, of, { to, by }, time)) return;
  const { document, rules, entity, output } = visit;
  const wait = waitsOfKind(document.sections, heldCandidates.review).find(isMeant(visit, of, time));
  const version = wait === undefined ? undefined : rules.rule(wait.rule)?.version;
  if (wait === undefined || version === undefined) return;
  const decision = { id: of, rule: wait.rule, version, chosen: [] };
  output.flow(recordOf(decision, entity, { at: time, kind: 'assigned', reason: to, by }));
}

/** Nobody has answered `asked` in time; null: as if somebody had said no, which is said. */
export function answerMissed(visit: Visit, found: FoundMatch, asked: HeldCandidate['match']): FoundMatch | null {
  const of = decisionId(found.rule.id, visit.entity, asked);
  const late: FoundMatch = { ...found, reviewed: { of, verdict: 'timeout', by: null, note: null, data: {} } };
  if (found.rule.review?.onTimeout === 'approve') return late;
  refuse(visit, late, 'rejected');
  return null;
}
