// Cases of `change`, `at` and `session`.

import type { Case } from '../notation.ts';

const UPGRADE = '{ id: upgrade, when: { change: { of: profile.plan, from: free, to: [pro, team] } } }';
const ANY_CHANGE = '{ id: changed, when: { change: { of: profile.plan } } }';
const TRIAL = '{ id: trial, when: { at: { date: profile.ends, before: 30s } } }';
const FLIGHT = `{ id: flight, when: { at: { event: booked, as: trip, date: trip.properties.ends, before: 10s, by: event.properties.id } } }`;
const BUSY = `{ id: busy, when: { session: { gap: 30s, when: 'session.count("click") >= 2' } } }`;

const CHANGES: readonly Case[] = [
  {
    name: 'change fires on that change only',
    rules: UPGRADE,
    events: [
      '0 u1 identify m1 plan=free',
      '1 u1 identify m2 plan=pro',
      '2 u1 identify m3 plan=free',
      '3 u1 identify m4 plan=team',
    ],
    end: 3,
    expect: ['1 u1 upgrade fired m2', '3 u1 upgrade fired m4'],
  },
  {
    name: 'telling the same value again, or other attributes, is no change',
    rules: ANY_CHANGE,
    events: ['0 u1 identify m1 plan=free', '1 u1 identify m2 plan=free', '2 u1 identify m3 name=Ann'],
    end: 2,
    expect: ['0 u1 changed fired m1'],
  },
  {
    name: 'an attribute that is not set is null',
    rules:
      '{ id: left, when: { change: { of: profile.plan, to: null } } }\n---\n{ id: came, when: { change: { of: profile.plan, from: null } } }',
    events: ['0 u1 identify m1 plan=null', '1 u1 identify m2 plan=pro', '2 u1 identify m3 plan=null'],
    end: 2,
    expect: ['1 u1 came fired m2', '2 u1 left fired m3'],
  },
  {
    name: 'an identify message that is older than what is known changes nothing on arrival',
    rules: ANY_CHANGE,
    events: ['10 u1 identify m1 plan=pro', '8 u1 identify m2 plan=free'],
    end: 20,
    expect: ['10 u1 changed fired m1'],
  },
  {
    name: 'in order of event time both are changes',
    rules: '{ id: changed, order: event-time, when: { change: { of: profile.plan } } }',
    events: ['10 u1 identify m1 plan=pro', '8 u1 identify m2 plan=free'],
    end: 20,
    expect: ['8 u1 changed fired m2', '10 u1 changed fired m1'],
  },
];

const DATES: readonly Case[] = [
  {
    name: 'at fires at the moment, with the event that told the date',
    rules: TRIAL,
    events: ['0 u1 identify m1 ends=@100'],
    end: 200,
    expect: ['70 u1 trial fired m1'],
  },
  {
    name: 'another date moves the moment',
    rules: TRIAL,
    events: ['0 u1 identify m1 ends=@100', '50 u1 identify m2 ends=@300'],
    end: 500,
    expect: ['270 u1 trial fired m2'],
  },
  {
    name: 'the same date told again changes nothing, before the moment and after it',
    rules: TRIAL,
    events: ['0 u1 identify m1 ends=@100', '50 u1 identify m2 ends=@100', '80 u1 identify m3 ends=@100'],
    end: 500,
    expect: ['70 u1 trial fired m1'],
  },
  {
    name: 'a date that is removed, or cannot be read, cancels the moment',
    rules: TRIAL,
    events: [
      '0 u1 identify m1 ends=@100',
      '1 u2 identify m2 ends=@100',
      '50 u1 identify m3 ends=null',
      '51 u2 identify m4 ends=soon',
    ],
    end: 500,
    expect: [],
  },
  {
    name: 'what moves the date at the very moment comes before the timer',
    rules: TRIAL,
    events: ['0 u1 identify m1 ends=@100', '70 u1 identify m2 ends=@150'],
    end: 500,
    expect: ['120 u1 trial fired m2'],
  },
  {
    name: 'a moment that has passed when its date becomes known never fires',
    rules: TRIAL,
    events: ['0 u1 identify m1 ends=@-900', '10 u2 identify m2 ends=@35', '20 u3 identify m3 ends=@50'],
    end: 500,
    expect: ['20 u3 trial fired m3'],
  },
  {
    name: 'identify messages that say nothing of the date leave the moment alone',
    rules: TRIAL,
    events: ['0 u1 identify m1 ends=@100', '10 u1 identify m2 plan=pro', '20 u1 view m3'],
    end: 500,
    expect: ['70 u1 trial fired m1'],
  },
  {
    name: 'the date of a captured event, apart for each value of by',
    rules: FLIGHT,
    events: ['0 u1 booked m1 id=a ends=@100', '1 u1 booked m2 id=b ends=@60', '2 u1 booked m3 id=a ends=@200'],
    end: 500,
    expect: ['50 u1 flight fired m2', '190 u1 flight fired m3'],
  },
  {
    name: 'without before or after the moment is the date; after lies behind it',
    rules:
      '{ id: on, when: { at: { date: profile.ends } } }\n---\n{ id: later, when: { at: { date: profile.ends, after: 1m } } }',
    events: ['0 u1 identify m1 ends=@100'],
    end: 500,
    expect: ['100 u1 on fired m1', '160 u1 later fired m1'],
  },
];

