// Flows that go on: with an event, when a wait is over, when somebody answers.
//
// Invariants:
//   A1. A flow goes in event-time order: it sees the events stamped t, then what is due at t.
//   A2. Goals and what stops come first: no step runs at the moment at which its flow ends.

import { type Flow, isAlive } from '../../../rules/flows/flow.ts';
import { movedTo } from '../../../rules/flows/moving.ts';
import type { Answer, CompiledStep, Move } from '../../../rules/flows/step.ts';
import { type EventFilter, matchesFilter } from '../../../rules/patterns/definition.ts';
import { type CompiledRule, compareRules } from '../../../rules/project/compiled-rule.ts';
import type { RuleSet } from '../../../rules/project/rule-set.ts';
import type { Event } from '../../../schemas/event.ts';
import type { Visit } from '../visit.ts';
import { depthOf } from './emitted.ts';
import { endFlow } from './end.ts';
import { flowsOf, keepFlows, namesOf } from './known.ts';
import { recordOf } from './records.ts';
import { FlowRun } from './run.ts';

/** An event of the entity, in event-time order. */
export function flowsSee(visit: Visit, event: Event): void {
  const { document, rules, entity } = visit;
  const concerned = rules.flowing(entity.type, event.event);
  if (concerned.length === 0) return;
  const flows = flowsOf(document.sections);
  if (flows.length === 0) return;
  const meant = inOrder(
    rules,
    flows.filter((flow) => event.time > flow.startedAt && concerned.some(({ id }) => id === flow.rule)),
  );
  if (meant.length === 0) return;
  for (const flow of meant) seekGoal(visit, flow, event);
  for (const flow of meant) stop(visit, flow, event);
  for (const flow of meant) {
    if (!isAlive(flow) || event.time <= flow.since || flow.held !== '') continue;
    goOn(visit, flow, event.time, (step, run) => {
      const move = listens(step, event) ? step.onEvent!(run, event) : null;
      if (move !== null) flow.depth = depthOf(event);
      return move;
    });
  }
  keepFlows(document.sections, flowsOf(document.sections));
}

function listens({ listensTo }: CompiledStep, { event }: Event): boolean {
  return listensTo === '*' || listensTo?.includes(event) === true;
}

function seekGoal(visit: Visit, flow: Flow, event: Event): void {
  if (flow.goalUntil < event.time) return;
  const goal = ruleOf(visit, flow)?.program.goal ?? null;
  if (goal === null || !fits(visit, flow, goal.filter, event)) return;
  flow.goalUntil = -1;
  visit.output.flow(recordOf(flow, visit.entity, { at: event.time, kind: 'goal' }));
  if (isAlive(flow)) endFlow(visit, flow, 'goal', event.time);
}

function stop(visit: Visit, flow: Flow, event: Event): void {
  if (!isAlive(flow)) return;
  const filters = ruleOf(visit, flow)?.program.stopOn ?? [];
  if (filters.some((filter) => fits(visit, flow, filter, event))) endFlow(visit, flow, 'stopped', event.time);
}

function fits(visit: Visit, flow: Flow, filter: EventFilter, event: Event): boolean {
  const rule = ruleOf(visit, flow);
  if (rule === undefined) return false;
  const scope = visit.scopeOf('event-time');
  scope.now = event.time;
  const failed = (source: string, error: unknown) => visit.output.failed(rule, source, error);
  return matchesFilter(filter, event, namesOf(flow), { scope, failed });
}

/** The first of the flows whose wait is over at `at` goes on. */
export function dueFlowGoesOn(visit: Visit, at: number): void {
  const { document, rules } = visit;
  const due = flowsOf(document.sections).filter((flow) => isAlive(flow) && flow.until <= at);
  const [flow] = inOrder(rules, due);
  if (flow === undefined) return;
  // What time brings is no loop.
  flow.depth = 0;
  const isHeld = flow.held !== '';
  goOn(visit, flow, flow.until, (step, run) =>
    isHeld || step.onDeadline === undefined ? { to: step.number } : step.onDeadline(run),
  );
  keepFlows(document.sections, flowsOf(document.sections));
}

