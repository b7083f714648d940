// Cases of order: what came out of order, what rules in order of arrival do, and equal times.

import type { FlowCase } from '../notation.ts';

const ADD = 'when: { event: add, as: cart }';
const LATER = 'then: [{ wait: 60s }, { send: { channel: email } }]';

export const TIME_CASES: readonly FlowCase[] = [
  {
    name: 'a goal that comes late, but within bounds, ends the flow before a timer that is due after it',
    rules: `{ id: cart, ${ADD}, goal: { event: buy }, ${LATER} }`,
    inputs: ['0 u1 add m1', '64 u1 view m2', '59 u1 buy m3'],
    end: 200,
    flows: ['0 cart/m1 entered', '0 cart/m1 waiting 0 until=60', '59 cart/m1 goal', '59 cart/m1 ended goal'],
  },
  {
    name: 'an event behind a time that has had its turn is late for flows: it is not seen, and named',
    rules: `{ id: cart, ${ADD}, goal: { event: buy, within: 1h }, ${LATER} }`,
    inputs: ['0 u1 add m1', '66 u1 view m2', '60 u1 buy m3', '61 u1 buy m4'],
    end: 200,
    flows: [
      ...[
        '0 cart/m1 entered',
        '0 cart/m1 waiting 0 until=60',
        '60 cart/m1 sent 1 cart/m1:1',
        '60 cart/m1 ended completed',
      ],
      '61 cart/m1 goal',
    ],
    late: ['m3'],
  },
  {
    name: 'a rule in order of arrival decides at once while no flow that matters lives; its flow sees what comes in order of time',
    rules: `{ id: cart, ${ADD}, goal: { event: buy }, ${LATER} }`,
    inputs: ['10 u1 buy m1', '10 u1 add m2', '12 u1 view m3', '11 u1 buy m4'],
    end: 200,
    flows: ['10 cart/m2 entered', '10 cart/m2 waiting 0 until=70', '11 cart/m2 goal', '11 cart/m2 ended goal'],
  },
  {
    name: 'a match in order of arrival waits where a flow that matters lives: it is judged by what came before it in order of time',
    rules: `{ id: cart, ${ADD}, goal: { event: buy }, ${LATER} }`,
    inputs: ['0 u1 add m1', '32 u1 add m2', '31 u1 buy m3'],
    end: 200,
    decisions: ['0 u1 cart fired m1', '32 u1 cart fired m2'],
    flows: [
      ...['0 cart/m1 entered', '0 cart/m1 waiting 0 until=60', '31 cart/m1 goal', '31 cart/m1 ended goal'],
      ...[
        '32 cart/m2 entered',
        '32 cart/m2 waiting 0 until=92',
        '92 cart/m2 sent 1 cart/m2:1',
        '92 cart/m2 ended completed',
      ],
    ],
  },
  {
    name: 'a match in order of arrival that waited has the turn of its event: before timers of that time',
    rules: `{ id: cart, ${ADD}, ${LATER} }`,
    inputs: ['0 u1 add m1', '60 u1 add m2'],
    end: 200,
    decisions: ['0 u1 cart fired m1', '60 u1 cart in-flow m2'],
  },
  {
    name: 'a match behind a flow of its rule that has begun is suppressed: two would meet; one that is through at once is not',
    rules: `{ id: cart, ${ADD}, ${LATER} }\n---\n{ id: now, ${ADD}, then: [{ send: { channel: push } }] }`,
    inputs: ['10 u1 add m1', '8 u1 add m2'],
    end: 200,
    decisions: ['8 u1 cart in-flow m2', '8 u1 now fired m2', '10 u1 cart fired m1', '10 u1 now fired m1'],
  },
  {
    name: 'a group that a later match holds already is not given to an earlier one that comes after it',
    rules: `{ id: a, exclusive: g, ${ADD}, ${LATER} }\n---\n{ id: b, exclusive: g, order: event-time, when: { event: view }, ${LATER} }`,
    inputs: ['8 u1 view m1', '10 u1 add m2'],
    end: 40,
    decisions: ['8 u1 b exclusive m1', '10 u1 a fired m2'],
  },
  {
    name: 'a cap holds over times in whichever order messages were decided on',
    rules: `{ id: now, when: { event: add }, then: [{ send: { channel: push } }] }\n---\n{ id: later, when: { event: view }, then: [{ wait: 10s }, { send: { channel: push } }] }`,
    inputs: ['0 u1 view m1', '14 u1 add m2'],
    end: 40,
    story: { caps: [{ max: 1, per: '60s' }] },
    decisions: ['0 u1 later fired m1', '14 u1 now fired m2'],
    actions: ['14 now/m2:0 push'],
  },
  {
    name: 'the steps of a match far behind run at their own times, and see what has not had its turn yet',
    rules: `{ id: cart, ${ADD}, goal: { event: buy }, then: [{ send: { channel: push } }, { wait: 30s }, { send: { channel: email } }, { wait: 100s }, { send: { channel: sms } }] }`,
    inputs: ['20 u1 buy m1', '100 u1 view m2', '0 u1 add m3', '110 u1 buy m4'],
    end: 200,
    flows: [
      ...[
        '0 cart/m3 entered',
        '0 cart/m3 sent 0 cart/m3:0',
        '0 cart/m3 waiting 1 until=30',
        '30 cart/m3 sent 2 cart/m3:2',
      ],
      ...['30 cart/m3 waiting 3 until=130', '110 cart/m3 goal', '110 cart/m3 ended goal'],
    ],
  },
  {
    name: 'what a timer emits has its turn before other timers of that time, and a goal by it ends flows before them',
    rules: `{ id: a, priority: 60, ${ADD}, then: [{ wait: 60s }, { emit: { event: buy } }] }\n---\n{ id: b, ${ADD}, goal: { event: buy }, ${LATER} }`,
    inputs: ['0 u1 add m1'],
    end: 100,
    flows: [
      ...['0 a/m1 entered', '0 a/m1 waiting 0 until=60', '0 b/m1 entered', '0 b/m1 waiting 0 until=60'],
      ...['60 a/m1 ended completed', '60 b/m1 goal', '60 b/m1 ended goal'],
    ],
  },
  {
    name: 'at a time flows go on before deadlines of patterns: one that ends then is in the way no more',
    rules: `{ id: a, exclusive: g, ${ADD}, then: [{ wait: 60s }] }
---
{ id: b, exclusive: g, when: { absence: { after: { event: add }, of: buy, within: 60s } }, then: [{ send: { channel: push } }] }`,
    inputs: ['0 u1 add m1'],
    end: 100,
    decisions: ['0 u1 a fired m1', '60 u1 b fired m1'],
  },
  {
    name: 'an event that comes twice is one, for flows too',
    rules: `{ id: cart, reentry: parallel, ${ADD}, then: [{ waitFor: { event: view, atMost: 60s } }, { waitFor: { event: view, atMost: 60s } }] }`,
    inputs: ['0 u1 add m1', '0 u1 add m1', '10 u1 view m2', '10 u1 view m2'],
    end: 20,
    flows: ['0 cart/m1 entered', '0 cart/m1 waiting 0 until=60', '10 cart/m1 waiting 1 until=70'],
  },
  {
    name: 'records are in order of time, entity, rule and flow',
    rules: `{ id: b, ${ADD}, then: [{ wait: 10s }] }\n---\n{ id: a, ${ADD}, then: [{ wait: 10s }] }`,
    inputs: ['0 u2 add m1', '0 u1 add m2'],
    end: 5,
    flows: [
      ...['0 a/m2 entered', '0 a/m2 waiting 0 until=10', '0 b/m2 entered', '0 b/m2 waiting 0 until=10'],
      ...['0 a/m1 entered', '0 a/m1 waiting 0 until=10', '0 b/m1 entered', '0 b/m1 waiting 0 until=10'],
    ],
  },
];
