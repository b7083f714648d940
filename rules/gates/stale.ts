// `validFor`: a decision about what happened too long ago is not made any more, as after imported history, a backlog or a long
// outage. Its messages are good for as long, too (actions.ts).

import Type from 'typebox';
import { formatDuration } from '../../lib/duration.ts';
import { msOf } from '../patterns/definition.ts';
import { type Candidate, defineGate, REFUSED } from './gate.ts';

export const FOREVER = 'forever';

export const staleGate = defineGate({
  name: 'stale',
  reason: 'stale',
  fields: {
    validFor: Type.Optional(
      Type.String({
        pattern: '^(forever|(\\d+(\\.\\d+)?(ms|s|m|h|d|w))+)$',
        examples: ['12h', 'forever'],
        description:
          'A decision, or a message not begun, that is older than this is suppressed (`stale`) or `expired`. The default by ' +
          'urgency is in the configuration.',
      }),
    ),
  },
  compile({ validFor }) {
    const own = validForOf(validFor);
    const limitOf = ({ around, rule }: Candidate): number =>
      own ?? around.validForMs?.[rule.urgency] ?? Number.POSITIVE_INFINITY;
    return {
      isAsked: ({ wallTime }) => wallTime !== null,
      refusal: (candidate) =>
        candidate.wallTime !== null && candidate.wallTime - candidate.match.at > limitOf(candidate) ? REFUSED : null,
      words: (candidate, refused) =>
        refused
          ? `it is about ${new Date(candidate.match.at).toISOString()}, and good for ${formatDuration(limitOf(candidate))}`
          : null,
    };
  },
});

/** Ms; Infinity: for ever; undefined: not said. */
export function validForOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return text === FOREVER ? Number.POSITIVE_INFINITY : msOf(text);
}