/** Of one moment: by the order of their rules, then as they began. */
function inOrder(rules: RuleSet, flows: readonly Flow[]): readonly Flow[] {
  if (flows.length < 2) return flows;
  return flows.toSorted((a, b) => {
    const [one, other] = [rules.rule(a.rule), rules.rule(b.rule)];
    const byRule = one === undefined || other === undefined ? 0 : compareRules(one, other);
    return byRule || a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1);
  });
}

/** Somebody answered a flow that waits for it. False: there is none such. */
export function flowAnswered(visit: Visit, id: string, answer: Answer, at: number): boolean {
  const { sections } = visit.document;
  // An answer counts after the question.
  const flow = flowsOf(sections).find((one) => one.id === id && isAlive(one) && one.since < at);
  if (flow === undefined) return false;
  const took = goOn(visit, flow, at, (step, run) => step.onAnswer?.(run, answer) ?? null);
  keepFlows(sections, flowsOf(sections));
  return took;
}

/** Somebody is to answer a flow that waits for a person: a record says who. False: there is none such. */
export function flowAssigned(
  visit: Visit,
  id: string,
  said: { readonly to: string; readonly by: string },
  at: number,
): boolean {
  const flow = flowsOf(visit.document.sections).find((one) => one.id === id && isAlive(one) && one.since < at);
  const step = flow === undefined ? undefined : ruleOf(visit, flow)?.program.steps[flow.step];
  if (flow === undefined || flow.held !== '' || step?.onAnswer === undefined) return false;
  visit.output.flow(recordOf(flow, visit.entity, { at, kind: 'assigned', step, reason: said.to, by: said.by }));
  return true;
}

type Ask = (step: CompiledStep, run: FlowRun) => Move | null;

function goOn(visit: Visit, flow: Flow, at: number, ask: Ask): boolean {
  const rule = ruleOf(visit, flow);
  if (rule === undefined) return false;
  const scope = visit.scopeOf('event-time');
  scope.now = at;
  scope.event = flow.match.event;
  scope.captures = namesOf(flow);
  const failed = (source: string, error: unknown) => visit.output.failed(rule, source, error);
  const run = new FlowRun({ visit, rule, flow, at, scope, failed, isMatch: false, isInOrder: true });
  if (!run.wakes((step) => ask(step, run))) return false;
  run.carryOut();
  if (run.ended !== null) endFlow(visit, flow, run.ended, at);
  return true;
}

/** The rule by which the flow goes: of the version that it began with, where it finishes by that one. */
function ruleOf({ rules }: Visit, flow: Flow): CompiledRule | undefined {
  const rule = rules.rule(flow.rule);
  if (rule?.version === flow.version) return rule;
  return rules.former(flow.rule, flow.version) ?? rule;
}

/** To be called when rules may have changed since the entity was last looked at, at event time `at`, ms. */
export function fitFlows(visit: Visit, at: number): void {
  const { rules, document } = visit;
  const flows = flowsOf(document.sections);
  if (flows.length === 0) return;
  let isChanged = false;
  for (const flow of flows) {
    const rule = rules.rule(flow.rule);
    if (rule?.version === flow.version && rule.enabled) continue;
    if (!isAlive(flow)) {
      if (rule === undefined) flow.goalUntil = -1;
      continue;
    }
    // Of a rule that is gone, what it said itself counts.
    const former = rules.former(flow.rule, flow.version);
    const inFlight = (rule ?? former)?.program.inFlight;
    if (rule?.enabled !== false && inFlight === 'finish' && former !== undefined) continue;
    const isOver = rule === undefined || !rule.enabled || inFlight === 'end';
    isChanged = true;
    if (isOver || !moves(flow, rule)) endFlow(visit, flow, 'changed', Math.max(at, flow.since));
  }
  if (isChanged) keepFlows(document.sections, flows);
}

/** False: nothing of what was to come is left. */
function moves(flow: Flow, { program, version }: CompiledRule): boolean {
  const moved = movedTo(flow.outline, flow.step, program.outline);
  if (moved === null) return false;
  flow.version = version;
  flow.outline = program.outline;
  flow.isMoved = true;
  flow.step = moved.to;
  if (!moved.stays) flow.held = 'moved';
  return true;
}
