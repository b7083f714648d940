// Cases of the gates: enabled, condition, cooldown, limit, in that order; "the first that says no is the reason".

import type { Case } from '../notation.ts';

const BUY = 'when: { event: buy }';

export const GATE_CASES: readonly Case[] = [
  {
    name: 'a disabled rule suppresses its matches as disabled',
    rules: `{ id: off, enabled: false, ${BUY}, if: 'event.properties.none' }`,
    events: ['0 u1 buy m1'],
    end: 0,
    expect: ['0 u1 off disabled m1'],
  },
  {
    name: 'a disabled absence still says when it would have fired',
    rules: '{ id: off, enabled: false, when: { absence: { after: { event: add }, of: { event: buy }, within: 60s } } }',
    events: ['0 u1 add m1', '100 u1 add m2', '110 u1 buy m3'],
    end: 1000,
    expect: ['60 u1 off disabled m1'],
  },
  {
    name: 'a condition that fails on a missing property suppresses',
    rules: `{ id: if-missing, ${BUY}, if: 'event.properties.none == 1.0' }`,
    events: ['0 u1 buy m1'],
    end: 0,
    expect: ['0 u1 if-missing condition m1'],
  },
  {
    name: 'cooldown: suppressed before t + D, allowed exactly at t + D',
    rules: `{ id: calm, ${BUY}, cooldown: 60s }`,
    events: ['0 u1 buy m1', '59.999 u1 buy m2', '60 u1 buy m3', '61 u1 buy m4'],
    end: 61,
    expect: ['0 u1 calm fired m1', '59.999 u1 calm cooldown m2', '60 u1 calm fired m3', '61 u1 calm cooldown m4'],
  },
  {
    name: 'cooldown counts from the last fired decision, not from a suppressed one',
    rules: `{ id: calm, ${BUY}, cooldown: 60s }`,
    events: ['0 u1 buy m1', '30 u1 buy m2', '70 u1 buy m3'],
    end: 70,
    expect: ['0 u1 calm fired m1', '30 u1 calm cooldown m2', '70 u1 calm fired m3'],
  },
  {
    name: 'cooldown of a decision at the same time suppresses',
    rules: `{ id: calm, ${BUY}, cooldown: 60s }`,
    events: ['0 u1 buy m1', '0 u1 buy m2'],
    end: 0,
    expect: ['0 u1 calm fired m1', '0 u1 calm cooldown m2'],
  },
  {
    name: "cooldown is each person's own, and each rule's own",
    rules: `{ id: calm, ${BUY}, cooldown: 60s }\n---\n{ id: other, ${BUY}, cooldown: 10s }`,
    events: ['0 u1 buy m1', '5 u2 buy m2', '10 u1 buy m3'],
    end: 10,
    expect: [
      ...['0 u1 calm fired m1', '0 u1 other fired m1', '5 u2 calm fired m2', '5 u2 other fired m2'],
      ...['10 u1 calm cooldown m3', '10 u1 other fired m3'],
    ],
  },
  {
    name: 'cooldown with a key is apart for each value',
    rules: `{ id: calm, when: { event: buy, as: deal }, cooldown: { for: 60s, key: 'deal.properties.cart' } }`,
    events: ['0 u1 buy m1 cart=a', '10 u1 buy m2 cart=b', '20 u1 buy m3 cart=a', '60 u1 buy m4 cart=a'],
    end: 60,
    expect: ['0 u1 calm fired m1', '10 u1 calm fired m2', '20 u1 calm cooldown m3', '60 u1 calm fired m4'],
  },
  {
    name: 'a condition that says no starts no cooldown, and is asked before it',
    rules: `{ id: calm, ${BUY}, if: 'event.properties.ok', cooldown: 60s }`,
    events: ['0 u1 buy m1 ok=false', '10 u1 buy m2 ok=true', '20 u1 buy m3 ok=false', '30 u1 buy m4 ok=true'],
    end: 30,
    expect: ['0 u1 calm condition m1', '10 u1 calm fired m2', '20 u1 calm condition m3', '30 u1 calm cooldown m4'],
  },
  {
    name: 'cooldown of an absence counts between deadlines',
    rules:
      '{ id: left, cooldown: 100s, when: { absence: { after: { event: add }, of: { event: buy }, within: 60s } } }',
    events: ['0 u1 add m1', '99.999 u1 add m2', '200 u1 add m3', '1000 u1 view m4'],
    end: 1000,
    expect: ['60 u1 left fired m1', '159.999 u1 left cooldown m2', '260 u1 left fired m3'],
  },
  {
    name: 'limit: at most max in (t - per, t]',
    rules: `{ id: few, ${BUY}, limit: [{ max: 2, per: 60s }] }`,
    events: ['0 u1 buy m1', '30 u1 buy m2', '59.999 u1 buy m3', '60 u1 buy m4', '89 u1 buy m5', '90 u1 buy m6'],
    end: 90,
    expect: [
      ...['0 u1 few fired m1', '30 u1 few fired m2', '59.999 u1 few limit m3', '60 u1 few fired m4'],
      ...['89 u1 few limit m5', '90 u1 few fired m6'],
    ],
  },
  {
    name: 'limit counts only fired decisions',
    rules: `{ id: few, ${BUY}, if: 'event.properties.ok', limit: [{ max: 1, per: 60s }] }`,
    events: ['0 u1 buy m1 ok=false', '10 u1 buy m2 ok=true', '20 u1 buy m3 ok=true', '70 u1 buy m4 ok=true'],
    end: 70,
    expect: ['0 u1 few condition m1', '10 u1 few fired m2', '20 u1 few limit m3', '70 u1 few fired m4'],
  },
  {
    name: 'all limits hold at once',
    rules: `{ id: few, ${BUY}, limit: [{ max: 1, per: 10s }, { max: 2, per: 60s }] }`,
    events: ['0 u1 buy m1', '5 u1 buy m2', '10 u1 buy m3', '30 u1 buy m4', '60 u1 buy m5'],
    end: 60,
    expect: [
      ...['0 u1 few fired m1', '5 u1 few limit m2', '10 u1 few fired m3', '30 u1 few limit m4'],
      ...['60 u1 few fired m5'],
    ],
  },
  {
    name: 'cooldown is asked before limit',
    rules: `{ id: few, ${BUY}, cooldown: 10s, limit: [{ max: 1, per: 60s }] }`,
    events: ['0 u1 buy m1', '5 u1 buy m2', '10 u1 buy m3', '60 u1 buy m4'],
    end: 60,
    expect: ['0 u1 few fired m1', '5 u1 few cooldown m2', '10 u1 few limit m3', '60 u1 few fired m4'],
  },
  {
    name: 'a decision suppressed by the limit starts no cooldown',
    rules: `{ id: few, ${BUY}, cooldown: 10s, limit: [{ max: 1, per: 60s }] }`,
    events: ['0 u1 buy m1', '55 u1 buy m2', '60 u1 buy m3'],
    end: 60,
    expect: ['0 u1 few fired m1', '55 u1 few limit m2', '60 u1 few fired m3'],
  },
  {
    name: 'each with a limit of one: the first deadline at a time wins',
    rules: `{ id: left, limit: [{ max: 1, per: 60s }],
      when: { absence: { after: { event: add }, of: { event: buy }, within: 60s, restart: each } } }`,
    events: ['0 u1 add m1', '0 u1 add m2', '60 u1 add m3'],
    end: 1000,
    expect: ['60 u1 left fired m1', '60 u1 left limit m2', '120 u1 left fired m3'],
  },
  {
    name: 'without a key, cooldown is shared by the values of by',
    rules: `{ id: calm, when: { count: { event: view, atLeast: 2, within: 60s, by: 'event.properties.page' } }, cooldown: 60s }`,
    events: ['0 u1 view m1 page=a', '1 u1 view m2 page=a', '2 u1 view m3 page=b', '3 u1 view m4 page=b'],
    end: 3,
    expect: ['1 u1 calm fired m1,m2', '3 u1 calm cooldown m3,m4'],
  },
  {
    name: 'two carts of one person stay two carts: by, captures and a cooldown key',
    rules: `{ id: left, cooldown: { for: 7d, key: 'cart.properties.cart' }, when: { absence: {
      after: { event: add, as: cart }, of: { event: buy }, within: 60s, by: 'event.properties.cart' } } }`,
    events: [
      ...['0 u1 add m1 cart=a', '10 u1 add m2 cart=b', '20 u1 add m3 cart=c', '30 u1 buy m4 cart=b'],
      ...['200 u1 add m5 cart=a', '210 u1 add m6 cart=b'],
    ],
    end: 1000,
    expect: [...['60 u1 left fired m1', '80 u1 left fired m3'], ...['260 u1 left cooldown m5', '270 u1 left fired m6']],
  },
  {
    name: 'a decision behind another one, within outOfOrderness, is held against what was fired around its own time',
    rules: '{ id: bought, when: { event: buy }, cooldown: { for: 10s, key: event.properties.cart } }',
    events: ['0 u1 buy m1 cart=a', '30 u1 buy m2 cart=b', '5 u1 buy m3 cart=c', '6 u1 buy m4 cart=a'],
    end: 100,
    outOfOrderness: 60,
    expect: ['0 u1 bought fired m1', '5 u1 bought fired m3', '6 u1 bought cooldown m4', '30 u1 bought fired m2'],
  },
];
