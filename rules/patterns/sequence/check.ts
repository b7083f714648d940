// What does not fit together in a sequence, each with its place and what to do.
//
// Owns: the rules of combination (docs/rules.md, Sequences). Does not own: expressions and names (compile.ts).

import type { Path } from '../../language/parse.ts';
import type { PatternTools } from '../definition.ts';
import type { SequenceBody } from './schema.ts';

export type StepBody = NonNullable<NonNullable<SequenceBody['steps']>[number]>;
export type PositiveBody = Omit<StepBody, 'not'>;

export function isNot(step: StepBody): boolean {
  return step.not !== undefined;
}

/** How often the step occurs when it occurs; `min` is at least 1. */
export function timesOf({ times }: PositiveBody): { min: number; max: number } {
  if (times === undefined) return { min: 1, max: 1 };
  return { min: Math.max(1, times.min ?? 1), max: times.max ?? Infinity };
}

export function isOptional(step: PositiveBody): boolean {
  return step.optional === true || step.times?.min === 0;
}

export function checkSteps(body: SequenceBody, tools: PatternTools): void {
  const steps = body.steps ?? [];
  for (const [index, step] of steps.entries()) {
    const path = [...tools.path, 'steps', index];
    if (step === undefined) continue;
    if (isNot(step)) checkNot(step, steps, index, path, tools);
    else checkStep(step, steps, index, path, tools);
  }
  const loops = positive(steps).some((step) => timesOf(step).max === Infinity);
  if (body.until !== undefined && !loops) {
    const hint = 'it ends steps that repeat without bound, such as times: { min: 1 }';
    tools.error([...tools.path, 'until'], '"until" has nothing to end', hint);
  }
}

/** A step with a mistake of shape keeps its place, as undefined. */
type Steps = readonly (StepBody | undefined)[];

function positive(steps: Steps): PositiveBody[] {
  return steps.filter((step) => step !== undefined && !isNot(step)) as PositiveBody[];
}

function checkNot(step: StepBody, steps: Steps, index: number, path: Path, tools: PatternTools): void {
  for (const field of ['event', 'where', 'as', 'times', 'optional', 'greedy'] as const) {
    if (step[field] === undefined) continue;
    const hint = field === 'where' ? 'put it into not: { event, where }' : 'a not step has "not" and "next" only';
    tools.error([...path, field], `"${field}" does not belong beside "not"`, hint);
  }
  if (step.next === 'any') {
    tools.error([...path, 'next'], '"next" of a not step is strict or relaxed', 'strict: not as the very next event');
  }
  if (index === 0) tools.error(path, 'a sequence cannot begin with "not"', 'begin with an event');
  const behind = positive(steps.slice(index + 1));
  if (behind.length > 0 && behind.every(isOptional)) {
    const hint = 'nothing after it has to come: it would forbid nothing';
    tools.error(path, 'a "not" cannot be followed by optional steps only', hint);
  }
  if (behind.length === 0 && !tools.isWritten([...tools.path, 'within'])) {
    const hint = 'within: 1h says for how long it must not come';
    tools.error(path, 'a "not" at the end needs "within" in the sequence', hint);
  }
}

function checkStep(step: StepBody, steps: Steps, index: number, path: Path, tools: PatternTools): void {
  const { min, max } = timesOf(step);
  if (!['event', 'not'].some((field) => tools.isWritten([...path, field]))) {
    tools.error(path, 'a step needs "event" or "not"', 'such as { event: purchase } or { not: { event: purchase } }');
  }
  if (index === 0 && step.next !== undefined) {
    tools.error(
      [...path, 'next'],
      '"next" has no meaning in the first step',
      'how repetitions follow is times: { next }',
    );
  }
  if (max < Math.max(min, step.times?.min ?? 1)) {
    tools.error([...path, 'times', 'max'], '"max" must be at least "min"');
  }
  if (max === 1 && step.times?.next !== undefined) {
    tools.error(
      [...path, 'times', 'next'],
      '"next" has no meaning in a step that does not repeat',
      'put it beside "times"',
    );
  }
  if (step.greedy !== true) return;
  if (min === max && !isOptional(step)) {
    tools.error([...path, 'greedy'], '"greedy" needs a step that may take more or fewer', 'such as times: { min: 1 }');
  }
  const [next] = positive(steps.slice(index + 1));
  if (next !== undefined && isOptional(next)) {
    tools.error([...path, 'greedy'], 'a greedy step cannot stand before an optional one', 'leave out greedy');
  }
}
