// Who asks for an event: rules of either lane, facts that are kept of it, counts of its name.

import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { Event } from '../../schemas/event.ts';
import { isInstantFact, isInstantFactName, setsAttributes } from './facts.ts';

export interface Concern {
  readonly arrival: readonly CompiledRule[];
  readonly ordered: readonly CompiledRule[];
  /** Whether it tells attributes that somebody reads. */
  readonly changes: boolean;
  /** The longest window in which its name is counted, ms; undefined: nobody counts it. */
  readonly historyMs: number | undefined;
  readonly isFact: boolean;
}

/** Null: nobody asks for it. */
export function concernOf(rules: RuleSet, entity: string, event: Event): Concern | null {
  const arrival = rules.interested(entity, 'arrival', event.event);
  const ordered = rules.interested(entity, 'event-time', event.event);
  const needs = rules.needs(entity);
  const changes = setsAttributes(event, needs);
  const historyMs = needs.history.get(event.event);
  const isFact = isInstantFact(event);
  const isAsked = arrival.length > 0 || ordered.length > 0 || changes || historyMs !== undefined || isFact;
  return isAsked ? { arrival, ordered, changes, historyMs, isFact } : null;
}

/** Whether an event of type `track` and this name leaves a trace anywhere. */
export function asksFor(rules: RuleSet, entity: string, name: string): boolean {
  return (
    rules.interested(entity, 'event-time', name).length > 0 ||
    rules.interested(entity, 'arrival', name).length > 0 ||
    rules.needs(entity).history.has(name) ||
    isInstantFactName(name)
  );
}
