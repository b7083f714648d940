// How far back a rule looks: from when on its decisions are right where the beginning of the input is gone.
//
// Owns: the bound, from what is written in the rule. Does not own: what is gone (replay-source.ts).
//
// Invariants:
//   K1. A bound is never too short: what is not known to be bounded is said to be unbounded.

import { parseDuration } from '../../lib/duration.ts';
import { isChannelGate } from '../../rules/gates/gate.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { RuleContext } from '../../rules/project/context.ts';
import type { RuleBody } from '../../rules/project/rule-schema.ts';

/** Patterns that compare with what was last, whenever that was, or count from an entity's first event on. */
const UNBOUNDED = new Set(['threshold', 'change', 'segment', 'at', 'session', 'baseline']);
/** Those that look back without bound unless `within` says how far. */
const BOUNDED_BY_WITHIN = new Set(['sequence', 'all']);
const DURATIONS = new Set(['within', 'for']);
/** A calendar week; a day is shorter. */
const WEEK_MS = 7 * 86_400_000;

/** No time of day is further away where only one day of the week counts, also where clocks are put forward. */
const TIME_OF_DAY_MS = 8 * 86_400_000;
/** Quiet hours hold a message no longer. */
const QUIET_MS = 86_400_000;
const TIME_OF_DAY = /^\d{1,2}:\d\d$/;
/** Fields of steps that say how long at most something lasts, and such whose values are the user's own. */
const LASTING = new Set(['wait', 'for', 'atMost', 'window']);
const OWN = new Set(['data', 'set', 'properties']);

/**
 * Ms; Infinity: without bound. The windows of the pattern, then that of the gates, since what fired before counts for them, and then
 * as long as a flow lasts; a gate whose windows follow each other closely may still differ later.
 */
export function lookBackMs(rule: CompiledRule, body: RuleBody, { caps }: RuleContext): number {
  const { needs, gates, exclusive, program } = rule;
  const { profile, account, attributes, segments, models, history, flows } = needs;
  if (profile || account || attributes.size > 0 || segments.size > 0 || models.size > 0) return Infinity;
  // Flows of other rules, however long they last.
  if (exclusive !== null || flows.size > 0) return Infinity;
  const asked = [needs.sentMs, ...history.values()];
  // last(): the one before, whenever that was.
  if ([...history.values()].includes(0)) return Infinity;
  const held = gates.map((gate) => (isChannelGate(gate) ? 0 : (gate.historyMs ?? 0)));
  const capped = program.sends.length === 0 ? [] : caps.map(({ per }) => (typeof per === 'number' ? per : WEEK_MS));
  const before = patternMs(body.when as Body) + Math.max(0, ...asked) + Math.max(0, ...held, ...capped);
  return before + lastingMs(rule, body);
}

/** How long at most it goes on after it has fired: its waits one after the other, and until its goal no longer counts. */
function lastingMs({ program, gates }: CompiledRule, { then }: RuleBody): number {
  const { goal, sends, isFlow } = program;
  if (!isFlow && sends.every(({ digest }) => digest === null)) return 0;
  const hasQuiet = gates.some((gate) => !isChannelGate(gate) && gate.quietUntil !== undefined);
  const flowMs = stepsMs(then) + (hasQuiet ? sends.length * QUIET_MS : 0);
  return goal === null || goal.withinMs === Infinity ? flowMs : Math.max(flowMs, goal.withinMs);
}

/** The sum over all branches: of those only one is taken. */
function stepsMs(value: unknown, name = ''): number {
  if (typeof value === 'string') {
    if (name === 'until') return TIME_OF_DAY.test(value) ? TIME_OF_DAY_MS : Infinity;
    return LASTING.has(name) ? (parseDuration(value) ?? 0) : 0;
  }
  if (typeof value !== 'object' || value === null) return 0;
  const inner = Array.isArray(value) ? value.map((each) => [name, each] as const) : Object.entries(value);
  return inner.reduce((sum, [field, each]) => (OWN.has(field) ? sum : sum + stepsMs(each, field)), 0);
}

type Body = Readonly<Record<string, unknown>>;

/** The sum of the windows in it: each may begin where the one before ended. */
function patternMs(when: Body): number {
  let sum = 0;
  for (const [name, value] of Object.entries(when)) {
    if (UNBOUNDED.has(name)) return Infinity;
    if (BOUNDED_BY_WITHIN.has(name) && !hasWithin(when, value)) return Infinity;
    if (DURATIONS.has(name) && typeof value === 'string') sum += parseDuration(value) ?? 0;
    for (const inner of Array.isArray(value) ? value : [value]) {
      if (typeof inner === 'object' && inner !== null) sum += patternMs(inner as Body);
    }
  }
  return sum;
}

/** A sequence has its own; `all` has it beside it. */
function hasWithin(when: Body, value: unknown): boolean {
  return when['within'] !== undefined || (value as Body | null)?.['within'] !== undefined;
}
