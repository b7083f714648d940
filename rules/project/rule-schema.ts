// The rule language as a schema: what editors complete from (schemas/rule.schema.json) and shape.ts checks by.
//
// Owns: how a rule is put together. Does not own: the shapes of patterns, gates and steps (their own files), what the
// expressions in it may say (expressions/), nor what fits together (compile-rule.ts).

import Type, { type Static, type TSchema } from 'typebox';
import { END_REASONS } from '../flows/flow.ts';
import { FLOW_FIELDS, Steps, StepsShape } from '../flows/index.ts';
import { STEPS_REFERENCE, type StepBody } from '../flows/step.ts';
import { GATES, REASONS } from '../gates/index.ts';
import type { reviewOf } from '../gates/review.ts';
import { URGENCIES } from '../gates/urgency.ts';
import { As, By, duration, fields, type Loose, NAME_PATTERN, Where } from '../language/parts.ts';
import { INNER_REFERENCE } from '../patterns/compound.ts';
import { PATTERNS } from '../patterns/index.ts';

/** What stands in `when`, each optional: the patterns, of which there is one, and the fields beside them. */
const WHEN_FIELDS: Record<string, TSchema> = Object.fromEntries(
  PATTERNS.map(({ kind, shape }) => [kind, Type.Optional(shape)]),
);
const BESIDE = {
  where: Type.Optional(Where),
  as: Type.Optional(As),
  within: Type.Optional(
    duration('all: how far apart the matches may lie. any: matches this long after one belong to it.'),
  ),
};

const InnerPattern = fields(
  { ...WHEN_FIELDS, ...BESIDE },
  { description: 'A pattern of the list: exactly one of them. `by` stands beside the list, for all of them.' },
);

const When = fields(
  { ...WHEN_FIELDS, ...BESIDE, by: Type.Optional(By) },
  { description: 'The pattern: exactly one of them.' },
);

/** The fields that gates have of a rule. */
const GATE_FIELDS: Record<string, TSchema> = Object.assign({}, ...GATES.map((gate) => gate.fields));

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
  answer: Type.Optional(
    Type.Enum(['approve', 'edit', 'reject'], {
      description: 'In place of an event: what a person says of what waits for a review.',
    }),
  ),
  data: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), { description: "Of answer: edit: values of the messages' data." }),
  ),
  scores: Type.Optional(
    Type.Record(Type.String(), Type.Number(), {
      description: 'In place of an event: what models answer, by their ids.',
    }),
  ),
});

const ExpectedAction = fields({
  at: instant('Event time of the action.'),
  user: Type.Optional(Type.String({ minLength: 1, description: 'To whom. Default: anyone.' })),
  entity: Type.Optional(
    Type.String({ minLength: 1, description: "Id of the rule's entity, where that is not a user. Default: any." }),
  ),
  rule: Type.Optional(Type.String({ description: 'Default: this rule.' })),
  channel: Type.Optional(Type.String({ minLength: 1, description: 'On which channel. Default: any.' })),
  template: Type.Optional(Type.String({ minLength: 1, description: 'Default: any.' })),
  step: Type.Optional(Type.Integer({ minimum: 0, description: 'Number of the step. Default: any.' })),
  name: Type.Optional(Type.String({ minLength: 1, description: 'Name of the step. Default: any.' })),
  data: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), { description: 'Of its data, these values. Default: any.' }),
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
  expect: Type.Optional(
    Type.Array(Expectation, {
      description: 'All decisions that fire, in order; an empty list: none. Left out where actions or flow say it.',
    }),
  ),
  actions: Type.Optional(
    Type.Array(ExpectedAction, {
      description: 'All messages of this rule, and of those that are named; an empty list: none.',
    }),
  ),
  flow: Type.Optional(
    Type.String({
      pattern: `^(waiting|none|ended\\((${END_REASONS.join('|')})\\))$`,
      examples: ['ended(goal)', 'ended(completed)', 'waiting'],
      description: "What has become of the rule's flow that began last.",
    }),
  ),
});

export const RuleSchema = fields(
  {
    id: Type.String({ pattern: NAME_PATTERN, maxLength: 100, description: 'Kebab-case, unique, and never changed.' }),
    description: Type.Optional(Type.String({ description: 'What the rule is for.' })),
    owner: Type.Optional(Type.String({ description: 'Who answers for it.' })),
    entity: Type.Optional(
      Type.String({ minLength: 1, description: 'user (default), or an entity of the configuration.' }),
    ),
    when: When,
    priority: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 100, description: 'Default 50; the higher goes first.' }),
    ),
    urgency: Type.Optional(Type.Enum([...URGENCIES], { description: 'Default marketing.' })),
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
    ...GATE_FIELDS,
    // biome-ignore lint/suspicious/noThenProperty: the language's word; a schema is never awaited.
    then: Type.Optional(Steps),
    tests: Type.Optional(Type.Array(InlineTest, { description: 'Run by `tripline test`.' })),
    ...FLOW_FIELDS,
  },
  {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Tripline rule',
    description: 'One rule: a pattern over events, conditions, and what to do.',
    definitions: { [INNER_REFERENCE]: InnerPattern, [STEPS_REFERENCE]: StepsShape },
  },
);

/** `when`: one pattern under its name, and what stands beside it. */
export interface WhenBody {
  readonly [pattern: string]: unknown;
  readonly where?: string | undefined;
  readonly as?: string | undefined;
  readonly within?: string | undefined;
  readonly by?: string | undefined;
}

type Fields = Loose<Static<typeof RuleSchema>>;

/** A rule whose shape has been checked; where it had mistakes, parts are missing. Fields of gates are theirs to read. */
export interface RuleBody extends Omit<Fields, 'when' | 'then'> {
  readonly when?: WhenBody | undefined;
  readonly then?: readonly (StepBody | undefined)[] | undefined;
  readonly if?: string | undefined;
  readonly enabled?: boolean | undefined;
  readonly exclusive?:
    | string
    | { readonly group?: string | undefined; readonly preempt?: boolean | undefined }
    | undefined;
  readonly category?: string | undefined;
  readonly validFor?: string | undefined;
  readonly review?: Parameters<typeof reviewOf>[0] | undefined;
  readonly cooldown?: string | { readonly key?: string | undefined } | undefined;
}

export type InlineTestBody = Loose<Static<typeof InlineTest>>;
