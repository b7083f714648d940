// The fields of a rule that say who is treated, how often and when: its gates, beside cooldown and limit.

import Type from 'typebox';
import { expression, fields, NAME_PATTERN } from '../language/parts.ts';

const SHARE_PATTERN = '^\\d+(\\.\\d+)?%$';
const share = (description: string) =>
  Type.String({ pattern: SHARE_PATTERN, description: `${description} Such as 10%.`, kind: 'percentage' });
const timeOfDay = (description: string) =>
  Type.String({
    pattern: '^([01]\\d|2[0-3]):[0-5]\\d$|^24:00$',
    description: `${description} Such as "21:00".`,
    kind: 'time-of-day',
  });

export const GATE_FIELDS = {
  audience: Type.Optional(
    expression('Who the rule is for at all: over profile and behaviour, such as inSegment("vip"), not over the event.'),
  ),
  holdout: Type.Optional(
    Type.Union(
      [
        share('This share of entities is never treated.'),
        fields({
          share: share('This share of entities is never treated.'),
          group: Type.String({
            pattern: NAME_PATTERN,
            description: 'Rules with the same group hold out the same entities; default: the rule alone.',
          }),
        }),
      ],
      { description: 'Entities that are never treated, to compare with; the same ones in every run.' },
    ),
  ),
  exclusive: Type.Optional(
    Type.String({
      pattern: NAME_PATTERN,
      description:
        'A group of which the entity has one active flow at a time; a decision without waits takes a moment.',
    }),
  ),
  quietHours: Type.Optional(
    fields(
      {
        from: timeOfDay('When they begin.'),
        to: timeOfDay('When they end.'),
        timezone: Type.Optional(
          Type.String({
            minLength: 1,
            description: 'profile.timezone (default), another attribute, or a zone such as Europe/Berlin.',
          }),
        ),
      },
      { description: 'Hours of the day in which nothing is sent: the decision waits for their end, and is made anew.' },
    ),
  ),
  review: Type.Optional(expression('A person looks first when this is true.')),
} as const;
