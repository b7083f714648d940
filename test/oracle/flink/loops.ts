// Loops: one or more, zero or more, until, greedy, conditions on what was matched. From NFAITCase, UntilConditionITCase,
// GreedyITCase, IterativeConditionsITCase and SameElementITCase.

import type { FlinkCase } from './notation.ts';

const UNTIL = 'event.properties.price == 5.0';

export const LOOP_CASES: readonly FlinkCase[] = [
  {
    source: 'NFAITCase.testComplexBranchingAfterZeroOrMore',
    steps: 'c *a+:any? *b *d *e',
    events: 'c a1 a2 a3 b d1 d2 e',
    flink:
      'c a1 a2 a3 b d1 e | c a1 a2 b d1 e | c a1 a3 b d1 e | c a2 a3 b d1 e | c a1 b d1 e | c a2 b d1 e | c a3 b d1 e | c b d1 e | c a1 a2 a3 b d2 e | c a1 a2 b d2 e | c a1 a3 b d2 e | c a2 a3 b d2 e | c a1 b d2 e | c a2 b d2 e | c a3 b d2 e | c b d2 e',
  },
  {
    source: 'NFAITCase.testZeroOrMore',
    steps: 'c *a+:any? b',
    events: 'c a1 a2 b',
    flink: 'c a1 a2 b | c a1 b | c a2 b | c b',
  },
  {
    source: 'NFAITCase.testEagerZeroOrMore',
    steps: 'c a+? b',
    events: 'c a1 a2 d a3 b',
    flink: 'c a1 a2 a3 b | c a1 a2 b | c a1 b | c b',
  },
  {
    source: 'NFAITCase.testBeginWithZeroOrMore',
    steps: 'a+? b',
    events: 'a1 a2 a3 b',
    flink: 'a1 a2 a3 b | a1 a2 b | a2 a3 b | a1 b | a2 b | a3 b | b',
  },
  {
    source: 'NFAITCase.testZeroOrMoreAfterZeroOrMore',
    steps: 'c *a+:any? d+:any? e',
    events: 'c a d1 d2 e',
    flink: 'c a d1 d2 e | c a d1 e | c d1 d2 e | c d1 e | c a e | c e',
  },
  {
    source: 'NFAITCase.testZeroOrMoreAfterBranching',
    steps: 'c *a *f *d+:any? e',
    events: 'c a1 a2 f d1 d2 e',
    flink:
      'c a1 f e | c a1 f d1 e | c a1 f d2 e | c a1 f d1 d2 e | c a2 f e | c a2 f d1 e | c a2 f d2 e | c a2 f d1 d2 e',
  },
  {
    source: 'NFAITCase.testStrictContinuityNoResultsAfterZeroOrMore',
    steps: 'd a+? >b',
    events: 'd a1 a2 c b',
    flink: '',
  },
  {
    source: 'NFAITCase.testStrictContinuityResultsAfterZeroOrMore',
    steps: 'd *a+:any? >b',
    events: 'd a1 a2 b',
    flink: 'd a1 a2 b | d a2 b',
  },
  {
    source: 'NFAITCase.testAtLeastOne',
    steps: 'c *a+:any *b',
    events: 'c a1 a2 b',
    flink: 'c a1 a2 b | c a1 b | c a2 b',
  },
  {
    source: 'NFAITCase.testBeginWithAtLeastOne',
    steps: 'a+:any b',
    events: 'a1 a2 a3 b',
    flink: 'a1 a2 a3 b | a1 a2 b | a1 a3 b | a2 a3 b | a1 b | a2 b | a3 b',
  },
  {
    source: 'NFAITCase.testNextZeroOrMore',
    steps: 'start >middle+:strict? end',
    events: 'start event middle1 middle2 middle3 end',
    flink: 'start end',
  },
  {
    source: 'NFAITCase.testAtLeastOneEager',
    steps: 'c *a+ *b',
    events: 'c a1 a2 a3 b',
    flink: 'c a1 a2 a3 b | c a1 a2 b | c a2 a3 b | c a3 b | c a2 b | c a1 b',
  },
  {
    source: 'NFAITCase.testEndWithZeroOrMore',
    steps: 'c a+?',
    events: 'c a1 a2 a3',
    flink: 'c a1 a2 a3 | c a1 a2 | c a1 | c',
  },
  {
    source: 'NFAITCase.testStartAndEndWithZeroOrMore',
    steps: 'a+?',
    events: 'c a1 a2 a3 d1 d2 d3',
    flink: 'a1 a2 a3 | a1 a2 | a1 | a2 a3 | a2 | a3',
  },
  {
    source: 'NFAITCase.testEndWithOneOrMore',
    steps: 'c a+',
    events: 'c a1 a2 a3',
    flink: 'c a1 a2 a3 | c a1 a2 | c a1',
  },
  ...orMoreCases(),
  {
    source: 'SameElementITCase.testEagerZeroOrMoreSameElement (the repeated elements as several)',
    steps: 'c a+? b',
    events: 'c@1 a1@3 a2@3 a3@3 a4@4 d@5 a5@6 a6@6 b@7',
    flink: 'c a1 a2 a3 a4 a5 a6 b | c a1 a2 a3 a4 a5 b | c a1 a2 a3 a4 b | c a1 a2 a3 b | c a1 a2 b | c a1 b | c b',
  },
  {
    source: 'SameElementITCase.testZeroOrMoreSameElement (every choice of the five)',
    steps: 'c *a+:any? *b',
    events: 'c@1 a1@3 a2@3 a3@4 d@5 a4@6 a5@6 b@7',
    flink: choicesOf(['a1', 'a2', 'a3', 'a4', 'a5'])
      .map((choice) => ['c', ...choice, 'b'].join(' '))
      .join(' | '),
  },
  {
    source: 'SameElementITCase.testEndWLoopingWSameElement',
    steps: 'c *a+?',
    events: 'c@1 a1@3 a2@3 a3@3 b@7',
    flink: 'c | c a1 | c a2 | c a3 | c a1 a2 | c a2 a3 | c a1 a2 a3',
  },
  {
    source: 'SameElementITCase.testIterativeConditionWSameElement (a sum of 4 of events of 2)',
    steps: 'c *a+:any? _',
    where: { 2: 'size(s1) == 2' },
    events: 'c@1=1 a1@3=2 a2@3=2 a3@3=2 b@7=5',
    // Their three middle events are equal, so they write a2 for a3 in the second.
    flink: 'c a1 a2 a3 | c a1 a3 b | c a2 a3 b',
  },
  {
    source: 'SameElementITCase.testClearingBufferWithUntilAtTheEnd',
    steps: 'a d+',
    until: 'size(s1) == 3',
    events: 'a@1 d1@2 d2@2 d3@2 d4@4',
    flink: 'a d1 d2 d3 | a d1 d2 | a d1',
  },
  ...untilCases(),
  ...greedyCases(),
  ...iterativeCases(),
];

