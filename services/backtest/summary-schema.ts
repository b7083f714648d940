// What stands in summary.json: the schema that is published (schemas/backtest-summary.schema.json), and the types of it.
//
// Owns: names, types and words. Does not own: counting (summary.ts, people.ts).

import Type, { type Static, type TProperties } from 'typebox';

const all = <Properties extends TProperties>(properties: Properties, description: string) =>
  Type.Object(properties, { additionalProperties: false, description });
const count = (description: string) => Type.Integer({ minimum: 0, description });
const orNull = (description: string) => Type.Union([Type.String(), Type.Null()], { description });
const counts = (description: string) => Type.Record(Type.String(), Type.Integer({ minimum: 1 }), { description });

const Failure = all(
  {
    expression: Type.String({ description: 'As it is written in the rule.' }),
    times: count('How often it failed.'),
    reason: Type.String({ description: 'Why it failed the first time.' }),
  },
  'An expression that failed, and so counted as false or as no value.',
);

const Refused = all(
  {
    source: Type.Optional(Type.String({ description: 'The source, where there is more than one file.' })),
    line: Type.Optional(count('Of a file, from 1.')),
    offset: Type.Optional(count('Of a partition.')),
    reason: Type.String({ description: 'A code of docs/errors.md.' }),
    message: Type.String({ description: 'One line for people.' }),
  },
  'An input line or record that could not be used.',
);

const Missing = all(
  {
    source: Type.String({ description: 'topic/partition.' }),
    why: Type.Enum(['retention', 'offset'], {
      description: 'retention: the log has deleted what was before; offset: it was asked to begin there.',
    }),
    first: count('First offset that was read.'),
    since: orNull('Event time of the first record that was read; null: none has one.'),
  },
  'What is gone at the beginning of a partition.',
);

const Input = all(
  {
    lines: count('Lines and records that were read.'),
    missing: Type.Array(Missing, { description: 'Partitions whose beginning is missing.' }),
    order: Type.Enum(['arrival', 'time'], { description: 'time: a file had to be put in order of event time.' }),
    outsidePeriod: count('Left out by --from and --to.'),
    deadLetters: counts('Refused lines and records, by reason.'),
    deadLetterExamples: Type.Array(Refused, { description: 'The first of them.' }),
    duplicates: count('Events whose id had come before.'),
    unasked: count('Events that no rule asks for.'),
    late: count('Events that some rule did not see, since their entity had been evaluated past them.'),
    lastEvent: orNull('Highest event time accepted.'),
  },
  'What was read.',
);

const Fatigue = all(
  {
    p50: count('Half of the weeks have no more.'),
    p95: count('95 % of the weeks have no more.'),
    p99: count('99 % of the weeks have no more.'),
    max: count('The most.'),
  },
  'Messages that a person gets in a calendar week (from Monday, UTC) in which there is one: nearest ranks.',
);

const People = all(
  {
    reach: count('Entities for which some rule fired.'),
    messages: count('Actions.'),
    fatigue: Fatigue,
    weekly: counts('How often an entity got so many messages in a week, by the number of messages.'),
    byRules: counts('Entities by the number of rules that fired for them.'),
  },
  'Who is reached, and how often.',
);

const Volume = all(
  {
    days: Type.Record(
      Type.String(),
      all({ fired: count('Fired decisions.'), messages: count('Actions.') }, 'Of one day.'),
      { description: 'By day of event time (UTC), such as 2026-01-31; days without anything are left out.' },
    ),
    hours: Type.Array(count('Actions in that hour of any day.'), {
      minItems: 24,
      maxItems: 24,
      description: 'By hour of the day (UTC).',
    }),
  },
  'When it happens.',
);

const Flows = all(
  {
    entered: count('Flows that began.'),
    goals: count('Goals that were reached, also after the flow, or without one where the person was held out.'),
    ended: counts('Flows that ended, by reason.'),
  },
  'Left out of a rule whose steps are sends alone: they are over when they are written.',
);

const Rule = all(
  {
    version: Type.String({ description: 'Hash of its meaning.' }),
    fired: count('Fired decisions: matches, and not the digests that they were gathered in.'),
    digests: count('Digests that went out.'),
    suppressed: counts('Other decisions, by reason.'),
    entities: count('Entities for which it fired.'),
    messages: count('Actions.'),
    late: count('Events that it did not see, since they came late.'),
    failedExpressions: count('How often an expression of it failed.'),
    failures: Type.Array(Failure, { description: 'Which ones.' }),
    completeFrom: orNull(
      'Where the beginning of the input is missing: event time from which it decides as if it were there; unknown: it looks back without bound. Null: nothing is known to be missing.',
    ),
    flows: Type.Optional(Flows),
  },
  'Of one rule.',
);

export const SummarySchema = Type.Object(
  {
    input: Input,
    stopped: Type.Boolean({
      description: 'It was stopped before the end of its input: all figures are of a part of it.',
    }),
    advancedTo: orNull('Event time at the end; null: past everything that was pending.'),
    decisions: count('All decisions.'),
    fired: count('Those that fired, but for digests.'),
    digests: count('Those by which a digest went out.'),
    suppressed: count('Those that did not fire.'),
    actions: counts('By channel.'),
    people: People,
    volume: Volume,
    rules: Type.Record(Type.String(), Rule, { description: 'By id.' }),
  },
  {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Tripline backtest summary',
    description: 'summary.json of `tripline backtest`.',
    additionalProperties: false,
  },
);

export type Summary = Static<typeof SummarySchema>;
export type FlowSummary = Static<typeof Flows>;
export type RuleSummary = Static<typeof Rule>;
export type RefusedExample = Static<typeof Refused>;
export type MissingSummary = Static<typeof Missing>;
export type FatigueFigures = Static<typeof Fatigue>;
export type VolumeFigures = Static<typeof Volume>;
