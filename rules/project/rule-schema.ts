// The rule language as a schema: what editors complete from (schemas/rule.schema.json) and shape.ts checks by.
//
// Owns: the shape of a rule. Does not own: what the expressions in it may say (expressions.ts), nor what fits together
// (compile.ts).

import Type, { type Static } from 'typebox';
import { REASONS } from '../../schemas/decision.ts';
import { LATER_FIELDS, LATER_STEPS } from '../flows/later.ts';
import { GATE_FIELDS } from '../gates/schema.ts';
import {
  As,
  By,
  duration,
  EventNames,
  eventPattern,
  expression,
  fields,
  NAME_PATTERN,
  OneOrMoreEvents,
  Where,
} from '../language/parts.ts';
import { compound, FIGURE_PATTERNS, INNER_REFERENCE } from '../patterns/schema.ts';
import { Sequence } from '../patterns/sequence/schema.ts';

/** More entries than this in one window would make an entity's document too large to rewrite on every event. */
export const COUNT_MAX = 10_000;

const Absence = fields(
  {
    after: eventPattern('The event that starts the clock: { event, where, as }.'),
    of: OneOrMoreEvents,
    within: duration('Fires this long after `after`, unless `of` came in (after, after + within].'),
    restart: Type.Optional(
      Type.Enum(['latest', 'each', 'first'], {
        description:
          'latest (default): a new `after` restarts the clock; each: every `after` has its own; first: a running clock is left alone.',
      }),
    ),
    by: Type.Optional(By),
  },
  { description: 'Fires when something that should have followed did not.' },
);

const Inactive = fields(
  {
    for: duration('Length of the silence.'),
    event: Type.Optional(EventNames),
    where: Type.Optional(Where),
    by: Type.Optional(By),
  },
  { description: 'Fires when the entity has had no such event for that long; once per silence.' },
);

const Count = fields(
  {
    event: EventNames,
    where: Type.Optional(Where),
    atLeast: Type.Optional(
      Type.Integer({ minimum: 1, maximum: COUNT_MAX, description: 'Fires when the number reaches this.' }),
    ),
    atMost: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: COUNT_MAX,
        description: 'Fires when the number, having been above, falls to this.',
      }),
    ),
    distinct: Type.Optional(expression('Counts different values of this; an event without a value does not count.')),
    within: duration('The sliding window: (t - within, t] at t.'),
    by: Type.Optional(By),
  },
  { description: 'Fires when the number of such events in a sliding window reaches a bound.' },
);

/** Everything that can be a pattern, also inside of `all` and `any`. */
const PATTERNS = {
  event: Type.Optional(EventNames),
  where: Type.Optional(Where),
  as: Type.Optional(As),
  absence: Type.Optional(Absence),
  inactive: Type.Optional(Inactive),
  count: Type.Optional(Count),
  ...FIGURE_PATTERNS,
  sequence: Type.Optional(Sequence),
} as const;

/** A pattern in a list of `all` or `any`. */
type Inner = Static<ReturnType<typeof fields<typeof PATTERNS>>> & {
  readonly all?: readonly Inner[];
  readonly any?: readonly Inner[];
  readonly within?: string;
};

const InnerPattern = fields(
  { ...PATTERNS, ...compound<Inner>() },
  { description: 'A pattern of the list: exactly one of them. `by` stands beside the list, for all of them.' },
);

const When = fields(
  { ...PATTERNS, ...compound<Inner>(), by: Type.Optional(By) },
  { description: 'The pattern: exactly one of them.' },
);

const Send = fields(
  {
    channel: Type.String({
      minLength: 1,
      description: 'email, sms, push, inapp, webhook, slack, pagerduty, or a channel of the configuration.',
    }),
    template: Type.Optional(
      Type.String({
        pattern: NAME_PATTERN,
        description: 'Name of a folder in templates/. Optional for webhook, pagerduty.',
      }),
    ),
    fallback: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), { description: 'Channels to try when this one fails, in order.' }),
    ),
    data: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'Values for the template or receiver. Text is a CEL expression, or a duration such as 4h.',
      }),
    ),
  },
  { description: 'Writes one action to a channel.' },
);

const Step = fields({ send: Type.Optional(Send), ...LATER_STEPS });

const Cooldown = Type.Union(
  [
    duration('Quiet for this long after the last fired decision.'),
    fields({
      for: duration('Quiet for this long after the last fired decision.'),
      key: Type.Optional(expression('One cooldown for each value of this.')),
    }),
  ],
  { description: 'Counted from the last fired decision at t; allowed again at t + duration.' },
);

const Limit = fields({
  max: Type.Integer({ minimum: 1, maximum: 1_000, description: 'Fired decisions allowed.' }),
  per: duration('The sliding window.'),
});

const instant = (description: string) =>
  Type.String({ description: `${description} Such as 2026-01-01T10:00:00Z.`, kind: 'instant' });

