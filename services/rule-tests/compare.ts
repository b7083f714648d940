// What a test expects beside what was decided, line by line.
//
// Owns: which decision answers which expectation, and how those left over are paired. Does not own: text (explain.ts).
//
// Invariants:
//   C1. Every expectation and every decision is in exactly one row.
//   C2. An expectation that says more is served first: one about anyone never takes the decision that another one names.

import type { ExpectedDecision } from '../../rules/index.ts';
import type { Decision } from '../../schemas/decision.ts';

export interface Row {
  /** Null: not asked for. */
  readonly expected: ExpectedDecision | null;
  /** Null: it did not happen. */
  readonly decision: Decision | null;
  /** False: the two differ, one is missing where it matters. */
  readonly isRight: boolean;
}

/** Rows in order of time. A suppressed decision that nobody asked for is right; a fired one is not. */
export function compare(expected: readonly ExpectedDecision[], decisions: readonly Decision[]): readonly Row[] {
  const rows: Row[] = [];
  const rest = new Set(decisions);
  const take = (each: ExpectedDecision, decision: Decision | undefined, isRight: boolean): boolean => {
    if (decision === undefined) return false;
    rest.delete(decision);
    rows.push({ expected: each, decision, isRight });
    return true;
  };
  const mostSaid = [...expected].sort((a, b) => saidBy(b) - saidBy(a));
  const unmet = mostSaid.filter((each) => !take(each, [...rest].find(answers(each)), true));
  for (const each of unmet) {
    if (!take(each, nearest(each, [...rest]), false)) rows.push({ expected: each, decision: null, isRight: false });
  }
  for (const decision of rest) rows.push({ expected: null, decision, isRight: decision.outcome !== 'fired' });
  return rows.sort((a, b) => timeOf(a) - timeOf(b));
}

function saidBy({ entityId, reason }: ExpectedDecision): number {
  return (entityId === null ? 0 : 2) + (reason === null ? 0 : 1);
}

function answers(expected: ExpectedDecision): (decision: Decision) => boolean {
  return (decision) =>
    expected.at === decision.at &&
    expected.outcome === decision.outcome &&
    (expected.reason === null || expected.reason === decision.reason) &&
    isAbout(expected, decision);
}

function isAbout(expected: ExpectedDecision, decision: Decision): boolean {
  return expected.rule === decision.rule && (expected.entityId === null || expected.entityId === decision.entity.id);
}

/** What most likely is the same decision gone otherwise: at the same time another outcome, else the outcome another time. */
function nearest(expected: ExpectedDecision, decisions: readonly Decision[]): Decision | undefined {
  const candidates = decisions.filter((decision) => isAbout(expected, decision));
  const sameTime = candidates.find(({ at }) => at === expected.at);
  if (sameTime !== undefined) return sameTime;
  const distance = ({ at }: Decision): number => Math.abs(at - expected.at);
  return candidates
    .filter(({ outcome }) => outcome === expected.outcome)
    .sort((one, other) => distance(one) - distance(other))[0];
}

function timeOf({ expected, decision }: Row): number {
  return expected?.at ?? decision!.at;
}
