// The shape of `sequence`, for editors and for shape.ts.

import Type, { type Static } from 'typebox';
import { As, By, duration, EventNames, fields, type Loose, plainEventPattern, Where } from '../../language/parts.ts';

/** More than a person can read; a partial match keeps its ways on in the bits of one integer. */
const STEPS_MAX = 20;
/** A step that repeats more often than this wants `count`. */
const TIMES_MAX = 1_000;

function next(description: string) {
  return Type.Enum(['strict', 'relaxed', 'any'], { description });
}

const Times = fields(
  {
    min: Type.Optional(
      Type.Integer({ minimum: 0, maximum: TIMES_MAX, description: 'Default 1; 0: the step may be left out.' }),
    ),
    max: Type.Optional(Type.Integer({ minimum: 1, maximum: TIMES_MAX, description: 'Left out: without bound.' })),
    next: Type.Optional(
      next(
        'Between its repetitions: strict: the very next event; relaxed (default): the next that fits; any: each that fits.',
      ),
    ),
  },
  { description: 'How often the step occurs. The name that its `as` gives is then a list.' },
);

const SequenceStep = fields({
  event: Type.Optional(EventNames),
  where: Type.Optional(Where),
  as: Type.Optional(As),
  times: Type.Optional(Times),
  optional: Type.Optional(Type.Boolean({ description: 'Default false. True: the sequence matches without it, too.' })),
  next: Type.Optional(
    next(
      'How this step follows the one before: strict: as the very next event; relaxed (default): as the next that fits; any: as each that fits. In a not step, strict: not as the very next event.',
    ),
  ),
  greedy: Type.Optional(
    Type.Boolean({ description: 'Default false. True: takes every event it can before the sequence goes on.' }),
  ),
  not: Type.Optional(plainEventPattern('An event that must not come in between: { event, where }.')),
});

export const Sequence = fields(
  {
    steps: Type.Array(SequenceStep, {
      minItems: 1,
      maxItems: STEPS_MAX,
      description:
        'Events in their order: { event, where, as, … }; { not: { event, where } } must not come in between.',
    }),
    within: Type.Optional(duration('All of it must happen in this time, counted from the first matched event.')),
    until: Type.Optional(plainEventPattern('Ends all steps without a greatest number: they take nothing more.')),
    skip: Type.Optional(
      Type.Enum(['past-last', 'none', 'to-next'], {
        description:
          'What a match drops. past-last (default): partial matches begun up to its last event; to-next: those begun with its first; none: nothing.',
      }),
    ),
    by: Type.Optional(By),
  },
  { description: 'Fires when several events have come in this order.' },
);

export type SequenceBody = Loose<Static<typeof Sequence>>;
