// `times`: exact numbers, ranges, at least. From NFAITCase, TimesRangeITCase and TimesOrMoreITCase.

import type { FlinkCase } from './notation.ts';

/** ConsecutiveData with dummies, and without. */
const APART = 'c@1 f1@2 a1@3 f2@4 a2@5 a3@6 b@7';
const CLOSE = 'c@1 a1@3 a2@5 a3@6 b@7';
const NONE = 'c@1 f1@2 b@7';
const PLAIN = 'c@1 a1@2 a2@3 a3@4 b@6';

const nfa = (name: string, steps: string, events: string, flink: string): FlinkCase => ({
  source: `NFAITCase.test${name}`,
  steps,
  events,
  flink,
});
const range = (name: string, steps: string, events: string, flink: string): FlinkCase => ({
  source: `TimesRangeITCase.testTimesRange${name}`,
  steps,
  events,
  flink,
});
const orMore = (name: string, steps: string, events: string, flink: string): FlinkCase => ({
  source: `TimesOrMoreITCase.testTimesOrMore${name}`,
  steps,
  events,
  flink,
});

export const TIMES_CASES: readonly FlinkCase[] = [
  nfa('Times', 'c >a{2}:any b', PLAIN, 'c a1 a2 b | c a1 a3 b'),
  nfa('StartWithTimes', 'a{2}:strict b', 'a1@2 a2@3 a3@4 b@6', 'a1 a2 b | a2 a3 b'),
  nfa('TimesNonStrictWithNext', 'c >a{2}:any b', 'c a1 f1 a2 f2 a3 b', 'c a1 a2 b | c a1 a3 b'),
  nfa('TimesNotStrictWithFollowedByEager', 'c a{2} b', 'c@1 a1@2 a2@4 a3@6 b@7', 'c a1 a2 b'),
  nfa(
    'TimesNotStrictWithFollowedByNotEager',
    'c *a{2}:any b',
    'c@1 a1@2 a2@4 a3@6 b@7',
    'c a1 a2 b | c a2 a3 b | c a1 a3 b',
  ),
  nfa('TimesStrictWithNextAndConsecutive', 'c >a{2}:strict b', 'c a1 f a2 a3 b', ''),
  nfa('TimesNonStrictOptional1', 'c a{3}? b', NONE, 'c b'),
  nfa('TimesNonStrictOptional2', 'c *a{2}:any? b', APART, 'c a1 a2 b | c a1 a3 b | c a2 a3 b | c b'),
  nfa('TimesNonStrictOptional3', 'c *a{2}? b', APART, 'c a1 a2 b | c a2 a3 b | c b'),
  nfa('TimesStrictOptional', 'c *a{2}:strict? b', APART, 'c a2 a3 b | c b'),
  nfa('TimesStrictOptional1', 'c >a{2}:strict? b', CLOSE, 'c a1 a2 b | c b'),
  nfa('OptionalTimesNonStrictWithNext', 'c >a{2}:any? b', 'c a1 f1 a2 f2 a3 b', 'c a1 a2 b | c a1 a3 b | c b'),
  nfa('TimesStrict', 'c *a{2}:strict b', APART, 'c a2 a3 b'),
  nfa('TimesNonStrict', 'c *a{2}:any b', APART, 'c a1 a2 b | c a1 a3 b | c a2 a3 b'),
  range(' (c a{1,3} b, next)', 'c >a{1,3}:any b', PLAIN, 'c a1 a2 a3 b | c a1 a2 b | c a1 a3 b | c a1 b'),
  range('FromZero', 'c >a{0,2}:any b', PLAIN, 'c a1 a2 b | c a1 a3 b | c a1 b | c b'),
  range(
    'NonStrict',
    'c *a{1,3}:any b',
    APART,
    'c a1 a2 a3 b | c a1 a2 b | c a1 a3 b | c a2 a3 b | c a1 b | c a2 b | c a3 b',
  ),
  range('Strict', 'c *a{0,3}:strict b', APART, 'c a2 a3 b | c a1 b | c a2 b | c a3 b | c b'),
  range('StrictOptional', 'c *a{1,3}:strict? b', APART, 'c a2 a3 b | c a1 b | c a2 b | c a3 b | c b'),
  range('StrictOptional1', 'c >a{1,3}:strict? b', CLOSE, 'c a1 a2 a3 b | c a1 a2 b | c a1 b | c b'),
  range('NonStrictOptional1', 'c a{1,3}? b', NONE, 'c b'),
  range('NonStrictOptional2', 'c *a{2,3}:any? b', APART, 'c a1 a2 a3 b | c a1 a2 b | c a1 a3 b | c a2 a3 b | c b'),
  orMore(' (combinations)', 'c a{2,}:any b', PLAIN, 'c a1 a2 a3 b | c a1 a2 b | c a1 a3 b'),
  orMore('NonStrict', 'c *a{2,}:any b', APART, 'c a1 a2 a3 b | c a1 a2 b | c a1 a3 b | c a2 a3 b'),
  orMore('Strict', 'c *a{2}:strict b', APART, 'c a2 a3 b'),
  orMore('StrictOptional', 'c *a{2,}:strict? b', APART, 'c a2 a3 b | c b'),
  orMore('StrictOptional2', 'c >a{2,}:strict? b', CLOSE, 'c a1 a2 a3 b | c a1 a2 b | c b'),
  orMore('NonStrictOptional', 'c a{2,}? b', NONE, 'c b'),
  orMore('NonStrictOptional2', 'c *a{2,}:any? b', APART, 'c a1 a2 a3 b | c a1 a2 b | c a2 a3 b | c b | c a1 a3 b'),
];
