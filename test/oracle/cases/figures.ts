// Cases of the patterns over figures: `count` with `distinct` and `atMost`, `aggregate`, `threshold`, `baseline`.

import type { Case } from '../notation.ts';

const PAGES = `{ id: wide, when: { count: { event: view, distinct: event.properties.page, atLeast: 2, within: 60s } } }`;
const FEW = '{ id: rare, when: { count: { event: login, atMost: 1, within: 60s } } }';
const SPENT =
  '{ id: spent, when: { aggregate: { event: buy, sum: event.properties.value, within: 60s, above: 100 } } }';
const HOT = '{ id: hot, when: { threshold: { event: temp, value: event.properties.t, above: 80 } } }';
const HELD =
  '{ id: held, when: { threshold: { event: temp, value: event.properties.t, above: 80, for: 60s, clear: 70 } } }';
const USAGE = `{ id: drop, when: { baseline: { event: use, window: 60s, against: 2, dropBy: 50% } } }`;
const SURGE = `{ id: surge, when: { baseline: { event: use, window: 60s, against: 1, riseBy: 100% } } }`;

const COUNTS: readonly Case[] = [
  {
    name: 'distinct counts equal values once, and the match names the newest event of each',
    rules: PAGES,
    events: ['0 u1 view m1 page=a', '10 u1 view m2 page=a', '20 u1 view m3 page=b'],
    end: 20,
    expect: ['20 u1 wide fired m2,m3'],
  },
  {
    name: 'distinct: a value seen again keeps its place in the window',
    rules: PAGES,
    events: ['0 u1 view m1 page=a', '50 u1 view m2 page=a', '70 u1 view m3 page=b'],
    end: 70,
    expect: ['70 u1 wide fired m2,m3'],
  },
  {
    name: 'distinct: an event without the value is not seen',
    rules: PAGES,
    events: ['0 u1 view m1 page=a', '10 u1 view m2', '20 u1 view m3 page=null', '30 u1 view m4 page=b'],
    end: 30,
    expect: ['30 u1 wide fired m1,m4'],
  },
  {
    name: 'distinct fires again after the number fell below',
    rules: PAGES,
    events: ['0 u1 view m1 page=a', '10 u1 view m2 page=b', '20 u1 view m3 page=a', '75 u1 view m4 page=b'],
    end: 75,
    expect: ['10 u1 wide fired m1,m2', '75 u1 wide fired m3,m4'],
  },
  {
    name: 'atMost fires when an event that leaves the window lets the number fall to it',
    rules: FEW,
    events: ['0 u1 login m1', '10 u1 login m2'],
    end: 200,
    expect: ['60 u1 rare fired m2'],
  },
  {
    name: 'atMost does not fire for those who never had more',
    rules: FEW,
    events: ['0 u1 login m1', '70 u1 login m2'],
    end: 500,
    expect: [],
  },
  {
    name: 'atMost 0 is a silence after the last event',
    rules: '{ id: none, when: { count: { event: login, atMost: 0, within: 60s } } }',
    events: ['0 u1 login m1', '30 u1 login m2'],
    end: 200,
    expect: ['90 u1 none fired '],
  },
  {
    name: 'atMost: an event stamped with the fall counts, and keeps the number up',
    rules: FEW,
    events: ['0 u1 login m1', '10 u1 login m2', '60 u1 login m3'],
    end: 200,
    expect: ['70 u1 rare fired m3'],
  },
  {
    name: 'atMost fires again after the number was above',
    rules: FEW,
    events: ['0 u1 login m1', '10 u1 login m2', '100 u1 login m3', '110 u1 login m4'],
    end: 500,
    expect: ['60 u1 rare fired m2', '160 u1 rare fired m4'],
  },
  {
    name: 'atMost takes events in order of time: one read late in time prevents the fall',
    rules: FEW,
    events: ['0 u1 login m1', '10 u1 login m2', '62 u1 login m4', '59 u1 login m3'],
    end: 100,
    expect: [],
  },
];