function orMoreCases(): FlinkCase[] {
  const events = 'c@1 d1@2 a1@3 a2@4 a3@4 d2@5 a4@6 b@7';
  const one = (name: string, steps: string, flink: string, input = events): FlinkCase => ({
    source: `NFAITCase.test${name}`,
    steps,
    events: input,
    flink,
  });
  const strict = 'c a1 a2 a3 b | c a1 a2 b | c a1 b';
  const relaxed = `c a1 a2 a3 a4 b | ${strict}`;
  const any = `${relaxed} | c a1 a3 a4 b | c a1 a2 a4 b | c a1 a3 b | c a1 a4 b`;
  const apart = 'c@1 f1@2 a1@3 f2@4 a2@5 a3@6 b@7';
  const twice = 'c1@1 a1@3 c2@4 a2@5 a3@6';
  return [
    one('StrictOneOrMore', 'c a+:strict b', strict),
    one('SkipTillNextOneOrMore', 'c a+ b', relaxed),
    one('SkipTillAnyOneOrMore', 'c a+:any b', any),
    one('StrictEagerZeroOrMore', 'c a+:strict? b', `${strict} | c b`),
    one('SkipTillNextZeroOrMore', 'c a+? b', `${relaxed} | c b`),
    one('SkipTillAnyZeroOrMore', 'c a+:any? b', `${any} | c b`),
    one('OneOrMoreStrictOptional', 'c *a+:strict? b', 'c a2 a3 b | c a1 b | c a2 b | c a3 b | c b', apart),
    one('StartWithZeroOrMoreStrict', 'a+:strict?', 'a1 | a2 a3 | a2 | a3', twice),
    one('StartWithOneOrMoreStrict', 'a+:strict', 'a1 | a2 a3 | a2 | a3', twice),
  ];
}

