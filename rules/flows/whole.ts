// The flow as a whole: what it is for (`goal`), what ends it (`stopOn`), whether one may begin beside it (`reentry`), and what a
// change of the rule does to those that wait (`inFlight`).
//
// Owns: the rule's fields for these, and what they become. Does not own: the steps (program.ts), `exclusive` (gates/exclusive.ts).

import Type, { type Static } from 'typebox';
import type { Names } from '../expressions/compiler.ts';
import type { RuleBuilder } from '../expressions/rule-builder.ts';
import type { Path } from '../language/parse.ts';
import { duration, EventNames, fields, type Loose, OneOrMoreEvents, Where } from '../language/parts.ts';
import { type EventFilter, filterOf, msOf } from '../patterns/definition.ts';

export const FLOW_FIELDS = {
  goal: Type.Optional(
    fields(
      {
        event: EventNames,
        where: Type.Optional(Where),
        within: Type.Optional(duration('Counted from the match. Left out: while the flow lives.')),
      },
      { description: 'What the flow is for: it ends at once when this happens.' },
    ),
  ),
  stopOn: Type.Optional(OneOrMoreEvents),
  reentry: Type.Optional(
    Type.Enum(['none', 'restart', 'parallel'], {
      description:
        'A match while a flow of the rule lives: none (default) is suppressed, restart ends the old flow, parallel runs beside it.',
    }),
  ),
  inFlight: Type.Optional(
    Type.Enum(['move', 'finish', 'end'], {
      description:
        'When the rule changes, flows that wait: move (default) go on by the new version, finish by their own, end are over.',
    }),
  ),
} as const;

const Whole = Type.Object(FLOW_FIELDS);
export type WholeBody = Loose<Static<typeof Whole>>;

export interface CompiledGoal {
  readonly filter: EventFilter;
  /** From the match, ms; Infinity: while the flow lives. */
  readonly withinMs: number;
}

export type Reentry = 'none' | 'restart' | 'parallel';
export type InFlight = 'move' | 'finish' | 'end';

export interface FlowAsWhole {
  /** Null: it has none. */
  readonly goal: CompiledGoal | null;
  readonly stopOn: readonly EventFilter[];
  readonly reentry: Reentry;
  readonly inFlight: InFlight;
}

/** `names`: what the conditions may use. Mistakes go to the builder. */
export function compileWhole(body: WholeBody, names: Names, builder: RuleBuilder): FlowAsWhole {
  const { goal, stopOn, reentry = 'none', inFlight = 'move' } = body;
  const condition = (path: Path, source: string | undefined) => builder.condition(path, source, names);
  return {
    goal:
      goal === undefined
        ? null
        : {
            filter: filterOf(goal.event, condition(['goal', 'where'], goal.where)),
            withinMs: goal.within === undefined ? Number.POSITIVE_INFINITY : msOf(goal.within),
          },
    stopOn: stopOn === undefined ? [] : stopFilters(stopOn, condition),
    reentry,
    inFlight,
  };
}

type StopBody = NonNullable<WholeBody['stopOn']>;

function stopFilters(
  stopOn: StopBody,
  condition: (path: Path, source: string | undefined) => EventFilter['where'],
): readonly EventFilter[] {
  const isList = Array.isArray(stopOn);
  const list = isList ? stopOn : [stopOn];
  return list.map((one, place) => {
    if (one === undefined || typeof one === 'string') return filterOf(one, null);
    const { event, where } = one as { event?: string | string[]; where?: string };
    return filterOf(event, condition(isList ? ['stopOn', place, 'where'] : ['stopOn', 'where'], where));
  });
}
