// `review`: a person looks first.

import Type, { type Static } from 'typebox';
import type { JsonObject } from '../../schemas/json.ts';
import { duration, expression, fields, type Loose } from '../language/parts.ts';
import { msOf } from '../patterns/definition.ts';
import { conditionInWords, defineGate, type Reviewed } from './gate.ts';

const DAY_MS = 86_400_000;

const Review = Type.Union(
  [
    expression('A person looks first when this is true.'),
    fields({
      if: expression('A person looks first when this is true.'),
      atMost: Type.Optional(duration('Waits no longer than this; default 7d.')),
      onTimeout: Type.Optional(
        Type.Enum(['approve', 'reject'], { description: 'What counts where nobody answers; default reject.' }),
      ),
      note: Type.Optional(
        Type.String({ minLength: 1, maxLength: 1_000, description: 'What the person is to look at.' }),
      ),
    }),
  ],
  { description: 'A person looks before the decision fires.' },
);

type ReviewBody = Loose<Static<typeof Review>>;

export interface CompiledReview {
  readonly atMostMs: number;
  readonly onTimeout: 'approve' | 'reject';
  readonly note: string | null;
}

export const reviewGate = defineGate({
  name: 'review',
  reason: 'review',
  asksCondition: true,
  fields: { review: Type.Optional(Review) },
  compile({ review }, tools) {
    const isText = typeof review === 'string';
    const path = isText ? ['review'] : ['review', 'if'];
    const condition = tools.condition(path, isText ? review : review?.if, tools.names);
    if (condition === null) return null;
    const { atMostMs } = reviewOf(review!);
    return {
      isAsked: ({ reviewed }) => reviewed === null,
      refusal: ({ scope, failed, match }) => (condition.holds(scope, failed) ? { until: match.at + atMostMs } : null),
      values: ({ scope, reviewed }) => ({ ...condition.values(scope), ...answerOf(reviewed) }),
      words: ({ scope }) => conditionInWords(condition, scope),
    };
  },
});

/** Name under which the second decision's values tell who answered the first. */
const ANSWER = 'review';

function answerOf(reviewed: Reviewed | null): JsonObject {
  if (reviewed === null) return {};
  const { of, verdict, by, note } = reviewed;
  return { [ANSWER]: { of, verdict, by, ...(note !== null && { note }) } };
}

export function reviewOf(review: ReviewBody): CompiledReview {
  const { atMost, onTimeout = 'reject', note = null } = typeof review === 'string' ? {} : review;
  return { atMostMs: atMost === undefined ? 7 * DAY_MS : msOf(atMost), onTimeout, note };
}
