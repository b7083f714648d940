// The building blocks of the rule schema: durations, expressions, event patterns.
//
// Owns: where the annotations `kind` and `unavailable` (lib/schema-check.ts) stand. JSON Schema readers ignore them.
//
// Invariants:
//   L1. The schema is the one description of the language's shape: editors complete from it, shape.ts checks by it.
//   L2. What the language has but this version does not carry `unavailable: true`, and is refused by its name.

import Type, { type TSchema } from 'typebox';

/** A value whose shape has been checked; where it had mistakes, parts are missing. */
export type Loose<T> = T extends readonly (infer Item)[]
  ? (Loose<Item> | undefined)[]
  : T extends object
    ? { [Name in keyof T]?: Loose<T[Name]> | undefined }
    : T;

/** What lib/duration.ts reads. */
const DURATION_PATTERN = '^(\\d+(\\.\\d+)?(ms|s|m|h|d|w))+$';

export const NAME_PATTERN = '^[a-z0-9]+(-[a-z0-9]+)*$';
/** A name that expressions may use: CEL's identifiers. */
export const IDENTIFIER_PATTERN = '^[a-zA-Z_][a-zA-Z0-9_]*$';

export const PERCENT_PATTERN = '^\\d+(\\.\\d+)?%$';
/** An attribute of the profile, also one below another. */
export const ATTRIBUTE_PATTERN = '^profile(\\.[a-zA-Z_][a-zA-Z0-9_]*)+$';

/** What text of a pattern looks like. */
export const PATTERN_WORDS: ReadonlyMap<string, string> = new Map([
  [NAME_PATTERN, 'lower case letters, digits and single hyphens, such as cart-abandonment'],
  [IDENTIFIER_PATTERN, 'a letter, then letters, digits and underscores'],
  [ATTRIBUTE_PATTERN, 'an attribute such as profile.plan'],
]);

export function duration(description: string) {
  return Type.String({
    description: `${description} A duration: 90s, 5m, 24h, 7d or 2w.`,
    pattern: DURATION_PATTERN,
    kind: 'duration',
  });
}

export function expression(description: string) {
  return Type.String({ description: `${description} A CEL expression.`, minLength: 1, kind: 'expression' });
}

/** Marks a part of the language that this version does not have (L2). */
export function later<Options extends { description: string }>(options: Options) {
  return { ...options, description: `Not available in this version. ${options.description}`, unavailable: true };
}

/** A mapping with these fields and no others. */
export function fields<Properties extends Record<string, TSchema>>(properties: Properties, options: object = {}) {
  return Type.Object(properties, { additionalProperties: false, ...options });
}

export const EventNames = Type.Union(
  [Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })],
  { description: 'Name of an event, a list of names, or "*" for every event.' },
);

export const Where = expression('Only events for which this is true.');

export const As = Type.String({
  description: 'A name by which later expressions read the matched event.',
  pattern: IDENTIFIER_PATTERN,
  maxLength: 64,
});

export const By = expression(
  'Keeps the state apart for each value of this within the entity; an event without a value is not seen.',
);

/** Which events are meant, and what they are called afterwards. */
export function eventPattern(description: string) {
  return fields({ event: EventNames, where: Type.Optional(Where), as: Type.Optional(As) }, { description });
}

/** The same without a name. */
export function plainEventPattern(description: string) {
  return fields({ event: EventNames, where: Type.Optional(Where) }, { description });
}

const AnyOfThem = plainEventPattern('Such an event counts.');

export const OneOrMoreEvents = Type.Union(
  [
    Type.String({ minLength: 1 }),
    AnyOfThem,
    Type.Array(Type.Union([Type.String({ minLength: 1 }), AnyOfThem]), { minItems: 1 }),
  ],
  {
    description: 'An event pattern { event, where }, a name, or a list of either.',
  },
);

export function percent(description: string) {
  return Type.String({ pattern: PERCENT_PATTERN, description: `${description} Such as 50%.`, kind: 'percentage' });
}

/** The one bound of a figure, on either side. */
export const BOUND = {
  above: Type.Optional(Type.Number({ description: 'The bound; a figure above it is beyond.' })),
  below: Type.Optional(Type.Number({ description: 'The bound; a figure below it is beyond.' })),
} as const;
