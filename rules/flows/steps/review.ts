// `review`: a person looks first, and lets the flow go on, changes the data of its messages, or ends it.

import Type, { type Static } from 'typebox';
import { duration, expression, fields, type Loose } from '../../language/parts.ts';
import { msOf } from '../../patterns/definition.ts';
import { defineStep, type Move } from '../step.ts';

const Review = fields(
  {
    if: Type.Optional(expression('Only when this is true. Left out: always.')),
    atMost: duration('Waits no longer than this.'),
    onTimeout: Type.Enum(['approve', 'reject'], { description: 'What counts where nobody answers.' }),
    note: Type.Optional(Type.String({ minLength: 1, maxLength: 1_000, description: 'What the person is to look at.' })),
  },
  { description: 'A person looks before the flow goes on.' },
);

type ReviewBody = Loose<Static<typeof Review>>;

export const reviewStep = defineStep<ReviewBody>({
  kind: 'review',
  shape: Review,
  compile(body, { path, names, builder, next }) {
    const condition = builder.condition([...path, 'if'], body.if, names);
    const atMostMs = msOf(body.atMost);
    return {
      onwards: ['approved'],
      ends: ['rejected'],
      longestMs: atMostMs,
      waitsFor: body.note === undefined ? 'a person' : `a person: ${body.note}`,
      ...(body.note !== undefined && { asks: body.note }),
      ...(body.onTimeout !== undefined && { onTimeout: body.onTimeout }),
      enter(turn): Move {
        if (body.if !== undefined && condition?.holds(turn.scope, turn.failed) !== true) return { to: next };
        return { until: turn.at + atMostMs, reason: 'review' };
      },
      onDeadline(turn): Move {
        turn.note('reviewed', 'timeout');
        return body.onTimeout === 'approve' ? { to: next } : { exit: 'rejected' };
      },
      onAnswer(turn, { verdict, data, by, note }): Move {
        turn.note('reviewed', verdict, { by, ...(note !== undefined && { note }) });
        if (verdict === 'edit') turn.edit(data);
        return verdict === 'reject' ? { exit: 'rejected' } : { to: next };
      },
    };
  },
  words: () => 'a person looks first',
});
