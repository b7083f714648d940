// The gates a candidate passes before it fires, in design.md's order; the first that says no is the reason.
//
// Owns: the order, gate state (fired decisions of the rule, exclusive groups). Does not own: sending, recording
// (decide.ts), caps (caps.ts), consent and reach (consent.ts), what waits (held.ts).
//
// Invariants:
//   G1. A gate reads and its effect is written in the same task, one candidate after the other: no cooldown, limit, cap
//       or group can be exceeded by a race (I4).
//   G2. A cooldown or limit holds over event time in whichever order decisions are made: an earlier-stamped candidate
//       that comes later is held against the ones after it too, and one so late that what it must be held against has
//       been forgotten is refused. So do caps and exclusive groups.
//   G3. Consent, reach and quiet hours are asked only of rules that send.

import type { CompiledRule, CompiledSend, ExpressionFailed, Match, Scope } from '../../rules/api.ts';
import { isHeldOut } from '../../rules/gates/hold-out.ts';
import { quietUntil } from '../../rules/gates/quiet-hours.ts';
import type { Surroundings } from '../../rules/project/surroundings.ts';
import type { Reason } from '../../schemas/decision.ts';
import type { EntityContext } from '../../state/entity/context.ts';
import type { RuleMemory } from '../../state/entity/document.ts';
import { fitsCaps } from './caps.ts';
import { allowedSends, reachableSends } from './consent.ts';
import { fitsSlidingWindow } from './windows.ts';

export interface Candidate {
  readonly rule: CompiledRule;
  readonly match: Match;
  /** Value of `cooldown.key`, '' without one. */
  readonly cooldownKey: string;
  /** type/id. */
  readonly entityKey: string;
  readonly memory: RuleMemory;
  readonly context: EntityContext | null;
  readonly surroundings: Surroundings;
}

export interface Verdict {
  /** Null when the candidate may fire. */
  readonly reason: Reason | null;
  /** Of those that the rule has, the sends to be made. */
  readonly sends: readonly CompiledSend[];
  /** When a candidate in quiet hours is to be asked again, ms; null: for another reason, or none. */
  readonly quietUntil: number | null;
}

type Gate = (candidate: Candidate, scope: Scope, failed: ExpressionFailed) => boolean;

/** Those that only say yes or no; consent, reach, quiet hours and review follow (verdictOn). */
const GATES: readonly (readonly [Reason, Gate])[] = [
  ['disabled', ({ rule }) => rule.enabled],
  ['audience', ({ rule }, scope, failed) => rule.audience?.holds(scope, failed) ?? true],
  ['holdout', isTreated],
  ['condition', ({ rule }, scope, failed) => rule.condition?.holds(scope, failed) ?? true],
  ['cooldown', cooledDown],
  ['exclusive', isGroupFree],
  ['limit', withinLimits],
  ['cap', withinCaps],
];

export function verdictOn(candidate: Candidate, scope: Scope, failed: ExpressionFailed): Verdict {
  const { rule, match, context, surroundings } = candidate;
  const refused = (reason: Reason, until: number | null = null): Verdict => ({ reason, sends: [], quietUntil: until });
  for (const [reason, allows] of GATES) if (!allows(candidate, scope, failed)) return refused(reason);
  let { sends } = rule;
  if (sends.length > 0) {
    sends = allowedSends(rule, context, surroundings);
    if (sends.length === 0) return refused('consent');
    sends = reachableSends(sends, () => scope.profile, surroundings);
    if (sends.length === 0) return refused('unreachable');
    const { quietHours } = rule;
    const until = quietHours === null ? null : quietUntil(quietHours, match.at, quietHours.zone.of(scope.profile));
    if (until !== null) return refused('quiet-hours', until);
  }
  if (rule.review?.holds(scope, failed) === true) return refused('review');
  return { reason: null, sends, quietUntil: null };
}

/** How long a fired decision of the rule matters to its gates, ms. */
export function gateHistoryMs(rule: CompiledRule): number {
  return Math.max(rule.cooldown?.forMs ?? 0, ...rule.limits.map((limit) => limit.perMs));
}

function isTreated({ rule, entityKey, surroundings }: Candidate): boolean {
  return rule.holdout === null || !surroundings.withHoldouts || !isHeldOut(rule.holdout, entityKey);
}

/** Counted from the last fired decision at t, allowed again at t + D or later (rules.md). */
function cooledDown({ rule, match, cooldownKey, memory }: Candidate): boolean {
  const { cooldown } = rule;
  if (cooldown === null) return true;
  if (isForgotten(memory, match.at - cooldown.forMs)) return false;
  return !memory.fired.some(({ key, at }) => key === cooldownKey && match.at < at + cooldown.forMs);
}

/** No flow of the group is active: one that began and ended at t is active at t (rules.md). */
function isGroupFree({ rule, match, context }: Candidate): boolean {
  const { exclusive } = rule;
  if (exclusive === null || context === null) return true;
  if (match.at <= context.holdsForgotten) return false;
  return !context.holds.some(({ group, from, until }) => group === exclusive && from <= match.at && match.at <= until);
}

/** At most `max` fired decisions in any sliding `per` (t - per, t] (rules.md). */
function withinLimits({ rule, match, memory }: Candidate): boolean {
  return rule.limits.every(({ max, perMs }) => {
    if (isForgotten(memory, match.at - perMs)) return false;
    const times = memory.fired.map(({ at }) => at);
    return fitsSlidingWindow(times, match.at, max, perMs);
  });
}

function withinCaps({ rule, match, context, surroundings }: Candidate, scope: Scope): boolean {
  const { caps } = surroundings;
  return caps.length === 0 || fitsCaps(caps, rule, channelsOf(rule.sends), match.at, () => scope.profile, context);
}

/** The channels that sends go to first: what caps and sent() count. */
export function channelsOf(sends: readonly CompiledSend[]): readonly string[] {
  return sends.map((send) => send.channel);
}

/** Whether a fired decision stamped after `time` is no longer known. */
function isForgotten(memory: RuleMemory, time: number): boolean {
  return memory.forgotten >= 0 && time < memory.forgotten;
}
