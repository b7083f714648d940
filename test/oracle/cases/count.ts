// Cases of `count`: "taken just before the arriving event, at its time, after expiry; below the bound then and reaching
// it with the event, the rule fires"; "a sliding window of D at t is (t - D, t]".

import type { Case } from '../notation.ts';

const THREE = '{ id: eager, when: { count: { event: view, atLeast: 3, within: 60s } } }';
const TWO = '{ id: twice, when: { count: { event: view, atLeast: 2, within: 60s } } }';

export const COUNT_CASES: readonly Case[] = [
  {
    name: 'count fires when the bound is first reached, with the events in the window',
    rules: THREE,
    events: ['0 u1 view m1', '10 u1 view m2', '20 u1 view m3'],
    end: 20,
    expect: ['20 u1 eager fired m1,m2,m3'],
  },
  {
    name: 'count does not fire again while it stays at or above the bound',
    rules: THREE,
    events: ['0 u1 view m1', '10 u1 view m2', '20 u1 view m3', '30 u1 view m4', '40 u1 view m5'],
    end: 40,
    expect: ['20 u1 eager fired m1,m2,m3'],
  },
  {
    name: 'an event exactly `within` old is outside the window',
    rules: THREE,
    events: ['0 u1 view m1', '10 u1 view m2', '60 u1 view m3'],
    end: 60,
    expect: [],
  },
  {
    name: 'an event a millisecond younger than `within` is inside',
    rules: THREE,
    events: ['0.001 u1 view m1', '10 u1 view m2', '60 u1 view m3'],
    end: 60,
    expect: ['60 u1 eager fired m1,m2,m3'],
  },
  {
    name: 'count fires again after it fell below',
    rules: TWO,
    events: ['0 u1 view m1', '10 u1 view m2', '100 u1 view m3', '110 u1 view m4'],
    end: 110,
    expect: ['10 u1 twice fired m1,m2', '110 u1 twice fired m3,m4'],
  },
  {
    name: 'count re-arms between two arrivals: it fell below by expiry, and the next event reaches the bound',
    rules: THREE,
    events: ['0 u1 view m1', '30 u1 view m2', '40 u1 view m3', '61 u1 view m4'],
    end: 61,
    expect: ['40 u1 eager fired m1,m2,m3', '61 u1 eager fired m2,m3,m4'],
  },
  {
    name: 'at the bound by the event that expires one: the count just before is below',
    rules: TWO,
    events: ['0 u1 view m1', '30 u1 view m2', '60 u1 view m3', '89 u1 view m4'],
    end: 89,
    expect: ['30 u1 twice fired m1,m2', '60 u1 twice fired m2,m3'],
  },
  {
    name: 'atLeast 1 fires on the first and again only after a window without any',
    rules: '{ id: once, when: { count: { event: view, atLeast: 1, within: 60s } } }',
    events: ['0 u1 view m1', '59.999 u1 view m2', '119.999 u1 view m3', '130 u1 view m4'],
    end: 130,
    expect: ['0 u1 once fired m1', '119.999 u1 once fired m3'],
  },
  {
    name: 'events of one time each count',
    rules: THREE,
    events: ['5 u1 view m1', '5 u1 view m2', '5 u1 view m3', '5 u1 view m4'],
    end: 5,
    expect: ['5 u1 eager fired m1,m2,m3'],
  },
  {
    name: 'other names and other people do not count',
    rules: TWO,
    events: ['0 u1 view m1', '10 u1 buy m2', '20 u2 view m3', '30 u1 view m4'],
    end: 30,
    expect: ['30 u1 twice fired m1,m4'],
  },
  {
    name: 'where chooses what counts',
    rules: `{ id: twice, when: { count: { event: view, where: 'event.properties.ms > 100.0', atLeast: 2, within: 60s } } }`,
    events: ['0 u1 view m1 ms=200', '10 u1 view m2 ms=50', '20 u1 view m3', '30 u1 view m4 ms=101'],
    end: 30,
    expect: ['30 u1 twice fired m1,m4'],
  },
  {
    name: 'by counts each value apart',
    rules: `{ id: twice, when: { count: { event: view, atLeast: 2, within: 60s, by: 'event.properties.page' } } }`,
    events: ['0 u1 view m1 page=a', '10 u1 view m2 page=b', '20 u1 view m3', '30 u1 view m4 page=b'],
    end: 30,
    expect: ['30 u1 twice fired m2,m4'],
  },
  {
    name: 'by: null is no value',
    rules: `{ id: twice, when: { count: { event: view, atLeast: 2, within: 60s, by: 'event.properties.page' } } }`,
    events: ['0 u1 view m1 page=null', '10 u1 view m2 page=null', '20 u1 view m3 page=a', '30 u1 view m4 page=a'],
    end: 30,
    expect: ['30 u1 twice fired m3,m4'],
  },
  {
    name: 'by may be any expression, true and false too',
    rules: `{ id: both, when: { count: { event: [view, buy], atLeast: 2, within: 60s, by: 'event.properties.n == 1.0' } } }`,
    events: ['0 u1 view m1 n=1', '10 u1 view m2 n=2', '20 u1 buy m3 n=1'],
    end: 20,
    expect: ['20 u1 both fired m1,m3'],
  },
  {
    name: 'a count suppressed by its condition is not tried again until it fell below',
    rules: `{ id: twice, when: { count: { event: view, atLeast: 2, within: 60s } }, if: 'event.properties.ok' }`,
    events: ['0 u1 view m1 ok=true', '10 u1 view m2 ok=false', '20 u1 view m3 ok=true'],
    end: 20,
    expect: ['10 u1 twice condition m1,m2'],
  },
];