const AGGREGATES: readonly Case[] = [
  {
    name: 'a sum fires when it crosses the bound, not while it stays beyond, and again after it was back',
    rules: SPENT,
    events: ['0 u1 buy m1 value=60', '10 u1 buy m2 value=50', '20 u1 buy m3 value=10', '100 u1 buy m4 value=101'],
    end: 100,
    expect: ['10 u1 spent fired m2', '100 u1 spent fired m4'],
  },
  {
    name: 'a sum at the bound is not above it',
    rules: SPENT,
    events: ['0 u1 buy m1 value=60', '10 u1 buy m2 value=40', '20 u1 buy m3 value=0.5'],
    end: 20,
    expect: ['20 u1 spent fired m3'],
  },
  {
    name: 'an event exactly `within` old is no longer in the sum',
    rules: SPENT,
    events: ['0 u1 buy m1 value=60', '60 u1 buy m2 value=50', '60.001 u1 buy m3 value=51'],
    end: 61,
    expect: ['60.001 u1 spent fired m3'],
  },
  {
    name: 'events without a number are not seen',
    rules: SPENT,
    events: ['0 u1 buy m1 value=60', '10 u1 buy m2 value=much', '11 u1 buy m3', '20 u1 buy m4 value=41'],
    end: 20,
    expect: ['20 u1 spent fired m4'],
  },
  {
    name: 'below: a window without events has no figure, so the first event crosses',
    rules: '{ id: low, when: { aggregate: { event: buy, avg: event.properties.value, within: 60s, below: 10 } } }',
    events: ['0 u1 buy m1 value=5', '10 u1 buy m2 value=5', '20 u1 buy m3 value=50', '90 u1 buy m4 value=9'],
    end: 90,
    expect: ['0 u1 low fired m1', '90 u1 low fired m4'],
  },
  {
    name: 'avg is over the events of the window',
    rules: '{ id: high, when: { aggregate: { event: buy, avg: event.properties.value, within: 60s, above: 10 } } }',
    events: ['0 u1 buy m1 value=4', '10 u1 buy m2 value=16', '20 u1 buy m3 value=11'],
    end: 20,
    expect: ['20 u1 high fired m3'],
  },
  {
    name: 'min and max are of the window, last is the newest',
    rules: `
{ id: least, when: { aggregate: { event: buy, min: event.properties.value, within: 60s, above: 5 } } }
---
{ id: most, when: { aggregate: { event: buy, max: event.properties.value, within: 60s, below: 5 } } }
---
{ id: newest, when: { aggregate: { event: buy, last: event.properties.value, within: 60s, above: 5 } } }`,
    events: ['0 u1 buy m1 value=4', '10 u1 buy m2 value=9', '65 u1 buy m3 value=8', '140 u1 buy m4 value=6'],
    end: 140,
    expect: ['0 u1 most fired m1', '10 u1 newest fired m2', '140 u1 least fired m4', '140 u1 newest fired m4'],
  },
  {
    name: 'in arrival order an event is judged by the window that ends with it',
    rules: SPENT,
    events: ['10 u1 buy m1 value=60', '20 u1 buy m2 value=30', '15 u1 buy m3 value=50'],
    end: 20,
    expect: ['15 u1 spent fired m3'],
  },
  {
    name: 'aggregate by: each value has a sum of its own',
    rules: `{ id: spent, when: { aggregate: { event: buy, sum: event.properties.value, within: 60s, above: 100, by: event.properties.shop } } }`,
    events: ['0 u1 buy m1 value=60 shop=a', '1 u1 buy m2 value=60 shop=b', '2 u1 buy m3 value=60 shop=a'],
    end: 2,
    expect: ['2 u1 spent fired m3'],
  },
];

