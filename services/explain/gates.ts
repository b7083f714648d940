// The gates as an explanation shows them: each in order, what it said, and what it would have taken.
//
// Owns: the wording. The verdict is the evaluator's own (processors/decide/gates.ts), taken as it fell.

import { formatDuration } from '../../lib/duration.ts';
import type { Candidate, Verdict } from '../../processors/decide/gates.ts';
import type { Scope } from '../../rules/api.ts';
import { REASONS, type Reason } from '../../schemas/decision.ts';
import type { JsonObject } from '../../schemas/json.ts';
import type { ExplainedGate } from './explanation.ts';
import { isoOf } from './progress.ts';

/** By the reason for which it refuses, where it is called otherwise. */
const NAMES: Partial<Record<Reason, string>> = { disabled: 'enabled', unreachable: 'reachable' };

export function explainGates(candidate: Candidate, verdict: Verdict, scope: Scope): readonly ExplainedGate[] {
  const refusing = verdict.reason === null ? REASONS.length : REASONS.indexOf(verdict.reason);
  return REASONS.map((reason, place): ExplainedGate => {
    const gate = NAMES[reason] ?? reason;
    if (!isUsed(reason, candidate)) return { gate, verdict: 'unused', detail: null };
    if (place > refusing) return { gate, verdict: 'skipped', detail: null };
    const refused = place === refusing;
    return {
      gate,
      verdict: refused ? 'refused' : 'passed',
      detail: detailOf(reason, refused, candidate, verdict, scope),
    };
  });
}

function isUsed(reason: Reason, { rule, surroundings }: Candidate): boolean {
  const sends = rule.sends.length > 0;
  const used: Partial<Record<Reason, boolean>> = {
    audience: rule.audience !== null,
    holdout: rule.holdout !== null && surroundings.withHoldouts,
    condition: rule.condition !== null,
    cooldown: rule.cooldown !== null,
    exclusive: rule.exclusive !== null,
    limit: rule.limits.length > 0,
    cap: surroundings.caps.length > 0,
    consent: sends,
    unreachable: sends,
    'quiet-hours': sends && rule.quietHours !== null,
    review: rule.review !== null,
  };
  return used[reason] ?? true;
}

function detailOf(
  reason: Reason,
  refused: boolean,
  candidate: Candidate,
  { quietUntil }: Verdict,
  scope: Scope,
): string | null {
  const { rule, match, cooldownKey, memory, context } = candidate;
  if (reason === 'audience') return conditionWords(rule.audience!.source, rule.audience!.values(scope));
  if (reason === 'condition') return conditionWords(rule.condition!.source, rule.condition!.values(scope));
  if (reason === 'review') return conditionWords(rule.review!.source, rule.review!.values(scope));
  if (!refused) return null;
  if (reason === 'disabled') return 'the rule has `enabled: false`';
  if (reason === 'holdout') return 'this one is in the group that is held out, for good';
  if (reason === 'cooldown') {
    const { forMs } = rule.cooldown!;
    const last = Math.max(
      ...memory.fired.filter(({ key }) => key === cooldownKey).map(({ at }) => at),
      memory.forgotten,
    );
    return `it fired at ${isoOf(last)}; cooldown until ${isoOf(last + forMs)}`;
  }
  if (reason === 'limit') {
    const used = rule.limits.map(({ max, perMs }) => {
      const fired = memory.fired.filter(({ at }) => at > match.at - perMs && at <= match.at).length;
      return `fired ${fired} of ${max} in ${formatDuration(perMs)}`;
    });
    return used.join(', ');
  }
  if (reason === 'exclusive') {
    const hold = context?.holds.find(({ group, until }) => group === rule.exclusive && until >= match.at);
    return `the group ${rule.exclusive} is taken${hold === undefined ? '' : ` by ${hold.rule} until ${isoOf(hold.until)}`}`;
  }
  if (reason === 'cap') return `${context?.fired.length ?? 0} decisions that caps count have fired before`;
  if (reason === 'consent') return `no consent to ${rule.category ?? 'messages'} on ${channelsOf(candidate)}`;
  if (reason === 'unreachable') return `no address is known for ${channelsOf(candidate)}`;
  if (reason === 'quiet-hours') return quietUntil === null ? null : `quiet until ${isoOf(quietUntil)}`;
  return null;
}

function channelsOf({ rule }: Candidate): string {
  return [...new Set(rule.sends.flatMap(({ channel, fallback }) => [channel, ...fallback]))].join(', ');
}

export function conditionWords(source: string, values: JsonObject): string {
  return [source, ...Object.entries(values).map(([name, value]) => `${name} was ${JSON.stringify(value)}`)].join('; ');
}
