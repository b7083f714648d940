// What messages a test expects beside those that would have been sent, line by line.
//
// Invariants:
//   M1. Every expectation and every action is in exactly one row; an action that nobody expected is wrong.

import { isDeepStrictEqual } from 'node:util';
import type { ExpectedAction } from '../../rules/index.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { Action } from '../../schemas/action.ts';

export interface MessageRow {
  /** Null: not expected. */
  readonly expected: ExpectedAction | null;
  /** Null: it was not sent. */
  readonly action: Action | null;
  readonly isRight: boolean;
}

export function compareActions(
  expected: readonly ExpectedAction[],
  actions: readonly Action[],
  rules: RuleSet,
): readonly MessageRow[] {
  const rest = new Set(actions);
  const rows: MessageRow[] = [];
  const unmet = expected.filter((each) => {
    const action = [...rest].find((one) => answers(each, one, rules));
    if (action === undefined) return true;
    rest.delete(action);
    rows.push({ expected: each, action, isRight: true });
    return false;
  });
  for (const each of unmet) {
    // The same step at another time, or another message at that time, is what most likely went otherwise.
    const near = [...rest].find((one) => one.rule === each.rule && (one.at === each.at || isStep(each, one, rules)));
    if (near !== undefined) rest.delete(near);
    rows.push({ expected: each, action: near ?? null, isRight: false });
  }
  for (const action of rest) rows.push({ expected: null, action, isRight: false });
  const timeOf = (row: MessageRow): number => row.expected?.at ?? row.action!.at;
  return rows.sort((a, b) => timeOf(a) - timeOf(b));
}

function answers(expected: ExpectedAction, action: Action, rules: RuleSet): boolean {
  const { at, entityId, rule, channel, template, data } = expected;
  return (
    action.at === at &&
    action.rule === rule &&
    (entityId === null || action.entity.id === entityId) &&
    (channel === null || action.channel === channel) &&
    (template === null || action.template === template) &&
    isStep(expected, action, rules) &&
    Object.entries(data).every(([name, value]) => isDeepStrictEqual(action.data[name], value))
  );
}

function isStep({ step, name }: ExpectedAction, action: Action, rules: RuleSet): boolean {
  if (step !== null && action.step !== step) return false;
  return name === null || rules.rule(action.rule)?.program.steps[action.step]?.name === name;
}
