// What the checker says of mistakes in the patterns over figures, dates, sessions and other patterns.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check } from '../kit.ts';

/** Line 1 is the id; patterns are written from line 2 on. */
function mistakes(when: string): string[] {
  const text = `id: a\nwhen: ${when}`;
  return check(text).errors.map(
    ({ line, column, message, hint }) => `${line}:${column} ${message}${hint === null ? '' : ` (${hint})`}`,
  );
}

const CASES: readonly (readonly [what: string, when: string, mistakes: readonly string[]])[] = [
  [
    'an aggregate says what to add up, once',
    '{ aggregate: { event: e, within: 1h, above: 1 } }',
    ['2:20 "aggregate" says nothing to add up (one of sum, avg, min, max, last)'],
  ],
  [
    'an aggregate with two figures',
    '{ aggregate: { event: e, sum: "1.0", max: "2.0", within: 1h, above: 1 } }',
    ['2:20 "aggregate" has sum and max (one of them is asked at a time)'],
  ],
  [
    'a bound is needed',
    '{ aggregate: { event: e, sum: "1.0", within: 1h } }',
    ['2:20 "aggregate" needs "above" or "below"'],
  ],
  [
    'bounds on both sides',
    '{ threshold: { event: e, value: "1.0", above: 2, below: 1 } }',
    ['2:63 "threshold" has "above" and "below" (write a rule for each)'],
  ],
  [
    'a figure must be a number',
    `{ aggregate: { event: e, sum: 'event.event', within: 1h, above: 1 } }`,
    ['2:38 the value must be a number, this is string (double(…) makes one of text)'],
  ],
  [
    'a mistake in a figure is at its place',
    `{ threshold: { event: e, value: 'event.propertis.t', above: 1 } }`,
    [
      '2:46 an event has no field "propertis" (did you mean "properties"? its fields are messageId, type, event, userId, anonymousId, timestamp, properties, traits, context; others are in event.properties)',
    ],
  ],
  [
    'clear lies behind the bound',
    '{ threshold: { event: e, value: "1.0", above: 80, clear: 85 } }',
    ['2:64 "clear" must be at most "above" (an excursion ends behind its bound)'],
  ],
  [
    'clear lies behind the bound from below',
    '{ threshold: { event: e, value: "1.0", below: 5, clear: 4 } }',
    ['2:63 "clear" must be at least "below" (an excursion ends behind its bound)'],
  ],
  [
    'a baseline asks for a drop or a rise',
    '{ baseline: { event: e, window: 7d, against: 4 } }',
    ['2:19 "baseline" needs "dropBy" or "riseBy"'],
  ],
  [
    'a drop is at most all of it',
    '{ baseline: { event: e, window: 7d, against: 4, dropBy: 101% } }',
    ['2:63 "dropBy" must be above 0% and at most 100%'],
  ],
  [
    'a rise is more than nothing',
    '{ baseline: { event: e, window: 7d, against: 4, riseBy: 0% } }',
    ['2:63 "riseBy" must be above 0%'],
  ],
  [
    'percentages are written with their sign',
    '{ baseline: { event: e, window: 7d, against: 4, dropBy: half } }',
    ['2:63 "dropBy" cannot be "half" (a percentage such as 50%)'],
  ],
  [
    'a change is of the profile',
    '{ change: { of: plan } }',
    ['2:23 "of" cannot be "plan" (an attribute such as profile.plan)'],
  ],
  [
    'a change from a value to itself',
    '{ change: { of: profile.plan, from: pro, to: pro } }',
    ['2:52 "from" and "to" are the same value (the rule could never fire)'],
  ],
  [
    'a date of the profile has no event',
    '{ at: { date: event.properties.ends } }',
    [
      '2:21 "event" is not known here (the date is of the profile, or name its event: at: { event: …, as: name, date: name.properties.… })',
    ],
  ],
  [
    'where and as of no event',
    `{ at: { date: profile.ends, where: 'true', as: x } }`,
    [
      '2:43 "where" is about an event, and there is none (name it: at: { event: … })',
      '2:54 "as" is about an event, and there is none (name it: at: { event: … })',
    ],
  ],
  [
    'a moment is before or after its date',
    '{ at: { date: profile.ends, before: 1d, after: 1d } }',
    ['2:54 "at" has "before" and "after" (one of them)'],
  ],
  [
    'a date must be a time',
    '{ at: { date: "1 + 2" } }',
    ['2:22 the value must be a time, this is int (timestamp(…) makes one)'],
  ],
  [
    'a session has no such figure',
    `{ session: { gap: 30m, when: 'session.minutes > 3' } }`,
    [
      '2:45 a session has no field "minutes" (ask for session.duration, .events, .count(name), .distinct(expression), .max(expression))',
    ],
  ],
  [
    'a session has no such method',
    `{ session: { gap: 30m, when: 'session.min(event.properties.n) > 3' } }`,
    [
      '2:37 a session has no min() (ask for session.duration, .events, .count(name), .distinct(expression), .max(expression))',
    ],
  ],
  [
    'the name in session.count is written out',
    `{ session: { gap: 30m, when: 'session.count(event.event) > 3' } }`,
    [
      '2:51 the name of session.count() must be written out as text (what is kept must be known beforehand: session.count("click"))',
    ],
  ],
  [
    'what a session asks of each event reads the event',
    `{ session: { gap: 30m, when: 'session.max(profile.n) > 3' } }`,
    [
      '2:49 session.max() is asked of each event, and this reads none (session.max(expression), such as session.max(event.properties.scrolled))',
    ],
  ],
  [
    'a mistake in what a session asks is at its place',
    `{ session: { gap: 30m, when: 'session.distinct(event.propertis.p) > 3' } }`,
    [
      '2:60 an event has no field "propertis" (did you mean "properties"? its fields are messageId, type, event, userId, anonymousId, timestamp, properties, traits, context; others are in event.properties)',
    ],
  ],
  [
    'the greatest of texts',
    `{ session: { gap: 30m, when: 'session.max(event.event) > 3' } }`,
    ['2:49 session.max() wants a number, this is string'],
  ],
  [
    'a session takes one argument',
    `{ session: { gap: 30m, when: 'session.count() > 3' } }`,
    ['2:37 session.count() takes one argument (session.count(name), such as session.count("click"))'],
  ],
  [
    'a session is not a value',
    `{ session: { gap: 30m, when: 'session == session' } }`,
    [
      '2:37 a session is not a value (ask for session.duration, .events, .count(name), .distinct(expression), .max(expression))',
      '2:48 a session is not a value (ask for session.duration, .events, .count(name), .distinct(expression), .max(expression))',
    ],
  ],
  [
    'session elsewhere',
    `{ event: e, where: 'session.events > 3' }`,
    ['2:27 "session" is known in session rules only (when: { session: { gap: 30m, when: … } })'],
  ],
  [
    'a count has one bound',
    '{ count: { event: e, atLeast: 3, atMost: 1, within: 1h } }',
    ['2:48 "count" has "atLeast" and "atMost" (write a rule for each)'],
  ],
  [
    'all needs within',
    '{ all: [{ event: a }, { event: b }] }',
    ['2:7 "all" needs "within" (beside it: { all: […], within: 1h })'],
  ],
  [
    'within beside another pattern',
    '{ inactive: { for: 1d }, within: 1h }',
    ['2:40 "within" does not belong beside "inactive" (here it is for all and any; other patterns have it inside)'],
  ],
  [
    'where beside a list',
    `{ any: [{ event: a }], where: 'true' }`,
    ['2:38 "where" does not belong beside "any" (put it into the patterns of the list)'],
  ],
  [
    'by inside of a list',
    '{ any: [{ inactive: { for: 1d, by: event.event } }] }',
    ['2:42 "by" cannot stand in a pattern of a list (put it beside the list, for all of them)'],
  ],
  [
    'one name for two events',
    '{ all: [{ event: a, as: x }, { event: b, as: x }], within: 1h }',
    ['2:14 two patterns of "all" name their event "x" (one name each)'],
  ],
  [
    'several patterns in one entry',
    '{ any: [{ event: a, inactive: { for: 1d } }] }',
    ['2:15 a pattern must have exactly one pattern, not event and inactive'],
  ],
  [
    'a mistake in a pattern of a list is at its place',
    `{ any: [{ event: a, where: 'evnt.event == "x"' }] }`,
    ['2:35 unknown name "evnt" (did you mean "event"?)'],
  ],
  [
    'lists in lists in lists in lists',
    '{ any: [{ any: [{ any: [{ any: [{ event: a }] }] }] }] }',
    ['2:39 patterns may be nested 3 deep'],
  ],
];

for (const [what, when, expected] of CASES) {
  test(what, () => assert.deepEqual(mistakes(when), expected));
}

test('an entry of a list without a pattern is told which there are', () => {
  assert.match(
    mistakes('{ any: [{ where: "true" }] }')[0]!,
    /^2:15 a pattern has no pattern \(one of event, absence, /,
  );
});

test('a name that every pattern of any gives may be read, one that only some give may not', () => {
  const both = '{ any: [{ event: a, as: x }, { event: b, as: x }] }\nif: x.event == "a"';
  const one = '{ any: [{ event: a, as: x }, { event: b }] }\nif: x.event == "a"';
  assert.deepEqual(mistakes(both), []);
  assert.match(mistakes(one)[0]!, /unknown name "x"/);
});

test('the figures of a session may be read by the rest of the rule, and of nothing else', () => {
  const session = `{ session: { gap: 30m, when: 'session.events > 3' } }\nif: session.count("buy") == 0`;
  assert.deepEqual(mistakes(session), []);
});
