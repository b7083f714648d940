// Cases of `inactive`: "when the entity has had no such event for that long; once per silence".

import type { Case } from '../notation.ts';

const ANY = '{ id: quiet, when: { inactive: { for: 60s } } }';
const LOGIN = '{ id: quiet, when: { inactive: { for: 60s, event: login } } }';

export const INACTIVE_CASES: readonly Case[] = [
  {
    name: 'inactive fires once per silence, with the last event seen',
    rules: ANY,
    events: ['0 u1 view m1', '30 u1 buy m2'],
    end: 10_000,
    expect: ['90 u1 quiet fired m2'],
  },
  {
    name: 'an event exactly at the end of the silence is in time',
    rules: ANY,
    events: ['0 u1 view m1', '60 u1 view m2'],
    end: 119.999,
    expect: [],
  },
  {
    name: 'an event a millisecond later is not',
    rules: ANY,
    events: ['0 u1 view m1', '60.001 u1 view m2'],
    end: 100,
    expect: ['60 u1 quiet fired m1'],
  },
  {
    name: 'the next event begins the next silence',
    rules: ANY,
    events: ['0 u1 view m1', '200 u1 view m2'],
    end: 1000,
    expect: ['60 u1 quiet fired m1', '260 u1 quiet fired m2'],
  },
  {
    name: 'nobody is inactive before the first event',
    rules: ANY,
    events: ['500 u1 view m1'],
    end: 559.999,
    expect: [],
  },
  {
    name: "other people's events break no silence",
    rules: ANY,
    events: ['0 u1 view m1', '30 u2 view m2', '60 u2 view m3'],
    end: 100,
    expect: ['60 u1 quiet fired m1'],
  },
  {
    name: 'with `event`, other events break no silence',
    rules: LOGIN,
    events: ['0 u1 login m1', '30 u1 view m2', '59 u1 view m3'],
    end: 100,
    expect: ['60 u1 quiet fired m1'],
  },
  {
    name: 'with a list, any of it breaks the silence',
    rules: '{ id: quiet, when: { inactive: { for: 60s, event: [login, view] } } }',
    events: ['0 u1 login m1', '30 u1 view m2', '80 u1 buy m3'],
    end: 100,
    expect: ['90 u1 quiet fired m2'],
  },
  {
    name: 'of two events at one time the later in input order is the last seen',
    rules: ANY,
    events: ['0 u1 view m2', '0 u1 view m1'],
    end: 100,
    expect: ['60 u1 quiet fired m1'],
  },
  {
    name: 'if sees the last event',
    rules: `{ id: quiet, when: { inactive: { for: 60s } }, if: 'event.properties.plan == "pro"' }`,
    events: ['0 u1 view m1 plan=pro', '0 u2 view m2 plan=free', '0 u3 view m3'],
    end: 100,
    expect: ['60 u1 quiet fired m1', '60 u2 quiet condition m2', '60 u3 quiet condition m3'],
  },
  {
    name: 'by keeps silences apart, and events without a value are not seen',
    rules: `{ id: quiet, when: { inactive: { for: 60s, by: 'event.properties.app' } } }`,
    events: ['0 u1 view m1 app=a', '10 u1 view m2 app=b', '40 u1 view m3 app=b', '50 u1 view m4'],
    end: 1000,
    expect: ['60 u1 quiet fired m1', '100 u1 quiet fired m3'],
  },
];