function choicesOf([first, ...rest]: readonly string[]): string[][] {
  if (first === undefined) return [[]];
  const without = choicesOf(rest);
  return [...without.map((choice) => [first, ...choice]), ...without];
}

function untilCases(): FlinkCase[] {
  const events = 'c a1 a2 a3=5 a4';
  const more = 'c a1 a2 a3 a4=5 a5';
  const all = 'c a1 a2 a3 a4 | c a1 a2 a4 | c a1 a3 a4 | c a1 a4';
  const one = (name: string, steps: string, input: string, flink: string): FlinkCase => {
    const end = steps.endsWith('_') ? { where: { 2: UNTIL } } : {};
    return {
      source: `UntilConditionITCase.testUntilConditionFollowedBy${name}`,
      steps,
      until: UNTIL,
      ...end,
      events: input,
      flink,
    };
  };
  return [
    one('OneOrMore', 'c a+ _', events, 'c a1 a2 a3 | c a1 a3'),
    one('OneOrMoreCombinations', 'c a+:any _', more, all),
    one('OneOrMoreConsecutive', 'c a+:strict _', events, 'c a1 a2 a3 | c a1 a3'),
    one('ZeroOrMore', 'c a+? _', events, 'c a1 a2 a3 | c a1 a3 | c a3'),
    one('ZeroOrMoreCombinations', 'c a+:any? _', more, `${all} | c a4`),
    one('ZeroOrMoreConsecutive', 'c a+:strict? _', events, 'c a1 a2 a3 | c a1 a3 | c a3'),
    one('AnyOneOrMore', 'c *a+', events, 'c a1 a2 | c a1 | c a2 | c a4'),
    one('AnyZeroOrMore', 'c *a+?', events, 'c a1 a2 | c a1 | c a2 | c a4 | c'),
    {
      source: 'UntilConditionITCase.testUntilConditionWithEmptyWhere',
      steps: 'c _+',
      until: UNTIL,
      events: 'c=1 a1=2 a2=3 d=1 a3=5 a4=6',
      flink: 'c a1 a2 d | c a1 a2 | c a1',
    },
    ...[false, true].map((optional): FlinkCase => {
      const price = (at: number): string => `s1[${at}].properties.price`;
      return {
        source: `UntilConditionITCase.testIterativeUntilCondition${optional ? 'Zero' : 'One'}OrMore`,
        steps: optional ? 'c _+?' : 'c _+',
        until: `size(s1) == 3 && ${price(0)} + ${price(1)} + ${price(2)} == 6.0`,
        events: 'c=1 a1=2 a2=3 d=1 a3=5 a4=6',
        flink: `c a1 a2 d | c a1 a2 | c a1${optional ? ' | c' : ''}`,
        engineOnly: true,
      };
    }),
  ];
}

