// Candidates that wait, for the end of quiet hours, a model's answer or a person, while their goal is reached or they are stopped:
// nobody is told late of what has been settled meanwhile.

import type { EventFilter } from '../../rules/patterns/definition.ts';
import { matchesFilter } from '../../rules/patterns/definition.ts';
import { type HeldMatch, matchOf } from '../../rules/patterns/held-match.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { Event } from '../../schemas/event.ts';
import { heldCandidates } from '../../state/entity/candidates.ts';
import { takeWaits, type Wait, waitsOf } from '../../state/entity/waits.ts';
import { decisionId, refuse } from './decide.ts';
import type { Visit } from './visit.ts';

const KINDS = [heldCandidates['quiet-hours'], heldCandidates.score, heldCandidates.review];

/** An event of the entity, in event-time order. */
export function candidatesSee(visit: Visit, event: Event): void {
  const { document, rules, entity } = visit;
  const concerned = rules.flowing(entity.type, event.event);
  if (concerned.length === 0 || waitsOf(document.sections).length === 0) return;
  for (const kind of KINDS) {
    for (const reason of ['goal', 'stopped'] as const) {
      const isOver = ({ rule: id, value }: Pick<Wait, 'rule'> & { readonly value: { readonly match: HeldMatch } }) => {
        const rule = concerned.find((one) => one.id === id);
        return rule !== undefined && event.time > value.match.at && ends(visit, rule, value.match, event, reason);
      };
      for (const { rule: id, value } of takeWaits(document.sections, kind, isOver)) {
        const found = { rule: rules.rule(id)!, match: matchOf(value.match, event.time), by: value.by, isSettled: true };
        refuse(visit, found, reason);
      }
    }
  }
}

function ends(visit: Visit, rule: CompiledRule, match: HeldMatch, event: Event, reason: 'goal' | 'stopped'): boolean {
  const { goal, stopOn } = rule.program;
  if (reason === 'stopped') return stopOn.some((filter) => fits(visit, rule, match, filter, event));
  return goal !== null && event.time <= match.at + goal.withinMs && fits(visit, rule, match, goal.filter, event);
}

function fits(visit: Visit, rule: CompiledRule, match: HeldMatch, filter: EventFilter, event: Event): boolean {
  const scope = visit.scopeOf('event-time');
  scope.now = event.time;
  const flow = { id: decisionId(rule.id, visit.entity, match), rule: rule.id, startedAt: new Date(match.at) };
  const failed = (source: string, error: unknown) => visit.output.failed(rule, source, error);
  return matchesFilter(filter, event, { ...matchOf(match, match.at).captures, flow }, { scope, failed });
}
