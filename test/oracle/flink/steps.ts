// Steps, contiguity, optional steps and time: from NFAITCase, CEPITCase and SameElementITCase.

import type { FlinkCase } from './notation.ts';

export const STEP_CASES: readonly FlinkCase[] = [
  {
    source: 'NFAITCase.testNoConditionNFA',
    steps: 'a|b|c|d|e *a|b|c|d|e',
    events: 'a b c d e',
    flink: 'a b | a c | a d | a e | b c | b d | b e | c d | c e | d e',
  },
  {
    source: 'NFAITCase.testSimplePatternNFA',
    steps: 'start foo end',
    where: { 1: 'event.properties.price > 5.0' },
    events: 'start1 foobar foo1=5 foo2=10 start2 end',
    flink: 'start1 foo2 end',
  },
  { source: 'NFAITCase.testStrictContinuityWithResults', steps: 'a >b', events: 'a b', flink: 'a b' },
  { source: 'NFAITCase.testStrictContinuityNoResults', steps: 'a >b', events: 'a c b', flink: '' },
  {
    source: 'NFAITCase.testSimplePatternWithTimeWindowNFA',
    steps: 'start middle end',
    within: 10,
    events: 'start1@1 start2@2 middle@3 foobar@4 end1@11 end2@13',
    flink: 'start2 middle end1',
    ours: {
      matches: 'start1 middle end1 | start2 middle end1',
      why: 'within D after t means (t, t + D]: an event stamped t + D still counts',
    },
  },
  {
    source: 'NFAITCase.testSimplePatternWithTimeoutHandling',
    steps: 'start *middle *end',
    within: 10,
    events: 'start1@1 start2@2 middle@3 foobar@4 end1@11 end2@13',
    flink: 'start2 middle end1',
    ours: {
      matches: 'start1 middle end1 | start2 middle end1',
      why: 'within D after t means (t, t + D]: an event stamped t + D still counts; partial matches over time are not reported',
    },
  },
  {
    source: 'NFAITCase.testBranchingPattern',
    steps: 'start *foo *next *end',
    events: 'start foo1 foo2 foo3 next1 next2 end',
    flink:
      'start foo1 next1 end | start foo2 next1 end | start foo3 next1 end | start foo1 next2 end | start foo2 next2 end | start foo3 next2 end',
  },
  {
    source: 'NFAITCase.testBranchingPatternSkipTillNext',
    steps: 'start foo next *end',
    events: 'start foo1 foo2 foo3 next1 next2 end',
    flink: 'start foo1 next1 end',
  },
  {
    source: 'NFAITCase.testBranchingPatternMixedFollowedBy',
    steps: 'start *foo next *end',
    events: 'start foo1 foo2 foo3 next1 next2 end',
    flink: 'start foo1 next1 end | start foo2 next1 end | start foo3 next1 end',
  },
  { source: 'NFAITCase.testOptional', steps: 'c a? b', events: 'c a b', flink: 'c a b | c b' },
  { source: 'NFAITCase.testStartWithOptional', steps: 'c? b', events: 'c b', flink: 'c b | b' },
  { source: 'NFAITCase.testEndWithOptional', steps: 'c a?', events: 'c a', flink: 'c a | c' },
  {
    source: 'SameElementITCase.testClearingBuffer',
    steps: 'a b c d',
    events: 'a@1 b@2 c@2 d@2',
    flink: 'a b c d',
  },
  {
    source: 'SameElementITCase.testSimplePatternWSameElement (the repeated element as two)',
    steps: 'c *a b',
    events: 'c@1 a1@3 a2@3 b@7',
    flink: 'c a1 b | c a2 b',
  },
];