function greedyCases(): FlinkCase[] {
  const one = (
    name: string,
    steps: string,
    events: string,
    flink: string,
    more: Partial<FlinkCase> = {},
  ): FlinkCase => ({
    source: `GreedyITCase.test${name}`,
    steps,
    events,
    flink,
    ...more,
  });
  const dearer = { until: 'event.properties.price > 3.0' };
  const refused = 'a greedy step cannot stand before an optional one';
  const before = 'greed would have to hold over the optional step; it is said with a `not` instead';
  const atEnd = 'a match fires when it is complete, so greed on the last step has no effect';
  return [
    one('GreedyZeroOrMore', 'c a+?~ d', 'c a1 a2 a3 d', 'c a1 a2 a3 d'),
    one('GreedyZeroOrMoreConsecutiveEndWithOptional', 'c a+:strict?~ d?', 'c a1 a2 a3 d', 'c a1 a2 a3 d', {
      ours: { refused, why: before },
    }),
    one('GreedyZeroOrMoreInBetween', 'c a+?~ d', 'c x1 a1 x2 a2 x3 a3 d', 'c a1 a2 a3 d'),
    one('GreedyZeroOrMoreWithDummyEventsAfterQuantifier', 'c a+?~ d', 'c a1 a2 x d', 'c a1 a2 d'),
    one('GreedyZeroOrMoreWithDummyEventsBeforeQuantifier', 'c a+?~ d', 'c x d', 'c d'),
    one('GreedyZeroOrMoreBeforeOptional', 'c a+?~ d? e', 'c a1 a2 x e', 'c a1 a2 e', {
      ours: { refused, why: before },
    }),
    one('GreedyZeroOrMoreBeforeOptional2', 'c a+?~ d? e', 'c a1 a2 d e', 'c a1 a2 e | c a1 a2 d e', {
      ours: { refused, why: before },
    }),
    one(
      'GreedyUtilZeroOrMoreWithDummyEventsAfterQuantifier',
      'c a+?~ d',
      'c a1=2 a2=3 a3=3 a4=4 d=3',
      'c a1 a2 a3 d',
      dearer,
    ),
    one('GreedyUtilWithDummyEventsBeforeQuantifier', 'c a+?~ d', 'c a4=4 a1=2 a2=3 a3=3 d=3', 'c d', dearer),
    one('GreedyOneOrMore', 'c a+~ d', 'c a1 a2 a3 d', 'c a1 a2 a3 d'),
    one('GreedyOneOrMoreInBetween', 'c a+~ d', 'c x1 a1 x2 a2 x3 a3 d', 'c a1 a2 a3 d'),
    one('GreedyOneOrMoreWithDummyEventsAfterQuantifier', 'c a+~ d', 'c a1 a2 x d', 'c a1 a2 d'),
    one('GreedyOneOrMoreWithDummyEventsBeforeQuantifier', 'c a+~ d', 'c x d', ''),
    one(
      'GreedyUtilOneOrMoreWithDummyEventsAfterQuantifier',
      'c a+~ d',
      'c a1=2 a2=3 a3=3 a4=4 d=3',
      'c a1 a2 a3 d',
      dearer,
    ),
    one('GreedyUtilOneOrMoreWithDummyEventsBeforeQuantifier', 'c a+~ d', 'c a4=4 a1=2 a2=3 a3=3 d=3', '', dearer),
    one(
      'GreedyZeroOrMoreBeforeGroupPattern (the group written out)',
      'c a+?~ d e d e f',
      'c a1 a2 x a3 d1 e1 d2 e2 f',
      'c a1 a2 a3 d1 e1 d2 e2 f',
    ),
    one('EndWithZeroOrMoreGreedy', 'c a+?~', 'c a1 a2 x', 'c a1 a2', {
      ours: { matches: 'c | c a1 | c a1 a2', why: atEnd },
    }),
    one('EndWithZeroOrMoreConsecutiveGreedy', 'c a+:strict?~', 'c a1 a2 x a3', 'c a1 a2', {
      ours: { matches: 'c | c a1 | c a1 a2', why: atEnd },
    }),
    one('GreedyTimesRange', 'c a{2,5}~', 'c a1 a2 a3 a4 x', 'c a1 a2 a3 a4', {
      ours: { matches: 'c a1 a2 | c a1 a2 a3 | c a1 a2 a3 a4', why: atEnd },
    }),
  ];
}