const THRESHOLDS: readonly Case[] = [
  {
    name: 'a threshold fires once per excursion',
    rules: HOT,
    events: ['0 u1 temp m1 t=80', '1 u1 temp m2 t=81', '2 u1 temp m3 t=90', '3 u1 temp m4 t=80', '4 u1 temp m5 t=81'],
    end: 4,
    expect: ['1 u1 hot fired m2', '4 u1 hot fired m5'],
  },
  {
    name: 'with `for` it fires when the excursion has lasted, with the reading that began it',
    rules: HELD,
    events: ['0 u1 temp m1 t=81', '30 u1 temp m2 t=95', '200 u1 temp m3 t=90'],
    end: 200,
    expect: ['60 u1 held fired m1'],
  },
  {
    name: 'a reading stamped with the deadline that ends the excursion wins',
    rules: HELD,
    events: ['0 u1 temp m1 t=81', '60 u1 temp m2 t=70'],
    end: 200,
    expect: [],
  },
  {
    name: 'readings between the bound and `clear` neither end an excursion nor begin one',
    rules: HELD,
    events: [
      '0 u1 temp m1 t=75',
      '10 u1 temp m2 t=81',
      '20 u1 temp m3 t=71',
      '300 u1 temp m4 t=81',
      '310 u1 temp m5 t=70',
    ],
    end: 400,
    expect: ['70 u1 held fired m2'],
  },
  {
    name: 'a new excursion has its own hold',
    rules: HELD,
    events: ['0 u1 temp m1 t=81', '50 u1 temp m2 t=60', '55 u1 temp m3 t=82'],
    end: 400,
    expect: ['115 u1 held fired m3'],
  },
  {
    name: 'below, with hysteresis: stock is low until it is refilled to `clear`',
    rules: '{ id: low, when: { threshold: { event: stock, value: event.properties.n, below: 5, clear: 20 } } }',
    events: [
      '0 u1 stock m1 n=5',
      '1 u1 stock m2 n=4',
      '2 u1 stock m3 n=19',
      '3 u1 stock m4 n=3',
      '4 u1 stock m5 n=20',
      '5 u1 stock m6 n=4',
    ],
    end: 5,
    expect: ['1 u1 low fired m2', '5 u1 low fired m6'],
  },
  {
    name: 'in arrival order a reading older than the newest is passed over',
    rules: HOT,
    events: ['10 u1 temp m1 t=81', '20 u1 temp m2 t=60', '15 u1 temp m3 t=85', '21 u1 temp m4 t=85'],
    end: 21,
    expect: ['10 u1 hot fired m1', '21 u1 hot fired m4'],
  },
];

const uses = (...seconds: number[]): string[] => seconds.map((at, index) => `${at} u1 use m${index + 1}`);

const BASELINES: readonly Case[] = [
  {
    name: 'a drop is seen at the end of a window that is half of what was usual, or less',
    rules: USAGE,
    events: uses(0, 10, 20, 30, 70, 80, 90, 100, 130, 140),
    end: 180,
    expect: ['180 u1 drop fired m10'],
  },
  {
    name: 'there is no baseline before all of its windows are full',
    rules: USAGE,
    events: uses(0, 10, 20, 30, 70),
    end: 120,
    expect: [],
  },
  {
    name: 'a drop that lasts is reported once, and again after the rate came back',
    rules: '{ id: drop, when: { baseline: { event: use, window: 60s, against: 1, dropBy: 50% } } }',
    events: uses(0, 10, 20, 30, 70, 80, 130, 190, 191, 250),
    end: 300,
    expect: ['120 u1 drop fired m6', '300 u1 drop fired m10'],
  },
  {
    name: 'an event stamped with the end of a window belongs to it',
    rules: '{ id: drop, when: { baseline: { event: use, window: 60s, against: 1, dropBy: 50% } } }',
    events: uses(0, 10, 70, 120),
    end: 120,
    expect: [],
  },
  {
    name: 'a rise fires with the event that brings it, once',
    rules: SURGE,
    events: uses(0, 10, 70, 71, 72, 73, 74),
    end: 130,
    expect: ['73 u1 surge fired m6'],
  },
  {
    name: 'after a silence of all windows an entity starts anew, without a baseline',
    rules: SURGE,
    events: uses(0, 10, 400, 401, 402, 403, 404),
    end: 430,
    expect: [],
  },
];

export const FIGURE_CASES: readonly Case[] = [...COUNTS, ...AGGREGATES, ...THRESHOLDS, ...BASELINES];
