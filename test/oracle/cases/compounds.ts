// Cases of `all` and `any`.

import type { Case } from '../notation.ts';

const BOTH = '{ id: both, when: { all: [{ event: view }, { event: ask }], within: 60s } }';
const LEFT = `
id: left
when:
  all:
    - count: { event: view, atLeast: 2, within: 60s }
    - absence: { after: { event: add, as: cart }, of: buy, within: 30s }
  within: 60s
if: cart.properties.value > 10.0`;

export const COMPOUND_CASES: readonly Case[] = [
  {
    name: 'all fires with the last of its patterns, and names the events of all, in order of time',
    rules: BOTH,
    events: ['0 u1 ask m1', '10 u1 view m2'],
    end: 10,
    expect: ['10 u1 both fired m1,m2'],
  },
  {
    name: 'all: matches further apart than within do not meet',
    rules: BOTH,
    events: ['0 u1 ask m1', '60 u1 view m2', '119.999 u1 ask m3'],
    end: 200,
    expect: ['119.999 u1 both fired m2,m3'],
  },
  {
    name: 'all: the last match of each pattern counts, and is used up by firing',
    rules: BOTH,
    events: ['0 u1 ask m1', '5 u1 ask m2', '10 u1 view m3', '11 u1 view m4', '12 u1 ask m5'],
    end: 20,
    expect: ['10 u1 both fired m2,m3', '12 u1 both fired m4,m5'],
  },
  {
    name: 'all of a count and an absence: complete with the deadline, the capture at hand',
    rules: LEFT,
    events: ['0 u1 add m1 value=20', '5 u1 view m2', '6 u1 view m3'],
    end: 200,
    expect: ['30 u1 left fired m1,m2,m3'],
  },
  {
    name: 'all: an absence that is answered keeps it from firing',
    rules: LEFT,
    events: ['0 u1 add m1 value=20', '5 u1 view m2', '6 u1 view m3', '7 u1 buy m4'],
    end: 200,
    expect: [],
  },
  {
    name: 'one event may complete several patterns, and is named once',
    rules: '{ id: one, when: { all: [{ event: view }, { event: "*" }], within: 60s } }',
    events: ['0 u1 view m1'],
    end: 10,
    expect: ['0 u1 one fired m1'],
  },
  {
    name: 'any fires with each match of its patterns',
    rules: '{ id: either, when: { any: [{ event: view }, { count: { event: ask, atLeast: 2, within: 60s } }] } }',
    events: ['0 u1 view m1', '1 u1 ask m2', '2 u1 ask m3'],
    end: 10,
    expect: ['0 u1 either fired m1', '2 u1 either fired m2,m3'],
  },
  {
    name: 'any with within: matches that long after one belong to it',
    rules: '{ id: either, when: { any: [{ event: view }, { event: ask }], within: 10s } }',
    events: ['0 u1 view m1', '5 u1 ask m2', '10 u1 ask m3', '10.001 u1 view m4'],
    end: 20,
    expect: ['0 u1 either fired m1', '10.001 u1 either fired m4'],
  },
  {
    name: 'patterns in patterns in patterns',
    rules: '{ id: deep, when: { all: [{ event: view }, { any: [{ event: ask }, { event: call }] }], within: 60s } }',
    events: ['0 u1 call m1', '10 u1 view m2'],
    end: 20,
    expect: ['10 u1 deep fired m1,m2'],
  },
  {
    name: 'by beside the list keeps the patterns apart for each value',
    rules: `{ id: both, when: { all: [{ event: view }, { event: ask }], within: 60s, by: event.properties.item } }`,
    events: ['0 u1 view m1 item=a', '1 u1 ask m2 item=b', '2 u1 ask m3 item=a'],
    end: 20,
    expect: ['2 u1 both fired m1,m3'],
  },
  {
    name: 'any of an inactivity and a threshold: the deadlines of both come',
    rules: `{ id: wrong, when: { any: [{ inactive: { for: 60s, event: beat } }, { threshold: { event: temp, value: event.properties.t, above: 80, for: 30s } }] } }`,
    events: ['0 u1 beat m1', '10 u1 temp m2 t=90'],
    end: 200,
    expect: ['40 u1 wrong fired m2', '60 u1 wrong fired m1'],
  },
];