const GivenEvent = fields({
  at: instant('When it happened.'),
  user: Type.Optional(Type.String({ minLength: 1, description: 'Whose event it is.' })),
  entity: Type.Optional(
    Type.String({ minLength: 1, description: "Id of the rule's entity, where that is not a user." }),
  ),
  type: Type.Optional(
    Type.Enum(['track', 'identify', 'page', 'screen', 'group', 'alias'], {
      description: 'Default track. identify tells the profile by its traits, group the account.',
    }),
  ),
  event: Type.Optional(Type.String({ minLength: 1, description: 'Its name; for other types than track, the type.' })),
  messageId: Type.Optional(
    Type.String({ minLength: 1, description: 'Its id, to give the same event twice. Default: one of its own.' }),
  ),
  properties: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), { description: 'What expressions read as event.properties.' }),
  ),
  traits: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: 'Of identify: attributes of the profile; of group: of the account.',
    }),
  ),
  context: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), { description: 'What expressions read as event.context.' }),
  ),
});

const Expectation = fields({
  at: instant('Event time of the decision.'),
  user: Type.Optional(Type.String({ minLength: 1, description: 'Whom it is about. Default: anyone.' })),
  entity: Type.Optional(
    Type.String({ minLength: 1, description: "Id of the rule's entity, where that is not a user. Default: any." }),
  ),
  rule: Type.Optional(Type.String({ description: 'Default: this rule.' })),
  outcome: Type.Enum(['fired', 'suppressed', 'deferred', 'review'], {
    description: 'What became of the match: it fired, a gate held it back, it waits, or a person looks first.',
  }),
  reason: Type.Optional(Type.Enum([...REASONS], { description: 'The gate that said no. Default: any.' })),
});

const InlineTest = fields({
  name: Type.String({ minLength: 1, description: 'What holds, as a sentence.' }),
  given: Type.Array(GivenEvent, { minItems: 1, description: 'Events, in the order in which they are read.' }),
  advance: Type.Optional(duration('Time that passes after the newest given event.')),
  expect: Type.Array(Expectation, { description: 'All decisions, in order; an empty list: none.' }),
});

export const RuleSchema = fields(
  {
    id: Type.String({ pattern: NAME_PATTERN, maxLength: 100, description: 'Kebab-case, unique, and never changed.' }),
    description: Type.Optional(Type.String({ description: 'What the rule is for.' })),
    owner: Type.Optional(Type.String({ description: 'Who answers for it.' })),
    enabled: Type.Optional(
      Type.Boolean({ description: 'Default true. False: its matches are recorded, and suppressed.' }),
    ),
    entity: Type.Optional(
      Type.String({ minLength: 1, description: 'user (default), or an entity of the configuration.' }),
    ),
    when: When,
    if: Type.Optional(expression('Asked when the pattern has matched.')),
    priority: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 100, description: 'Default 50; the higher goes first.' }),
    ),
    urgency: Type.Optional(Type.Enum(['critical', 'operational', 'marketing'], { description: 'Default marketing.' })),
    category: Type.Optional(Type.String({ minLength: 1, description: 'Consent category.' })),
    order: Type.Optional(
      Type.Enum(['arrival', 'event-time'], {
        description: 'arrival: evaluated when read; event-time: in order of time. The default depends on the pattern.',
      }),
    ),
    migrate: Type.Optional(
      Type.Enum(['keep', 'reset'], {
        description:
          'keep (default): a change of the rule leaves what its pattern has seen, where that still fits; reset: not.',
      }),
    ),
    cooldown: Type.Optional(Cooldown),
    ...GATE_FIELDS,
    limit: Type.Optional(Type.Array(Limit, { minItems: 1, maxItems: 10, description: 'All of them hold.' })),
    // biome-ignore lint/suspicious/noThenProperty: the language's word; a schema is never awaited.
    then: Type.Optional(
      Type.Array(Step, { maxItems: 20, description: 'What to do. Left out: only decisions are written.' }),
    ),
    tests: Type.Optional(Type.Array(InlineTest, { description: 'Run by `tripline test`.' })),
    ...LATER_FIELDS,
  },
  {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Tripline rule',
    description: 'One rule: a pattern over events, conditions, and what to do.',
    definitions: { [INNER_REFERENCE]: InnerPattern },
  },
);

/** A rule whose shape has been checked; where it had mistakes, parts are missing. */
type Loose<T> = T extends readonly (infer Item)[]
  ? Loose<Item>[]
  : T extends object
    ? { [Name in keyof T]?: Loose<T[Name]> | undefined }
    : T;

export type RuleBody = Loose<Static<typeof RuleSchema>>;
export type WhenBody = NonNullable<RuleBody['when']>;
export type SendBody = Loose<Static<typeof Send>>;
export type InlineTestBody = Loose<Static<typeof InlineTest>>;
