// A flow as people and programs see it: where it is, since when and until when, for what it waits, how it ended.
//
// Owns: the words, and making them of a flow as it is kept. Does not own: making them of records (services/flows/from-records.ts).

import { type Flow, isAlive, variantOf } from '../../rules/flows/flow.ts';
import { labelAt } from '../../rules/flows/moving.ts';
import type { CompiledStep } from '../../rules/flows/step.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { EntityRef } from '../../schemas/decision.ts';

/** Times are ISO-8601 with ms. */
export interface FlowJson {
  /** The decision that began it. */
  readonly flow: string;
  readonly rule: string;
  /** Of the version by which it goes. */
  readonly ruleVersion: string;
  readonly entity: EntityRef;
  /** Null: the record of its beginning is no longer there. */
  readonly startedAt: string | null;
  /** Where it waits, or waited last; null: it never did. */
  readonly step: FlowStepJson | null;
  readonly variant: string | null;
  /** Null: it lives. */
  readonly ended: { readonly at: string; readonly reason: string; readonly by: string | null } | null;
}

export interface FlowStepJson {
  readonly number: number;
  readonly name: string | null;
  /** What it does; null: its version of the rule is not known. */
  readonly words: string | null;
  readonly since: string;
  /** When the wait is over by itself. */
  readonly until: string;
  /** What it waits for; null: for that time alone. */
  readonly waitsFor: string | null;
}

/** A flow that lives, as it is kept; of one that ended only its goal is still looked for. */
export function flowJson(flow: Flow, { type, id }: EntityRef, rules: RuleSet): FlowJson | null {
  if (!isAlive(flow)) return null;
  const { rule, version, step, since, until } = flow;
  const known = rules.rule(rule)?.version === version ? rules.rule(rule) : rules.former(rule, version);
  const place = { number: step, name: labelAt(flow.outline, step).name };
  return {
    flow: flow.id,
    rule,
    ruleVersion: version,
    entity: { type, id },
    startedAt: isoOf(flow.startedAt),
    step: { ...place, ...wordsOf(known?.program.steps[step], flow.held), since: isoOf(since), until: isoOf(until) },
    variant: variantOf(flow),
    ended: null,
  };
}

/** `held`: why a step waits that is none of waiting by nature; '' else. */
export function wordsOf(
  step: CompiledStep | undefined,
  held: string,
): { readonly words: string | null; readonly waitsFor: string | null } {
  return { words: step?.words ?? null, waitsFor: HELD[held] ?? step?.waitsFor ?? null };
}

const HELD: Readonly<Record<string, string>> = {
  'quiet-hours': 'the end of quiet hours',
  moved: 'the end of the wait that it was in when its rule changed',
};

export function isoOf(time: number): string {
  return new Date(time).toISOString();
}
