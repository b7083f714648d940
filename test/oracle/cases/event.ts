// Cases of `event`: "on each matching event", and of the expressions in `where`.

import type { Case } from '../notation.ts';

export const EVENT_CASES: readonly Case[] = [
  {
    name: 'event fires on each matching event, at its time',
    rules: '{ id: bought, when: { event: buy } }',
    events: ['0 u1 view m1', '10 u1 buy m2', '20 u2 buy m3', '30 u1 buy m4'],
    end: 30,
    expect: ['10 u1 bought fired m2', '20 u2 bought fired m3', '30 u1 bought fired m4'],
  },
  {
    name: 'event takes a list of names',
    rules: '{ id: either, when: { event: [buy, view] } }',
    events: ['0 u1 view m1', '10 u1 add m2', '20 u1 buy m3'],
    end: 20,
    expect: ['0 u1 either fired m1', '20 u1 either fired m3'],
  },
  {
    name: 'event "*" is every event',
    rules: '{ id: all, when: { event: "*" } }',
    events: ['0 u1 view m1', '10 u1 buy m2'],
    end: 10,
    expect: ['0 u1 all fired m1', '10 u1 all fired m2'],
  },
  {
    name: 'where lets only some events through',
    rules: `{ id: big, when: { event: buy, where: 'event.properties.value >= 50.0' } }`,
    events: ['0 u1 buy m1 value=49.99', '10 u1 buy m2 value=50', '20 u1 buy m3 value=51'],
    end: 20,
    expect: ['10 u1 big fired m2', '20 u1 big fired m3'],
  },
  {
    name: 'a missing property makes where false and stops nothing',
    rules: `
{ id: big, when: { event: buy, where: 'event.properties.value >= 50.0' } }
---
{ id: any, when: { event: buy } }`,
    events: ['0 u1 buy m1', '10 u1 buy m2 value=80'],
    end: 10,
    expect: ['0 u1 any fired m1', '10 u1 any fired m2', '10 u1 big fired m2'],
  },
  {
    name: 'the negation of a missing property is not true either',
    rules: `{ id: other, when: { event: buy, where: '!(event.properties.plan == "free")' } }`,
    events: ['0 u1 buy m1', '10 u1 buy m2 plan=pro', '20 u1 buy m3 plan=free'],
    end: 20,
    expect: ['10 u1 other fired m2'],
  },
  {
    name: 'a missing property beside an alternative that holds does no harm',
    rules: `{ id: either, when: { event: buy, where: 'event.properties.a == "x" || event.properties.b == "y"' } }`,
    events: ['0 u1 buy m1 b=y', '10 u1 buy m2 a=x', '20 u1 buy m3 b=z'],
    end: 20,
    expect: ['0 u1 either fired m1', '10 u1 either fired m2'],
  },
  {
    name: 'both sides of && must hold',
    rules: `{ id: both, when: { event: buy, where: 'event.properties.a == "x" && event.properties.value > 1.0' } }`,
    events: ['0 u1 buy m1 a=x value=1', '10 u1 buy m2 a=x value=2', '20 u1 buy m3 a=y value=2'],
    end: 20,
    expect: ['10 u1 both fired m2'],
  },
  {
    name: 'if sees the completing event, and says no as condition',
    rules: `{ id: rich, when: { event: buy }, if: 'event.properties.value > 10.0' }`,
    events: ['0 u1 buy m1 value=10', '10 u1 buy m2 value=11'],
    end: 10,
    expect: ['0 u1 rich condition m1', '10 u1 rich fired m2'],
  },
  {
    name: 'if sees the event under its `as` name',
    rules: `{ id: rich, when: { event: buy, as: deal }, if: 'deal.properties.value > 10.0' }`,
    events: ['0 u1 buy m1 value=10', '10 u1 buy m2 value=11'],
    end: 10,
    expect: ['0 u1 rich condition m1', '10 u1 rich fired m2'],
  },
  {
    name: 'two events of one time fire in input order',
    rules: '{ id: bought, when: { event: buy } }',
    events: ['10 u1 buy m2', '10 u1 buy m1'],
    end: 10,
    expect: ['10 u1 bought fired m2', '10 u1 bought fired m1'],
  },
  {
    name: 'lines are ordered by time, then entity, then rule',
    rules: '{ id: b, when: { event: buy } }\n---\n{ id: a, when: { event: buy } }',
    events: ['10 u2 buy m1', '10 u1 buy m2', '0 u2 buy m3'],
    end: 10,
    expect: [
      ...['0 u2 a fired m3', '0 u2 b fired m3'],
      ...['10 u1 a fired m2', '10 u1 b fired m2', '10 u2 a fired m1', '10 u2 b fired m1'],
    ],
  },
];
