// The beginning of a flow: its first steps are walked at the match, before the decision is made; once it has fired they are
// carried out.

import type { ExpressionFailed, Scope } from '../../../rules/expressions/scope.ts';
import { type EndReason, type Flow, isAlive } from '../../../rules/flows/flow.ts';
import { END } from '../../../rules/flows/step.ts';
import { holdersOf, holdUntil } from '../../../rules/gates/exclusive.ts';
import { heldMatchOf } from '../../../rules/patterns/held-match.ts';
import type { Match } from '../../../rules/patterns/pattern.ts';
import type { CompiledRule } from '../../../rules/project/compiled-rule.ts';
import type { Event } from '../../../schemas/event.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import type { DecisionTrace, Visit } from '../visit.ts';
import { depthOf } from './emitted.ts';
import { endFlow } from './end.ts';
import { flowsOf, keepFlows, namesOf } from './known.ts';
import { recordOf } from './records.ts';
import { FlowRun } from './run.ts';

/** A match whose flow may begin. */
export interface Beginning {
  /** The decision's id. */
  readonly id: string;
  readonly rule: CompiledRule;
  readonly match: Match;
  readonly by: string;
  /** What a person changed of its messages' data; null: nothing. */
  readonly edited: JsonObject | null;
  readonly isSettled: boolean;
  /** When the match was made, ms: from then on its goal is looked for. */
  readonly matchedAt: number;
}

/** The flow as it would begin, with what its first steps come to. `scope` is that of the decision. */
export function walkAtMatch(visit: Visit, beginning: Beginning, scope: Scope, failed: ExpressionFailed): FlowRun {
  const { rule, match, isSettled } = beginning;
  const flow = flowOf(beginning);
  scope.captures = namesOf(flow);
  scope.ended = new Set(endedBy(visit, flow).map(({ of }) => of.id));
  const run = new FlowRun({ visit, rule, flow, at: match.at, scope, failed, isMatch: true, isInOrder: isSettled });
  run.walk({ to: rule.program.steps.length === 0 ? END : 0 });
  return run;
}

function flowOf({ id, rule, match, matchedAt, by, edited }: Beginning): Flow {
  const { goal, outline } = rule.program;
  return {
    id,
    rule: rule.id,
    version: rule.version,
    by,
    startedAt: match.at,
    match: heldMatchOf(match),
    depth: deepest([match.event, ...(Object.values(match.captures).flat() as Event[])]),
    captures: [],
    chosen: [],
    edited,
    outline,
    isMoved: false,
    step: 0,
    since: match.at,
    until: match.at,
    held: '',
    hasSent: false,
    goalUntil: goal === null ? -1 : matchedAt + goal.withinMs,
    endedAt: -1,
  };
}

function deepest(events: readonly (Event | null)[]): number {
  return events.reduce((depth, event) => Math.max(depth, depthOf(event)), 0);
}

/** The decision has fired: what its flow ends is ended, its first steps are carried out, and it is kept if it lives on. */
export function begin(visit: Visit, run: FlowRun, trace: DecisionTrace | null): void {
  const { document, entity, output } = visit;
  const { flow, at, ended } = run;
  const { program } = visit.rules.rule(flow.rule)!;
  for (const { of, reason } of endedBy(visit, flow)) endFlow(visit, of, reason, at);
  if (program.isFlow) output.flow(recordOf({ ...flow, chosen: [] }, entity, { at, kind: 'entered' }));
  run.carryOut(trace);
  if (!program.isFlow) return;
  if (ended !== null) endFlow(visit, flow, ended, at);
  else holdUntil(document.sections, flow.rule, at, Infinity);
  if (ended === null || flow.goalUntil > at) keepFlows(document.sections, [...flowsOf(document.sections), flow]);
}

/** The flows that end where this one begins: the old one of its rule that it restarts, and those that it pre-empts. */
function endedBy({ document, rules }: Visit, { rule: id, by, startedAt }: Flow): { of: Flow; reason: EndReason }[] {
  const { exclusive, program } = rules.rule(id)!;
  const holders = exclusive?.preempts === true ? holdersOf(document.sections, exclusive.group, startedAt) : [];
  return flowsOf(document.sections).flatMap((of) => {
    if (!isAlive(of)) return [];
    if (program.reentry === 'restart' && of.rule === id && of.by === by) return { of, reason: 'restarted' };
    return holders.includes(of.rule) ? { of, reason: 'pre-empted' } : [];
  });
}

/** Somebody who was held out: whether the goal is reached without the flow is looked for all the same. */
export function watchGoal(visit: Visit, beginning: Beginning): void {
  const flow = flowOf(beginning);
  if (!Number.isFinite(flow.goalUntil) || flow.goalUntil <= flow.startedAt) return;
  const { sections } = visit.document;
  keepFlows(sections, [...flowsOf(sections), { ...flow, endedAt: flow.startedAt }]);
}
