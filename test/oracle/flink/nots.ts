// What must not come: from NotPatternITCase.

import type { FlinkCase } from './notation.ts';

const one = (name: string, steps: string, events: string, flink: string, more: Partial<FlinkCase> = {}): FlinkCase => ({
  source: `NotPatternITCase.test${name}`,
  steps,
  events,
  flink,
  ...more,
});

const AFTER = 'a b1 b2 b3 c b4 b5 b6 d';
const BEFORE = 'a b1 c b4 b5 b6 d';
const EAGER = 'a b1 b4 b5 b6 d | a b1 b4 b5 d | a b1 b4 d | a b1 d';
const COMBINATIONS = `${EAGER} | a b1 b4 b6 d | a b1 b5 b6 d | a b1 b5 d | a b1 b6 d`;
const AFTER_EAGER = 'a b4 b5 b6 d | a b4 b5 d | a b4 d | a b5 b6 d | a b5 d | a b6 d';
const needless = {
  refused: 'a "not" cannot be followed by optional steps only',
  why: 'what may be left out ends no interval, so such a `not` forbids nothing that can be said plainly',
};

export const NOT_CASES: readonly FlinkCase[] = [
  one('NotNext', 'a !>b *c d', 'a c1 b c2 d', 'a c1 d | a c2 d'),
  one('NotNextNoMatches', 'a !>b c d', 'a b c1 c2 d', ''),
  one('NotNextNoMatchesAtTheEnd', 'a *c *d !>b', 'a c1 c2 d b', '', {
    ours: {
      refused: 'a "not" at the end needs "within" in the sequence',
      why: 'without a time it could never be said to hold',
    },
  }),
  one('NotNextNoMatchesAtTheEnd (with a time)', 'a *c *d !>b', 'a c1 c2 d b', '', { within: 60 }),
  one('NotFollowedBy', 'a !b *c d', 'a c1 b c2 d', 'a c1 d'),
  one('NotFollowedByBeforeOptional', 'a !b *c? d', 'a c1 b c2 d', 'a c1 d'),
  one('TimesWithNotFollowedBy', 'a *b{2} !c d', 'a b1 c b2 d', ''),
  one('IgnoreStateOfTimesWithNotFollowedBy', 'a !b *c{2}? d', 'a@1 d1@2 e@2 b@3 c1@3 c2@4 d2@5', 'a d1'),
  one('TimesWithNotFollowedByAfter', 'a *b{2} !c d', 'a@1 d1@2 e@2 b1@3 b2@3 c@3 d2@5', ''),
  one('NotFollowedByBeforeOptionalAtTheEnd', 'a !b *c?', 'a c1 b c2', 'a c1 | a', { ours: needless }),
  one('NotFollowedByBeforeOptionalTimes', 'a !b *c{2}? d', 'a c1 b c2 d', 'a c1 c2 d'),
  one('NotFollowedByWithBranchingAtStart', 'a !b c d', 'a1 b c1 a2 c2 d', 'a2 c2 d'),
  one('NotNextAfterOneOrMoreSkipTillNext', 'a b+ !>c d', 'a b1 c b2 d', ''),
  one('NotNextAfterOneOrMoreSkipTillAny', 'a *b+ !>c d', 'a b1 c b2 d', 'a b2 d'),
  one('NotFollowedByNextAfterOneOrMoreEager', 'a b+ !c d', AFTER, ''),
  one('NotFollowedByAnyAfterOneOrMoreEager', 'a *b+ !c d', AFTER, AFTER_EAGER),
  one('NotFollowedByNextAfterOneOrMoreCombinations', 'a b+:any !c d', AFTER, ''),
  one('NotFollowedByAnyAfterOneOrMoreCombinations', 'a *b+:any !c d', AFTER, `${AFTER_EAGER} | a b4 b6 d`),
  one('NotFollowedByAnyBeforeOneOrMoreEager', 'a !c *b+ d', BEFORE, EAGER),
  one('NotFollowedByAnyBeforeOneOrMoreCombinations', 'a !c *b+:any d', BEFORE, COMBINATIONS),
  one('NotFollowedByBeforeOneOrMoreEager', 'a !c b+ d', BEFORE, EAGER),
  one('NotFollowedByBeforeOneOrMoreCombinations', 'a !c b+:any d', BEFORE, COMBINATIONS),
  one('NotFollowedByBeforeZeroOrMoreEagerSkipTillNext', 'a !c b+? d', BEFORE, EAGER),
  one('NotFollowedByBeforeZeroOrMoreCombinationsSkipTillNext', 'a !c b+:any? d', BEFORE, COMBINATIONS),
  one('NotFollowedByBeforeZeroOrMoreEagerSkipTillAny', 'a !c *b+? d', BEFORE, EAGER),
  one('NotFollowedByBeforeZeroOrMoreCombinationsSkipTillAny', 'a !c *b+:any? d', BEFORE, COMBINATIONS),
  one('NotFollowedByWithinFirstAndLastAtEnd', 'a !b', 'a1@1 b1@2 a2@4 c@5 b2@10 a3@11 b3@13', 'a2', { within: 3 }),
  one(
    'NotFollowByBeforeTimesWithin',
    'a !b c{0,2}',
    'a1@1 b1@2 a2@10 c1@11 c2@12 a3@20 c3@21 c4@24',
    'a1 | a2 | a2 c1 | a2 c1 c2 | a3 | a3 c3',
    { within: 3, ours: needless },
  ),
  one('NotFollowedByWithinAtEndAfterMatch', 'a+:any c !b', 'a1@1 a2@2 a3@3 c1@4 c2@10', 'a1 a2 a3 c1', {
    within: 5,
    skip: 'past-last',
  }),
];
