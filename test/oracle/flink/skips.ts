// What a match drops: from AfterMatchSkipITCase. Its `skipToFirst` and `skipToLast` are not in the language.

import type { FlinkCase } from './notation.ts';

const one = (name: string, steps: string, events: string, flink: string, more: Partial<FlinkCase> = {}): FlinkCase => ({
  source: `AfterMatchSkipITCase.test${name}`,
  steps,
  events,
  flink,
  ...more,
});

const SIX = 'a1 a2 a3 a4 a5 a6';
const AT_BEGINNING = 'a1 a2 a3 b';

export const SKIP_CASES: readonly FlinkCase[] = [
  one('NoSkip', 'a{3}', SIX, 'a1 a2 a3 | a2 a3 a4 | a3 a4 a5 | a4 a5 a6'),
  one('SkipPastLast', 'a{3}', SIX, 'a1 a2 a3 | a4 a5 a6', { skip: 'past-last' }),
  one('NoSkipWithFollowedByAny', 'a *b', 'a1 b1 a2 b2', 'a1 b1 | a1 b2 | a2 b2'),
  one('SkipToNextWithFollowedByAny', 'a *b', 'a1 b1 a2 b2', 'a1 b1 | a2 b2', { skip: 'to-next' }),
  one('NoSkipWithQuantifierAtTheEnd', 'a >b+', 'a b1 b2 b3', 'a b1 b2 b3 | a b1 b2 | a b1'),
  one('SkipToNextWithQuantifierAtTheEnd', 'a >b+', 'a b1 b2 b3', 'a b1', { skip: 'to-next' }),
  one('SkipPastLast2', 'a *b *c d', 'a1 a2 b1 b2 c1 c2 d1 d2', 'a1 b1 c1 d1', { skip: 'past-last' }),
  one('SkipPastLast3', 'a >b', 'a1 c a2 b2', 'a2 b2', { skip: 'past-last' }),
  one('SkipPastLastWithOneOrMoreAtBeginning', 'a+:strict~ >b', AT_BEGINNING, 'a1 a2 a3 b', { skip: 'past-last' }),
  one('NoSkipWithOneOrMoreAtBeginning', 'a+:strict~ >b', AT_BEGINNING, 'a1 a2 a3 b | a2 a3 b | a3 b'),
];
