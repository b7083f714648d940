// The gates a candidate passes before it fires, in design.md's order; the first that says no is the reason.
//
// Owns: the order, gate state (fired decisions of the rule). Does not own: sending, recording (decide.ts).
//
// Invariants:
//   G1. A gate reads and its effect is written in the same task, one candidate after the other: no cooldown or limit can
//       be exceeded by a race (I4).
//   G2. A cooldown or limit holds over event time in whichever order decisions are made: an earlier-stamped candidate
//       that comes later is held against the ones after it too, and one so late that what it must be held against has
//       been forgotten is refused.

import type { CompiledRule, ExpressionFailed, Match, Scope } from '../rules/api.ts';
import type { Reason } from '../schemas/decision.ts';
import type { RuleMemory } from '../state/entity-document.ts';

export interface Candidate {
  readonly rule: CompiledRule;
  readonly match: Match;
  /** Value of `cooldown.key`, '' without one. */
  readonly cooldownKey: string;
}

interface Gate {
  readonly reason: Reason;
  allows(candidate: Candidate, memory: RuleMemory, scope: Scope, failed: ExpressionFailed): boolean;
}

const GATES: readonly Gate[] = [
  { reason: 'disabled', allows: ({ rule }) => rule.enabled },
  { reason: 'condition', allows: ({ rule }, _memory, scope, failed) => rule.condition?.holds(scope, failed) ?? true },
  { reason: 'cooldown', allows: cooledDown },
  { reason: 'limit', allows: withinLimits },
];

/** Null when the candidate may fire. */
export function firstRefusal(
  candidate: Candidate,
  memory: RuleMemory,
  scope: Scope,
  failed: ExpressionFailed,
): Reason | null {
  for (const gate of GATES) if (!gate.allows(candidate, memory, scope, failed)) return gate.reason;
  return null;
}

/** How long a fired decision of the rule matters to its gates, ms. */
export function gateHistoryMs(rule: CompiledRule): number {
  return Math.max(rule.cooldown?.forMs ?? 0, ...rule.limits.map((limit) => limit.perMs));
}

/** Counted from the last fired decision at t, allowed again at t + D or later (rules.md). */
function cooledDown({ rule, match, cooldownKey }: Candidate, memory: RuleMemory): boolean {
  const { cooldown } = rule;
  if (cooldown === null) return true;
  if (isForgotten(memory, match.at - cooldown.forMs)) return false;
  return !memory.fired.some(({ key, at }) => key === cooldownKey && match.at < at + cooldown.forMs);
}

/** At most `max` fired decisions in any sliding `per` (t - per, t] (rules.md). */
function withinLimits({ rule, match }: Candidate, memory: RuleMemory): boolean {
  return rule.limits.every(({ max, perMs }) => {
    if (isForgotten(memory, match.at - perMs)) return false;
    const near = memory.fired.filter(({ at }) => Math.abs(at - match.at) < perMs).map(({ at }) => at);
    if (near.length < max) return true;
    const times = [...near, match.at].sort((a, b) => a - b);
    // Some window holds more than max exactly when max + 1 neighbours lie within one.
    return times.every((at, i) => i < max || at - times[i - max]! >= perMs);
  });
}

/** Whether a fired decision stamped after `time` is no longer known. */
function isForgotten(memory: RuleMemory, time: number): boolean {
  return memory.forgotten >= 0 && time < memory.forgotten;
}
