// Rules on arrival beside flows, which go in event-time order: a match is judged against flows as they are at its own event time.
//
// Invariants:
//   O1. A candidate on arrival waits for stream time only where a flow that matters to it lives, and so might end before it. All
//       others are decided at once.

import { assert } from '../../../lib/assert.ts';
import { type Flow, isAlive } from '../../../rules/flows/flow.ts';
import { holdersOf } from '../../../rules/gates/exclusive.ts';
import { heldMatchOf } from '../../../rules/patterns/held-match.ts';
import type { CompiledRule } from '../../../rules/project/compiled-rule.ts';
import { heldCandidates } from '../../../state/entity/candidates.ts';
import { addWait } from '../../../state/entity/waits.ts';
import type { FoundMatch } from '../found-match.ts';
import type { Visit } from '../visit.ts';
import { flowsOf } from './known.ts';

/** True when the candidate waits for the turn of its event, in event-time order. */
export function waitsForFlows(visit: Visit, { rule, match, by, isSettled, reviewed }: FoundMatch): boolean {
  if (isSettled || match.at <= visit.settledTime()) return false;
  const { sections } = visit.document;
  const isNear = flowsOf(sections).some((flow) => isAlive(flow) && concerns(visit, rule, by, flow));
  if (!isNear) return false;
  assert(match.event !== null, 'on arrival an event makes the match');
  const wait = { rule: rule.id, due: Infinity, value: { match: heldMatchOf(match), by, reviewed } };
  if (!addWait(sections, heldCandidates.flows, wait)) {
    visit.output.dropped(rule, 'waiting');
    return false;
  }
  visit.awaitTurn(match.event);
  return true;
}

/** Whether the other rule's flows matter to what the rule decides: its own, those of its group, those it asks for. */
function concerns({ rules, document }: Visit, rule: CompiledRule, by: string, flow: Flow): boolean {
  const { rule: other } = flow;
  const { waits, reentry } = rule.program;
  if (other === rule.id && flow.by === by && waits && reentry !== 'parallel') return true;
  if (rule.needs.flows.has(other)) return true;
  if (rule.exclusive === null) return false;
  const { group } = rule.exclusive;
  return rules.rule(other)?.exclusive?.group === group || holdersOf(document.sections, group).includes(other);
}