const SESSIONS: readonly Case[] = [
  {
    name: 'a session fires as soon as its condition is true, and once',
    rules: BUSY,
    events: ['0 u1 view m1', '10 u1 click m2', '20 u1 click m3', '30 u1 click m4'],
    end: 500,
    expect: ['20 u1 busy fired m1,m3'],
  },
  {
    name: 'after a gap a new session starts from nothing; an event at the end of the gap is still inside',
    rules: BUSY,
    events: ['0 u1 click m1', '31 u1 click m2', '61 u1 click m3'],
    end: 500,
    expect: ['61 u1 busy fired m2,m3'],
  },
  {
    name: 'on: end is asked when the session ends, gap after its last event',
    rules: `{ id: short, when: { session: { gap: 30s, on: end, when: 'session.events <= 2' } } }`,
    events: ['0 u1 view m1', '10 u1 click m2', '100 u1 view m3', '110 u1 view m4', '120 u1 view m5', '200 u1 view m6'],
    end: 500,
    expect: ['40 u1 short fired m1,m2', '230 u1 short fired m6'],
  },
  {
    name: 'duration is from the first event to the last',
    rules: `{ id: long, when: { session: { gap: 30s, when: 'session.duration > duration("40s") && session.count("click") < 1' } } }`,
    events: ['0 u1 view m1', '20 u1 view m2', '40 u1 view m3', '50 u1 view m4'],
    end: 500,
    expect: ['50 u1 long fired m1,m4'],
  },
  {
    name: 'distinct and max are over the events that have the value',
    rules: `{ id: deep, when: { session: { gap: 30s, when: 'session.max(event.properties.scrolled) >= 80 && session.distinct(event.properties.page) >= 2' } } }`,
    events: [
      '0 u1 view m1 page=a scrolled=90',
      '1 u1 click m2',
      '2 u1 view m3 page=a',
      '3 u1 view m4 page=b scrolled=10',
    ],
    end: 500,
    expect: ['3 u1 deep fired m1,m4'],
  },
  {
    name: 'the figures of a session can be read by the rest of the rule',
    rules: `{ id: busy, when: { session: { gap: 30s, when: 'session.events >= 2' } }, if: 'event.properties.n > 1.0' }`,
    events: ['0 u1 view m1 n=1', '1 u1 view m2 n=1', '100 u1 view m3 n=1', '101 u1 view m4 n=2'],
    end: 500,
    expect: ['1 u1 busy condition m1,m2', '101 u1 busy fired m3,m4'],
  },
];

export const DATE_CASES: readonly Case[] = [...CHANGES, ...DATES, ...SESSIONS];
