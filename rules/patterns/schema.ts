// The shape of the patterns over figures, dates, sessions and other patterns.

import Type from 'typebox';
import {
  As,
  ATTRIBUTE_PATTERN,
  By,
  duration,
  EventNames,
  expression,
  fields,
  PERCENT_PATTERN,
  Where,
} from '../language/parts.ts';

/** Below it a baseline is noise; above it, the document holds more numbers than anyone compares with. */
const WINDOWS_MAX = 366;
/** More than a dozen patterns in one list are several rules. */
const INNER_MAX = 16;

const percent = (description: string) =>
  Type.String({ pattern: PERCENT_PATTERN, description: `${description} Such as 50%.`, kind: 'percentage' });

const above = Type.Number({ description: 'The bound; a figure above it is beyond.' });
const below = Type.Number({ description: 'The bound; a figure below it is beyond.' });

const Aggregate = fields(
  {
    event: EventNames,
    where: Type.Optional(Where),
    sum: Type.Optional(expression('Summed.')),
    avg: Type.Optional(expression('Averaged.')),
    min: Type.Optional(expression('The least.')),
    max: Type.Optional(expression('The greatest.')),
    last: Type.Optional(expression('The newest.')),
    within: duration('The sliding window: (t - within, t] at an event of t.'),
    above: Type.Optional(above),
    below: Type.Optional(below),
    by: Type.Optional(By),
  },
  { description: 'Fires when a figure over a sliding window crosses a bound. One of sum, avg, min, max and last.' },
);

const Baseline = fields(
  {
    event: EventNames,
    where: Type.Optional(Where),
    window: duration("Length of a window; they follow each other from the entity's first event on."),
    against: Type.Integer({
      minimum: 1,
      maximum: WINDOWS_MAX,
      description: 'Number of windows before it, whose average is the baseline.',
    }),
    dropBy: Type.Optional(percent('Fires at the end of a window that is this much below the baseline, or more.')),
    riseBy: Type.Optional(percent('Fires with the event that brings a window this much above the baseline.')),
    by: Type.Optional(By),
  },
  { description: "Fires when the entity's rate leaves its own baseline." },
);

const Threshold = fields(
  {
    event: EventNames,
    where: Type.Optional(Where),
    value: expression('The figure that is watched.'),
    above: Type.Optional(above),
    below: Type.Optional(below),
    for: Type.Optional(duration('The excursion must last this long; it fires then.')),
    clear: Type.Optional(
      Type.Number({ description: 'The excursion ends only at this value or behind it. Default: the bound.' }),
    ),
    by: Type.Optional(By),
  },
  { description: 'Fires once for each excursion of a value beyond a bound.' },
);

const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]);
const values = (description: string) =>
  Type.Optional(
    Type.Union([...Scalar.anyOf, Type.Array(Scalar, { minItems: 1 })], {
      description: `${description} A value, or a list of them; null: not set. Default: any.`,
    }),
  );

const Change = fields(
  {
    of: Type.String({
      pattern: ATTRIBUTE_PATTERN,
      maxLength: 200,
      description: 'The attribute, such as profile.plan.',
    }),
    from: values('The old value.'),
    to: values('The new value.'),
  },
  { description: 'Fires when an attribute of the profile changes, as identify messages tell it.' },
);

const At = fields(
  {
    event: Type.Optional(EventNames),
    where: Type.Optional(Where),
    as: Type.Optional(As),
    date: expression(
      'A time, or text such as 2026-01-01T10:00:00Z or 2026-01-01; of the profile, or of the named event.',
    ),
    before: Type.Optional(duration('Fires this long before the date.')),
    after: Type.Optional(duration('Fires this long after the date.')),
    by: Type.Optional(By),
  },
  { description: 'Fires at a moment, which moves when the date changes.' },
);

const Session = fields(
  {
    gap: duration('A session ends after this long without an event.'),
    when: expression('Over session.duration, .events, .count(name), .distinct(expression), .max(expression).'),
    on: Type.Optional(
      Type.Enum(['reached', 'end'], {
        description: 'reached (default): as soon as it is true, once a session; end: asked when the session ends.',
      }),
    ),
    by: Type.Optional(By),
  },
  { description: 'Fires on what a session of the entity adds up to. A session takes all of its events.' },
);

const Segment = fields(
  {
    enters: Type.Optional(Type.String({ minLength: 1, description: 'Id of a segment: fires on entry.' })),
    leaves: Type.Optional(Type.String({ minLength: 1, description: 'Id of a segment: fires on exit.' })),
  },
  { description: 'Fires when the entity enters a segment, or leaves it.' },
);

export const FIGURE_PATTERNS = {
  aggregate: Type.Optional(Aggregate),
  baseline: Type.Optional(Baseline),
  threshold: Type.Optional(Threshold),
  change: Type.Optional(Change),
  at: Type.Optional(At),
  session: Type.Optional(Session),
  segment: Type.Optional(Segment),
} as const;

/** Where the schema of a pattern inside another one stands in the rule schema. */
export const INNER_REFERENCE = 'pattern';

/** `all` and `any`, and what stands beside them. `Inner` is what they hold: a pattern like any other, but for `by`. */
export function compound<Inner>() {
  const list = (description: string) =>
    Type.Optional(
      Type.Array(Type.Unsafe<Inner>({ $ref: `#/definitions/${INNER_REFERENCE}` }), {
        minItems: 1,
        maxItems: INNER_MAX,
        description,
      }),
    );
  return {
    all: list('Fires when all of these patterns have matched, the last matches lying within `within`.'),
    any: list('Fires when one of these patterns matches.'),
    within: Type.Optional(
      duration('all: how far apart the matches may lie. any: matches this long after one belong to it.'),
    ),
  };
}
