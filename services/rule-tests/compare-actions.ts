// What messages a test expects beside those that would have been sent, line by line.
//
// Invariants:
//   M1. Every expectation and every action is in exactly one row; an action that nobody expected is wrong.
//   M2. An expectation that says more is served first: one about any message never takes the one that another names.

import { isDeepStrictEqual } from 'node:util';
import type { ExpectedAction } from '../../rules/index.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { Action } from '../../schemas/action.ts';

export interface MessageRow {
  /** Null: not expected. */
  readonly expected: ExpectedAction | null;
  /** Null: it was not sent. */
  readonly action: Action | null;
  /** Of the step that sent it; null: it has none, or nothing was sent. */
  readonly stepName: string | null;
  readonly isRight: boolean;
}

export function compareActions(
  expected: readonly ExpectedAction[],
  actions: readonly Action[],
  rules: RuleSet,
): readonly MessageRow[] {
  const rest = new Set(actions);
  const rows: MessageRow[] = [];
  const add = (one: ExpectedAction | null, action: Action | null, isRight: boolean): void => {
    const stepName = action === null ? null : nameOf(action, rules);
    rows.push({ expected: one, action, stepName, isRight });
  };
  const mostSaid = [...expected].sort((a, b) => saidBy(b) - saidBy(a));
  const unmet = mostSaid.filter((each) => {
    const action = [...rest].find((one) => answers(each, one, rules));
    if (action === undefined) return true;
    rest.delete(action);
    add(each, action, true);
    return false;
  });
  for (const each of unmet) {
    // The same step at another time, or another message at that time, is what most likely went otherwise.
    const near = [...rest].find((one) => one.rule === each.rule && (one.at === each.at || isStep(each, one, rules)));
    if (near !== undefined) rest.delete(near);
    add(each, near ?? null, false);
  }
  for (const action of rest) add(null, action, false);
  const timeOf = (row: MessageRow): number => row.expected?.at ?? row.action!.at;
  return rows.sort((a, b) => timeOf(a) - timeOf(b));
}

/** How many things it asks of a message, beside its time. */
function saidBy({ entityId, channel, template, step, name, data }: ExpectedAction): number {
  const asked = [entityId, channel, template, step, name].filter((one) => one !== null);
  return asked.length + Object.keys(data).length;
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
  return name === null || nameOf(action, rules) === name;
}

function nameOf({ rule, step }: Action, rules: RuleSet): string | null {
  return rules.rule(rule)?.program.steps[step]?.name ?? null;
}
