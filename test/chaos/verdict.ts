// Compares what was decided with what the oracle says, user by user, and tells the story of users where they differ.

import { decisionOf } from '../oracle/engine.ts';
import type { OracleDecision, OracleEvent } from '../oracle/oracle.ts';
import type { Outcome } from './outcome.ts';

export interface Difference {
  readonly user: string;
  readonly missing: readonly OracleDecision[];
  /** Decided and not expected, or decided more than once. */
  readonly extra: readonly OracleDecision[];
}

/** Users whose decisions are not the expected ones. */
export function differences(
  outcome: Outcome,
  expected: ReadonlyMap<string, readonly OracleDecision[]>,
  excused: ReadonlySet<string>,
): readonly Difference[] {
  const decided = Map.groupBy(outcome.decisions.map(decisionOf), ({ entity }) => entity);
  const users = [...new Set([...decided.keys(), ...expected.keys()])].filter((user) => !excused.has(user));
  return users.flatMap((user) => {
    const missing = without(expected.get(user) ?? [], decided.get(user) ?? []);
    const extra = without(decided.get(user) ?? [], expected.get(user) ?? []);
    return missing.length + extra.length === 0 ? [] : [{ user, missing, extra }];
  });
}

/**
 * Users with an event that came into the log too late to be on time (workload.ts, E2): what is decided of them depends on
 * the workers' clocks, and no oracle knows it.
 */
export function excusedUsers(
  inputs: readonly (readonly OracleEvent[])[],
  delays: ReadonlyMap<string, number>,
  boundMs: number,
): ReadonlySet<string> {
  const late = inputs.flat().filter(({ messageId }) => delays.get(messageId)! >= boundMs);
  return new Set(late.map(({ userId }) => userId));
}

/** Whether everything expected has been decided, whatever else has been. */
export function isComplete(
  decided: ReadonlySet<string>,
  expected: ReadonlyMap<string, readonly OracleDecision[]>,
  excused: ReadonlySet<string>,
): boolean {
  for (const [user, ofUser] of expected) {
    if (!excused.has(user) && !ofUser.every((one) => decided.has(textOf(one)))) return false;
  }
  return true;
}

/** The same text for the same decision. */
export function textOf({ rule, entity, at, outcome, reason, events }: OracleDecision): string {
  return JSON.stringify([rule, entity, at, outcome, reason, events]);
}

/** What a story is told from. */
export interface Known {
  readonly start: number;
  readonly inputs: readonly (readonly OracleEvent[])[];
  readonly expected: ReadonlyMap<string, readonly OracleDecision[]>;
  readonly delays: ReadonlyMap<string, number>;
  readonly outcome: Outcome;
}

/** All that is known of one user: events, what was expected and decided. Times in ms after the start. */
export function storyOf({ user, missing, extra }: Difference, known: Known): string {
  const { start, inputs, expected, delays, outcome } = known;
  const wrong = new Set(missing.map(textOf));
  const events = inputs
    .flat()
    .filter(({ userId }) => userId === user)
    .map(({ messageId, event, time, properties }) => {
      const delay = delays.get(messageId);
      return {
        time,
        text: `${messageId} ${event} ${JSON.stringify(properties)}, in the log ${delay} ms after its time`,
      };
    });
  const decisions = (expected.get(user) ?? []).map((one) => ({
    time: one.at,
    text: `${wrong.has(textOf(one)) ? 'MISSING' : 'decided'} ${textOf(one)}`,
  }));
  const unexpected = extra.map((one) => ({ time: one.at, text: `EXTRA   ${textOf(one)}` }));
  const late = outcome.late
    .filter(({ entity }) => entity.endsWith(`/${user}`))
    .map(({ messageId, rules }) => ({ time: Number.NaN, text: `late    ${messageId} for ${rules.join()}` }));
  const lines = [...events, ...decisions, ...unexpected].sort((a, b) => a.time - b.time);
  return [...lines, ...late].map(({ time, text }) => `${String(time - start).padStart(8)} ${text}`).join('\n');
}

/** What `all` has and `others` has not, counting repetitions. */
function without(all: readonly OracleDecision[], others: readonly OracleDecision[]): OracleDecision[] {
  const left = new Map<string, number>();
  for (const one of others) left.set(textOf(one), (left.get(textOf(one)) ?? 0) + 1);
  return all.filter((one) => {
    const count = left.get(textOf(one)) ?? 0;
    left.set(textOf(one), count - 1);
    return count <= 0;
  });
}
