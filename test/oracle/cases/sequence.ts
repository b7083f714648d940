// `sequence` among the other parts of a rule: lanes, lateness, `by`, gates. What steps mean is in test/oracle/flink.

import type { Case } from '../notation.ts';

const BUY = `
id: bought
when:
  sequence:
    steps: [{ event: view, as: seen }, { event: buy, where: 'event.properties.item == seen.properties.item' }]
    within: 60s`;

const LEFT = `
id: left
when: { sequence: { steps: [{ event: view }, { event: add }, { not: { event: buy } }], within: 60s } }`;

export const SEQUENCE_CASES: readonly Case[] = [
  {
    name: 'a sequence is found in order of time, whatever the order of reading within outOfOrderness',
    rules: BUY,
    events: ['13 u1 buy m2 item=a', '10 u1 view m1 item=a', '20 u1 view m3 item=b'],
    end: 100,
    expect: ['13 u1 bought fired m1,m2'],
  },
  {
    name: 'in arrival order a sequence is found in reading order, at once, with its events in order of time',
    rules: `${BUY}\norder: arrival`,
    events: [
      '13 u1 buy m2 item=a',
      '10 u1 view m1 item=a',
      '12 u1 buy m3 item=a',
      '9 u1 view m4 item=c',
      '8 u1 buy m5 item=c',
    ],
    end: 100,
    expect: ['8 u1 bought fired m5,m4', '12 u1 bought fired m1,m3'],
  },
  {
    name: 'an event that is late for the sequence is not in it, and its rule is named',
    rules: BUY,
    events: ['10 u1 view m1 item=a', '30 u1 view m2 item=b', '50 u1 view m3 item=c', '20 u1 buy m4 item=a'],
    end: 100,
    expect: [],
    late: ['m4'],
  },
  {
    name: 'the end of the time of a partial match makes no event late',
    rules: BUY,
    events: ['0 u1 view m1 item=a', '100 u2 view m2 item=a', '61 u1 view m3 item=b', '62 u1 buy m4 item=b'],
    end: 200,
    expect: ['62 u1 bought fired m3,m4'],
  },
  {
    name: 'a sequence that ends in a not fires at its deadline, and an event behind that is late',
    rules: LEFT,
    events: ['0 u1 view m1', '10 u1 add m2', '100 u2 view m3', '55 u1 buy m4'],
    end: 200,
    expect: ['60 u1 left fired m1,m2'],
    late: ['m4'],
  },
  {
    name: 'the event that must not come wins at the deadline',
    rules: LEFT,
    events: ['0 u1 view m1', '10 u1 add m2', '60 u1 buy m3', '0.001 u2 view m4', '10 u2 add m5', '60.002 u2 buy m6'],
    end: 200,
    outOfOrderness: 100,
    expect: ['60.001 u2 left fired m4,m5'],
  },
  {
    name: 'with by, the very next event is that of the same value; an event without a value is not seen',
    rules: `
id: pair
when:
  sequence: { steps: [{ event: a }, { event: b, next: strict }], by: event.properties.cart }`,
    events: [
      '1 u1 a m1 cart=c1',
      '2 u1 x m2 cart=c2',
      '3 u1 x m3',
      '4 u1 b m4 cart=c1',
      '5 u1 a m5 cart=c2',
      '6 u1 x m6 cart=c2',
      '7 u1 b m7 cart=c2',
    ],
    end: 10,
    expect: ['4 u1 pair fired m1,m4'],
  },
  {
    name: 'conditions and cooldown keys read captures, also lists; a match that is suppressed drops what it drops',
    rules: `
id: twice
when:
  sequence: { steps: [{ event: view, as: views, times: { min: 2, max: 2 } }, { event: buy, as: bought }] }
if: 'views[0].properties.n < views[1].properties.n && bought.properties.n > 0'
cooldown: { for: 60s, key: 'views[0].properties.item' }`,
    events: [
      '1 u1 view m1 n=1 item=a',
      '2 u1 view m2 n=2 item=a',
      '3 u1 buy m3 n=1',
      '4 u1 view m4 n=2 item=a',
      '5 u1 view m5 n=1 item=a',
      '6 u1 buy m6 n=1',
      '7 u1 view m7 n=1 item=b',
      '8 u1 view m8 n=2 item=b',
      '9 u1 buy m9 n=1',
      '10 u1 view m10 n=1 item=a',
      '11 u1 view m11 n=2 item=b',
      '12 u1 buy m12 n=1',
    ],
    end: 100,
    expect: [
      '3 u1 twice fired m1,m2,m3',
      '6 u1 twice condition m4,m5,m6',
      '9 u1 twice fired m7,m8,m9',
      '12 u1 twice cooldown m10,m11,m12',
    ],
  },
  {
    name: 'a repeated event counts once',
    rules: '{ id: two, when: { sequence: { steps: [{ event: a, times: { min: 2, max: 2 } }] } } }',
    events: ['1 u1 a m1', '1 u1 a m1', '2 u1 a m2'],
    end: 10,
    expect: ['2 u1 two fired m1,m2'],
  },
];
