// The flows of an entity as they are kept: who looks them up, when the first of them is due, when they are forgotten.
//
// Invariants:
//   K1. An ended flow is kept while its goal is looked for, and until everything up to its end has been decided.

import { capturesOf, type Flow, flowList, isAlive } from '../../../rules/flows/flow.ts';
import type { KnownFlows } from '../../../rules/gates/gate.ts';
import type { RuleSet } from '../../../rules/project/rule-set.ts';
import type { Sections } from '../../../schemas/section.ts';

const NONE: readonly Flow[] = Object.freeze([]);

export function flowsOf(sections: Sections): readonly Flow[] {
  return sections.open(flowList) ?? NONE;
}

/** Keeps them, with what was changed within them. */
export function keepFlows(sections: Sections, flows: readonly Flow[]): void {
  sections.put(flowList, flows.length === 0 ? null : [...flows]);
}

/** Drops what is no longer asked (K1). `settled`: everything up to this event time has been decided, ms. */
export function forgetFlows(sections: Sections, settled: number): void {
  const flows = flowsOf(sections);
  const kept = flows.filter((flow) => isAlive(flow) || flow.goalUntil > settled || flow.endedAt > settled);
  if (kept.length < flows.length) keepFlows(sections, kept);
}

export function knownFlows(sections: Sections, rules: RuleSet): KnownFlows {
  return {
    lives: (rule, by, at) =>
      flowsOf(sections).some((flow) => flow.rule === rule && flow.by === by && livesFrom(flow, at)),
    beginsAfter: (rule, by, at) =>
      flowsOf(sections).some(
        (flow) => flow.rule === rule && flow.by === by && flow.startedAt > at && livesFrom(flow, at),
      ),
    began: (rule, by, from) =>
      flowsOf(sections).some(
        (flow) => flow.rule === rule && flow.by === by && flow.startedAt === from && isAlive(flow),
      ),
    count: (at) => flowsOf(sections).reduce((count, flow) => count + (livesFrom(flow, at) ? 1 : 0), 0),
    priorityOf: (rule) => rules.rule(rule)?.priority,
  };
}

/** Whether it lives at `at`, or begins after it. A flow that ended where it began lived for no time. */
function livesFrom({ endedAt, startedAt }: Flow, at: number): boolean {
  return endedAt < 0 || (endedAt > at && endedAt > startedAt);
}

/** Whether a flow of the rule lives at this moment, for inFlow(); `but`: those of these ids. */
export function isInFlow(sections: Sections, rule: string, at: number, but: ReadonlySet<string>): boolean {
  return flowsOf(sections).some(
    (flow) =>
      flow.rule === rule && !but.has(flow.id) && flow.startedAt <= at && (flow.endedAt < 0 || at < flow.endedAt),
  );
}

/** What expressions of the flow's steps read. */
export function namesOf(flow: Flow): Readonly<Record<string, unknown>> & ReturnType<typeof capturesOf> {
  const { id, rule, startedAt } = flow;
  return { ...capturesOf(flow), flow: { id, rule, startedAt: new Date(startedAt) } } as never;
}
