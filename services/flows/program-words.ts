// Programs in words that drawings, explanations and comparisons share.

import { formatDuration } from '../../lib/duration.ts';
import type { CompiledProgram } from '../../rules/flows/index.ts';
import type { EventFilter } from '../../rules/patterns/definition.ts';
import type { FlowStepChange } from './in-flight.ts';

/** What ends a flow wherever it is: its goal, then what stops it. */
export function endsInWords({ goal, stopOn }: Pick<CompiledProgram, 'goal' | 'stopOn'>): readonly string[] {
  const within = goal !== null && Number.isFinite(goal.withinMs) ? ` within ${formatDuration(goal.withinMs)}` : '';
  return [
    ...(goal === null ? [] : [`goal: ${filterWords(goal.filter)}${within}`]),
    ...stopOn.map((filter) => `stopOn: ${filterWords(filter)}`),
  ];
}

function filterWords({ names, where }: EventFilter): string {
  const events = names === null ? 'any event' : [...names].join(' or ');
  return where === null ? events : `${events} where ${where.source}`;
}

/** Such as `step 1 "first" (wait 10h)`; `words`: null where its version of the rule is not known. */
export function stepInWords(step: {
  readonly number: number;
  readonly name: string | null;
  readonly words: string | null;
}): string {
  const name = step.name === null ? '' : ` "${step.name}"`;
  return `step ${step.number}${name}${step.words === null ? '' : ` (${step.words})`}`;
}

/** Such as `step 1 (wait 10h), 3 waiting: go on at step 2 (exit) when their wait is over`. */
export function changeInWords({ step, waiting, becomes, to }: FlowStepChange): string {
  const what = {
    stays: to?.number === step.number ? 'stay there' : `stay there, which is now step ${to?.number}`,
    moves: `go on at ${to === null ? '' : stepInWords(to)} when their wait is over`,
    finishes: 'finish by their own version',
    ends: 'end, "changed"',
    unknown: 'go by a version that is not known here',
  }[becomes];
  return `${stepInWords(step)}, ${waiting} waiting: ${what}`;
}
