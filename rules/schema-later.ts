// The parts of the rule language that this version refuses by name: their shape, for editors and for those who build
// them. A part moves to schema.ts when it becomes available.

import Type from 'typebox';
import { By, duration, EventNames, expression, fields, later, PlainEventPattern, Where } from './schema-parts.ts';

const Next = Type.Enum(['strict', 'relaxed', 'any'], {
  description: 'strict: the very next event; relaxed: a later one; any: each later one (Flink CEP).',
});

const SequenceStep = fields({
  event: Type.Optional(EventNames),
  where: Type.Optional(Where),
  as: Type.Optional(Type.String()),
  times: Type.Optional(
    fields({
      min: Type.Optional(Type.Integer({ minimum: 0 })),
      max: Type.Optional(Type.Integer({ minimum: 1 })),
      next: Type.Optional(Next),
    }),
  ),
  optional: Type.Optional(Type.Boolean()),
  next: Type.Optional(Next),
  greedy: Type.Optional(Type.Boolean()),
  not: Type.Optional(PlainEventPattern),
});

/** Patterns of `when`. */
export const LATER_PATTERNS = {
  sequence: Type.Optional(
    fields(
      {
        steps: Type.Array(SequenceStep, { minItems: 1 }),
        within: Type.Optional(duration('Counted from the first matched event.')),
        until: Type.Optional(PlainEventPattern),
        skip: Type.Optional(Type.Enum(['past-last', 'none', 'to-next'])),
        by: Type.Optional(By),
      },
      later({ description: 'Fires when the last of several steps matches.' }),
    ),
  ),
  aggregate: Type.Optional(
    fields(
      {
        event: EventNames,
        where: Type.Optional(Where),
        sum: Type.Optional(expression('Summed.')),
        avg: Type.Optional(expression('Averaged.')),
        min: Type.Optional(expression('The least.')),
        max: Type.Optional(expression('The greatest.')),
        last: Type.Optional(expression('The newest.')),
        within: duration('The sliding window.'),
        above: Type.Optional(Type.Number()),
        below: Type.Optional(Type.Number()),
        by: Type.Optional(By),
      },
      later({ description: 'Fires when a figure over a sliding window crosses a bound.' }),
    ),
  ),
  baseline: Type.Optional(
    fields(
      {
        event: EventNames,
        window: duration('Length of a window.'),
        against: Type.Integer({ minimum: 1, description: 'Number of windows before it to compare with.' }),
        dropBy: Type.Optional(Type.String({ pattern: '^\\d+(\\.\\d+)?%$' })),
        riseBy: Type.Optional(Type.String({ pattern: '^\\d+(\\.\\d+)?%$' })),
        by: Type.Optional(By),
      },
      later({ description: "Fires when the entity's rate leaves its own baseline." }),
    ),
  ),
  threshold: Type.Optional(
    fields(
      {
        event: EventNames,
        value: expression('The figure that is watched.'),
        above: Type.Optional(Type.Number()),
        below: Type.Optional(Type.Number()),
        for: Type.Optional(duration('It must stay there this long.')),
        clear: Type.Optional(Type.Number({ description: 'The excursion ends only here.' })),
        by: Type.Optional(By),
      },
      later({ description: 'Fires once for each excursion of a value.' }),
    ),
  ),
  change: Type.Optional(
    fields(
      { of: Type.String(), from: Type.Optional(Type.Unknown()), to: Type.Optional(Type.Unknown()) },
      later({ description: 'Fires when a profile attribute changes.' }),
    ),
  ),
  segment: Type.Optional(
    fields(
      { enters: Type.Optional(Type.String()), leaves: Type.Optional(Type.String()) },
      later({ description: 'Fires on entry to or exit from a segment.' }),
    ),
  ),
  at: Type.Optional(
    fields(
      {
        date: expression('A date in the profile or in a captured event.'),
        before: Type.Optional(duration('This long before it.')),
        after: Type.Optional(duration('This long after it.')),
      },
      later({ description: 'Fires at a moment, which moves when the date changes.' }),
    ),
  ),
  session: Type.Optional(
    fields(
      {
        gap: duration('A session ends after this long without an event.'),
        when: expression('Over session.duration, .events, .count(name), .distinct(expr), .max(expr).'),
        on: Type.Optional(Type.Enum(['reached', 'end'])),
        by: Type.Optional(By),
      },
      later({ description: 'Fires on what a session adds up to.' }),
    ),
  ),
  all: Type.Optional(
    Type.Array(Type.Unknown(), later({ description: 'Fires when all of these patterns have matched.' })),
  ),
  any: Type.Optional(Type.Array(Type.Unknown(), later({ description: 'Fires when one of these patterns matches.' }))),
} as const;

/** Fields of the rule itself. */
export const LATER_FIELDS = {
  exclusive: Type.Optional(
    Type.String(later({ description: 'A group of which the entity has one active flow at a time.' })),
  ),
  holdout: Type.Optional(
    Type.String({
      pattern: '^\\d+(\\.\\d+)?%$',
      ...later({ description: 'This share of entities is never treated.' }),
    }),
  ),
  quietHours: Type.Optional(
    fields(
      { from: Type.String(), to: Type.String(), timezone: Type.String() },
      later({ description: 'Hours of the day in which nothing is sent; it waits for their end.' }),
    ),
  ),
  review: Type.Optional(Type.String(later({ description: 'A person looks first when this CEL expression is true.' }))),
  goal: Type.Optional(
    fields(
      { event: EventNames, where: Type.Optional(Where), within: Type.Optional(duration('Counted from the match.')) },
      later({ description: 'What the flow is for: it ends at once when this happens.' }),
    ),
  ),
} as const;

/** Steps of `then`. */
export const LATER_STEPS = {
  wait: Type.Optional(Type.Unknown(later({ description: 'Waits for a duration, or until a time of day.' }))),
  waitFor: Type.Optional(
    fields(
      {
        event: EventNames,
        where: Type.Optional(Where),
        atMost: duration('Waits no longer than this.'),
        onTimeout: Type.Optional(Type.Array(Type.Unknown())),
      },
      later({ description: 'Waits for an event.' }),
    ),
  ),
  branch: Type.Optional(
    Type.Array(Type.Unknown(), later({ description: 'Takes the first branch whose `if` is true.' })),
  ),
  choose: Type.Optional(Type.Unknown(later({ description: 'Takes a variant of an experiment, or of a bandit.' }))),
  set: Type.Optional(Type.Unknown(later({ description: 'Sets a profile attribute.' }))),
  emit: Type.Optional(Type.Unknown(later({ description: 'Emits an event that other rules can match.' }))),
  review: Type.Optional(Type.Unknown(later({ description: 'A person looks before the flow goes on.' }))),
  exit: Type.Optional(Type.Unknown(later({ description: 'Ends the flow.' }))),
} as const;
