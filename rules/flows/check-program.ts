// What is wrong, or probably wrong, with a program as a whole, at its place in the file.
//
// Owns: steps that no flow comes to, waits against the goal's window and what is kept, goals and emitted events against `when`.
// Does not own: what is wrong with one step (steps/).
//
// Invariants:
//   K1. An error is what nobody can have meant; what somebody may have meant is a warning, and the rule is good all the same.
//   K2. Only times that are written down count: a wait until a time of day, or an instant, counts as none.

import { formatDuration } from '../../lib/duration.ts';
import type { RuleBuilder } from '../expressions/rule-builder.ts';
import type { Path } from '../language/parse.ts';
import type { CompiledProgram } from './program.ts';
import { type CompiledStep, END } from './step.ts';
import type { WholeBody } from './whole.ts';

export interface ProgramSurroundings {
  readonly goal: WholeBody['goal'];
  /** As it is written. */
  readonly when: unknown;
  /** Names of events that the rule's pattern looks at. */
  readonly listensTo: readonly string[] | '*';
  /** How long decisions and records of flows are kept, ms; null: for ever, or it is not known. */
  readonly recordsKeptMs: number | null;
}

/** Mistakes and warnings go to the builder. */
export function checkProgram(program: CompiledProgram, around: ProgramSurroundings, builder: RuleBuilder): void {
  const arrivals = latestArrivals(program.steps);
  // Where a step leads that has a mistake is not known.
  if (program.steps.every(({ kind }) => kind !== 'none')) checkReached(program.steps, arrivals, builder);
  checkGoalWindow(program, arrivals, builder);
  checkKept(program.steps, arrivals, around, builder);
  checkGoalIsNoTrigger(around, builder);
  for (const { emits, path } of program.steps) {
    if (emits === undefined || !isFedBy(emits, around)) continue;
    const hint = 'its flows begin anew, 8 deep, then the event is dropped: emit another name, or listen to another one';
    builder.warning([...path, 'event'], `the rule listens to "${emits}", which it emits itself`, hint);
  }
}

/** Where a flow may go from the step, END left out. */
function waysFrom(step: CompiledStep): number[] {
  const ways = step.branches.map(({ to }) => to);
  if (step.onwards?.length !== 0) ways.push(step.next);
  return ways.filter((to) => to !== END);
}

/** By number, how long after the match a flow comes to the step at the latest, ms (K2); those that none comes to are left out. */
function latestArrivals(steps: readonly CompiledStep[]): ReadonlyMap<number, number> {
  const arrivals = new Map<number, number>(steps.length === 0 ? [] : [[0, 0]]);
  // What follows a step has a higher number (P1 of program.ts).
  for (const step of steps) {
    const arrival = arrivals.get(step.number);
    if (arrival === undefined) continue;
    const left = arrival + (step.longestMs ?? 0);
    for (const to of waysFrom(step)) arrivals.set(to, Math.max(arrivals.get(to) ?? 0, left));
  }
  return arrivals;
}

/** Of steps one behind the other, or within another, that are not reached, the first is reported. */
function checkReached(steps: readonly CompiledStep[], arrivals: ReadonlyMap<number, number>, builder: RuleBuilder) {
  const lost = new Set(steps.filter(({ number }) => !arrivals.has(number)).map(({ place }) => place));
  for (const { place, path } of steps) {
    if (!lost.has(place)) continue;
    const lists = place.split('.');
    const before = [...lists.slice(0, -1), Number(lists.at(-1)) - 1].join('.');
    const around = lists.slice(0, -2).join('.');
    if (lost.has(before) || lost.has(around)) continue;
    const hint = 'put it before the exit, or take it out';
    builder.error(path.slice(0, -1), 'this step is never reached: every way to it ends with an exit', hint);
  }
}

/** The first step with which a way may last longer than `ms`, and from which it goes on. */
function firstBeyond(steps: readonly CompiledStep[], arrivals: ReadonlyMap<number, number>, ms: number) {
  for (const step of steps) {
    const arrival = arrivals.get(step.number);
    if (arrival === undefined || arrival > ms) continue;
    const left = arrival + (step.longestMs ?? 0);
    if (left > ms && waysFrom(step).length > 0) return { path: step.path, left };
  }
  return null;
}

/** A wait at the end, which holds a group or keeps others out, may last longer. */
function checkGoalWindow(
  { steps, goal }: CompiledProgram,
  arrivals: ReadonlyMap<number, number>,
  builder: RuleBuilder,
) {
  const beyond = goal === null ? null : firstBeyond(steps, arrivals, goal.withinMs);
  if (goal === null || beyond === null) return;
  const window = formatDuration(goal.withinMs);
  builder.warning(
    beyond.path,
    `flows may have waited ${formatDuration(beyond.left)} after this, and the goal is looked for within ${window} only`,
    'who reaches it later gets what follows all the same: make goal.within longer, or the waits shorter',
  );
}

function checkKept(
  steps: readonly CompiledStep[],
  arrivals: ReadonlyMap<number, number>,
  { recordsKeptMs }: ProgramSurroundings,
  builder: RuleBuilder,
): void {
  const beyond = recordsKeptMs === null ? null : firstBeyond(steps, arrivals, recordsKeptMs);
  if (recordsKeptMs === null || beyond === null) return;
  const kept = formatDuration(recordsKeptMs);
  builder.warning(
    beyond.path,
    `flows may have waited ${formatDuration(beyond.left)} after this, and their records are kept for ${kept}`,
    'they go on, but how they began can no longer be told then: topics.retention.public may be longer',
  );
}

function isFedBy(event: string, { when, listensTo }: ProgramSurroundings): boolean {
  return listensTo === '*' ? asksFor(event, when) : listensTo.includes(event);
}

/** Patterns that take any event where they name none. */
const ANY_BY_DEFAULT = ['inactive', 'session'] as const;

/** Whether an event of this name is asked for in what is written: a pattern may look at all for want of one in between. */
function asksFor(event: string, when: unknown): boolean {
  if (typeof when !== 'object' || when === null) return false;
  const written = when as Readonly<Record<string, unknown>>;
  const isAny = ANY_BY_DEFAULT.some((kind) => {
    const own = written[kind];
    return typeof own === 'object' && own !== null && !('event' in own);
  });
  const named = [written['event'], written['of'], written['after']].flat();
  return (
    isAny ||
    named.some((name) => name === event || name === '*') ||
    Object.values(written).some((part) => asksFor(event, part))
  );
}

/** Events that make the match by themselves, with the condition on each. */
function triggersOf(when: unknown): { readonly names: readonly unknown[]; readonly where: unknown }[] {
  if (typeof when !== 'object' || when === null) return [];
  const { event, where, count, aggregate, threshold, any } = when as Readonly<Record<string, unknown>>;
  if (event !== undefined) return [{ names: [event].flat(), where }];
  return [count, aggregate, threshold, ...(Array.isArray(any) ? any : [])].flatMap(triggersOf);
}

function checkGoalIsNoTrigger({ goal, when }: ProgramSurroundings, builder: RuleBuilder): void {
  if (goal?.event === undefined) return;
  const names = [goal.event].flat();
  const isTrigger = triggersOf(when).some((trigger) => {
    const isSame = goal.where === undefined || goal.where === trigger.where;
    return isSame && names.every((name) => trigger.names.includes(name));
  });
  if (!isTrigger) return;
  const path: Path = ['goal', 'event'];
  const hint =
    'add a where that tells the two apart, such as event.properties.id != first.properties.id with as: first';
  builder.warning(path, `the goal is what the flow begins with: the next "${names.join('" or "')}" ends it`, hint);
}
