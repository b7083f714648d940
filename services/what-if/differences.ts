// What two sets of rules decide otherwise, person by person.
//
// Owns: which decision of one side answers which of the other, and what is called a difference. Does not own: where decisions come
// from (what-if.ts), figures of people (backtest/people.ts).
//
// Invariants:
//   D1. Both sides of a pair are of one rule and one entity. First by id (the same match), then by the first event of the match, in
//       order of time; what is left has no counterpart.
//   D2. Of decisions with one id the last counts: what was deferred, and fired later, fired.
//   D3. A match that fired on neither side is a difference only by its reason.
//   D4. A digest that goes out is a decision of its own, and is paired with digests only.

import type { DecisionJson } from '../../schemas/decision.ts';

/**
 * fires: it fires now and did not. silent: it fired and does not now. earlier, later: both fire, at another time. channel: both fire at
 * one time, and messages go elsewhere. variant: they go to the same channels in another variant. flow: the same, and a message goes at
 * another time, or the flow ends or reaches its goal otherwise. reason: neither fires, for another reason.
 */
export const DIFFERENCE_KINDS = [
  'fires',
  'silent',
  'earlier',
  'later',
  'channel',
  'variant',
  'flow',
  'reason',
] as const;
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];

/** A decision with what came of it. */
export interface Decided {
  readonly decision: DecisionJson;
  /** Of its messages, in the order of its sends. */
  readonly channels: readonly string[];
  /** When they go, in the same order, ISO-8601. */
  readonly sentAt: readonly string[];
  /** Null: its steps are sends alone, or it did not fire. */
  readonly flow: FlowCourse | null;
}

/** How a flow went; times in ISO-8601. */
export interface FlowCourse {
  /** The variant that was chosen last. */
  readonly variant: string | null;
  /** When its goal was reached first. */
  readonly goalAt: string | null;
  /** Null: it lives. */
  readonly ended: string | null;
  readonly endedAt: string | null;
}

export interface RuleDifference {
  readonly kind: DifferenceKind;
  readonly rule: string;
  readonly entity: DecisionJson['entity'];
  /** Null: no such match. */
  readonly baseline: Decided | null;
  readonly now: Decided | null;
}

/** Of one rule and one entity; both sides in order of time. */
export function differencesOf(baseline: readonly Decided[], now: readonly Decided[]): readonly RuleDifference[] {
  const found: RuleDifference[] = [];
  const tell = (before: Decided | null, after: Decided | null): void => {
    const kind = kindOf(before, after);
    if (kind === null) return;
    const { rule, entity } = (after ?? before)!.decision;
    found.push({ kind, rule, entity, baseline: before, now: after });
  };
  const [left, right] = [lastOfEach(baseline), lastOfEach(now)];
  const rest = paired(left, right, ({ decision }) => decision.id, tell);
  const single = paired(
    rest.left,
    rest.right,
    ({ decision }) => `${decision.digest === undefined} ${decision.events[0] ?? ''}`,
    tell,
  );
  for (const each of single.left) tell(each, null);
  for (const each of single.right) tell(null, each);
  return found.sort((a, b) => (timeOf(a) === timeOf(b) ? 0 : timeOf(a) < timeOf(b) ? -1 : 1));
}

/** Null: there is none that counts. */
function kindOf(baseline: Decided | null, now: Decided | null): DifferenceKind | null {
  const fired = baseline?.decision.outcome === 'fired';
  const fires = now?.decision.outcome === 'fired';
  if (fired !== fires) return fires ? 'fires' : 'silent';
  if (baseline === null || now === null) return null;
  if (!fires) return baseline.decision.reason === now.decision.reason ? null : 'reason';
  if (baseline.decision.at !== now.decision.at) return now.decision.at < baseline.decision.at ? 'earlier' : 'later';
  if (baseline.channels.join() !== now.channels.join()) return 'channel';
  const [was, is] = [baseline.flow, now.flow];
  if (was !== null && is !== null && was.variant !== is.variant) return 'variant';
  if (baseline.sentAt.join() !== now.sentAt.join()) return 'flow';
  // Where one side has no flow, it has nothing to end.
  return was === null || is === null || isSame(was, is) ? null : 'flow';
}

function isSame(was: FlowCourse, is: FlowCourse): boolean {
  return was.goalAt === is.goalAt && was.ended === is.ended && was.endedAt === is.endedAt;
}

/** D2. */
function lastOfEach(decided: readonly Decided[]): readonly Decided[] {
  return [...new Map(decided.map((each) => [each.decision.id, each])).values()];
}

/** Tells the pairs with equal keys, each in their order, and gives what is left of both sides. */
function paired(
  left: readonly Decided[],
  right: readonly Decided[],
  keyOf: (decided: Decided) => string,
  tell: (left: Decided, right: Decided) => void,
): { readonly left: readonly Decided[]; readonly right: readonly Decided[] } {
  const waiting = Map.groupBy(left, keyOf);
  const unpaired = right.filter((each) => {
    const first = waiting.get(keyOf(each))?.shift();
    if (first === undefined) return true;
    tell(first, each);
    return false;
  });
  const rest = new Set([...waiting.values()].flat());
  return { left: left.filter((each) => rest.has(each)), right: unpaired };
}

function timeOf({ baseline, now }: RuleDifference): string {
  return (now ?? baseline)!.decision.at;
}
