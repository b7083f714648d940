// `send` as a step: what the flow does with what became of it. The send itself is ../send.ts.

import { compileSend, Send, type SendBody } from '../send.ts';
import { defineStep, type Move } from '../step.ts';

export const sendStep = defineStep<SendBody>({
  kind: 'send',
  shape: Send,
  compile(body, { number, path, names, channels, builder, next }) {
    const send = compileSend(number, body, path, names, channels, builder);
    return {
      send,
      ...(body.onSkip === 'exit' && { ends: ['nothing is sent'] }),
      enter(turn): Move {
        const attempt = turn.attempt(send);
        if ('until' in attempt) return { until: attempt.until, reason: 'quiet-hours' };
        return !attempt.sent && body.onSkip === 'exit' ? { exit: 'exit' } : { to: next };
      },
    };
  },
  words: (body) => `send ${body.channel ?? ''}${body.template === undefined ? '' : ` ${body.template}`}`,
});