/** Their conditions bound the sum of the prices of what a step has taken; CEL has no sums, so they are written out. */
function iterativeCases(): FlinkCase[] {
  const price = 'event.properties.price';
  const p = (name: string, place: number): string => `${name}[${place}].properties.price`;
  const belowFive = (name: string, bound = '< 5.0'): string =>
    [
      `size(${name}) == 0 && ${price} ${bound}`,
      `size(${name}) == 1 && ${p(name, 0)} + ${price} ${bound}`,
      `size(${name}) == 2 && ${p(name, 0)} + ${p(name, 1)} + ${price} ${bound}`,
      `size(${name}) == 3 && ${p(name, 0)} + ${p(name, 1)} + ${p(name, 2)} + ${price} ${bound}`,
    ]
      .map((part) => `(${part})`)
      .join(' || ');
  const atLeastTwo = `(size(s0) == 1 && ${p('s0', 0)} >= 2.0) || (size(s0) >= 2 && ${p('s0', 0)} + ${p('s0', 1)} >= 2.0)`;
  const one = (
    name: string,
    steps: string,
    events: string,
    where: Readonly<Record<number, string>>,
    flink: string,
  ): FlinkCase => ({
    source: `IterativeConditionsITCase.testIterativeWith${name}`,
    steps,
    events,
    where,
    flink,
    engineOnly: true,
  });
  const branching = 'start1@1=1 foo1@2=1 foo2@3=2 start2@4=2 foo3@5=3 foo4@5=1 next@6=1 end@8=1';
  const looping = 'start1=1 start2=2 start3=3 end=1';
  return [
    one(
      'BranchingPatternEager',
      'start foo+ end',
      branching,
      { 1: belowFive('s1') },
      'start1 foo1 foo2 foo4 end | start1 foo1 foo2 end | start1 foo1 end | start2 foo3 foo4 end | start2 foo3 end',
    ),
    one(
      'BranchingPatternCombinations',
      'start foo+:any end',
      branching,
      { 1: belowFive('s1') },
      'start1 foo1 foo2 foo4 end | start1 foo1 foo2 end | start1 foo1 foo3 end | start2 foo3 foo4 end | start1 foo1 foo4 end | start1 foo1 end | start2 foo3 end',
    ),
    one(
      'LoopingStartingEager',
      'start+? end',
      looping,
      { 0: belowFive('s0') },
      'start1 start2 end | start1 end | start2 end | start3 end | end',
    ),
    one(
      'LoopingStartingCombination',
      'start+:any? end',
      looping,
      { 0: belowFive('s0') },
      'start1 start2 end | start1 start3 end | start1 end | start2 end | start3 end | end',
    ),
    one(
      'PrevPatternDependency',
      'start+ end',
      'start1@1=1 start2@2=2 end@4=1',
      { 1: atLeastTwo },
      'start1 start2 end | start2 end',
    ),
    one(
      'ABACPattern',
      'start *foo start+ end',
      'start1@1=1 foo1@2=1 start2@2=2 start3@2=3 foo2@2=2 start4@2=4 foo3@2=3 foo4@2=1 end@4=1',
      { 2: belowFive('s2', '<= 5.0') },
      'start1 foo1 start2 start3 end | start1 foo1 start2 end | start1 foo2 start4 end | start2 foo2 start4 end | start3 foo2 start4 end',
    ),
    one(
      'PrevPatternDependencyAfterBranching',
      'start+ *foo *end',
      'start1@1=1 start2@2=2 foo1@4=1 start3@5=3 foo2@6=2 end@7=1',
      { 2: atLeastTwo },
      'start1 start2 foo1 end | start2 foo1 end | start1 start2 foo2 end | start1 start2 start3 foo2 end | start2 start3 foo2 end | start2 foo2 end | start3 foo2 end',
    ),
  ];
}
