// Cases of changed rules: move, finish and end, by names and by places.

import type { FlowCase } from '../notation.ts';

const ADD = 'when: { event: add, as: cart }';
const HEAD = `id: cart, ${ADD}`;
const BEGUN = ['0 cart/m1 entered', '0 cart/m1 waiting 0 until=60'];
const BEGUN_BY_NAME = ['0 cart/m1 entered', '0 cart/m1 waiting 0:pause until=60'];

export const CHANGE_CASES: readonly FlowCase[] = [
  {
    name: 'a flow that has moved makes ids that no step of the version before can have made',
    rules: `{ ${HEAD}, then: [{ send: { channel: push } }, { name: pause, wait: 60s }] }`,
    inputs: [
      '0 u1 add m1',
      {
        rules: `{ ${HEAD}, then: [{ name: pause, wait: 60s }, { send: { channel: sms } }, { emit: { event: left } }] }`,
      },
    ],
    end: 100,
    actions: ['0 cart/m1:0 push', '60 cart/m1:1@00:01:00.000Z v1 sms'],
  },
  {
    name: 'move is the default: a flow that waits goes on at the step of the same name, with the deadline that runs, in the new version',
    rules: `{ ${HEAD}, then: [{ name: pause, wait: 60s }, { send: { channel: email, template: old } }] }`,
    inputs: [
      ...['0 u1 add m1', '20 u1 view m2'],
      {
        rules: `{ ${HEAD}, then: [{ send: { channel: push } }, { name: pause, wait: 10s }, { send: { channel: email, template: new } }] }`,
      },
    ],
    end: 100,
    flows: [...BEGUN_BY_NAME, '60 cart/m1 v1 sent 2 cart/m1:2@00:01:00.000Z', '60 cart/m1 v1 ended completed'],
    actions: ['60 cart/m1:2@00:01:00.000Z v1 email t=new'],
  },
  {
    name: 'move without names: the same place and kind',
    rules: `{ ${HEAD}, then: [{ wait: 60s }, { send: { channel: email, template: old } }] }`,
    inputs: [
      '0 u1 add m1',
      {
        rules: `{ ${HEAD}, then: [{ wait: 10s }, { send: { channel: sms } }, { send: { channel: email, template: new } }] }`,
      },
    ],
    end: 100,
    flows: [
      ...BEGUN,
      '60 cart/m1 v1 sent 1 cart/m1:1@00:01:00.000Z',
      '60 cart/m1 v1 sent 2 cart/m1:2@00:01:00.000Z',
      '60 cart/m1 v1 ended completed',
    ],
  },
  {
    name: 'move where the step is gone: the next one that survives, when the wait that runs is over',
    rules: `{ ${HEAD}, then: [{ name: pause, wait: 60s }, { name: a, send: { channel: sms } }, { name: b, send: { channel: email } }] }`,
    inputs: [
      '0 u1 add m1',
      {
        rules: `{ ${HEAD}, then: [{ send: { channel: push } }, { wait: 5s }, { name: b, send: { channel: email } }] }`,
      },
    ],
    end: 100,
    flows: [...BEGUN_BY_NAME, '60 cart/m1 v1 sent 2:b cart/m1:2@00:01:00.000Z', '60 cart/m1 v1 ended completed'],
  },
  {
    name: 'move where nothing survives ends the flow as changed, when the rules changed',
    rules: `{ ${HEAD}, then: [{ name: pause, wait: 60s }, { name: a, send: { channel: sms } }] }`,
    inputs: [
      '0 u1 add m1',
      '25.001 u1 view m2',
      { rules: `{ ${HEAD}, then: [{ name: c, send: { channel: push } }] }` },
    ],
    end: 100,
    flows: [...BEGUN_BY_NAME, '20 cart/m1 ended changed'],
  },
  {
    name: 'move out of an arm that is gone: what would have come after it',
    rules: `{ ${HEAD}, then: [{ branch: [{ if: 'true', do: [{ name: pause, wait: 60s }] }] }, { name: b, send: { channel: email } }] }`,
    inputs: ['0 u1 add m1', { rules: `{ ${HEAD}, then: [{ name: b, send: { channel: email, template: new } }] }` }],
    end: 100,
    flows: [
      ...['0 cart/m1 entered', '0 cart/m1 waiting 1:pause until=60'],
      ...['60 cart/m1 v1 sent 0:b cart/m1:0@00:01:00.000Z', '60 cart/m1 v1 ended completed'],
    ],
  },
  {
    name: 'move keeps a waitFor waiting until its deadline, for what the new version waits for',
    rules: `{ ${HEAD}, then: [{ name: w, waitFor: { event: click, atMost: 60s, then: [{ exit: true }] } }, { send: { channel: email } }] }`,
    inputs: [
      ...['0 u1 add m1', '10 u1 view m2'],
      {
        rules: `{ ${HEAD}, then: [{ name: w, waitFor: { event: buy, atMost: 10s, then: [{ send: { channel: push } }] } }] }`,
      },
      ...['30 u1 click m3', '50 u1 buy m4'],
    ],
    end: 100,
    flows: [
      ...[
        '0 cart/m1 entered',
        '0 cart/m1 waiting 0:w until=60',
        '50 cart/m1 v1 sent 1 cart/m1:1@00:00:50.000Z',
        '50 cart/m1 v1 ended completed',
      ],
    ],
  },
  {
    name: 'finish: the flow stays on the version that it began with, also its goal; a new match takes the new one',
    rules: `{ ${HEAD}, goal: { event: buy, within: 1h }, then: [{ wait: 60s }, { send: { channel: email, template: old } }] }`,
    inputs: [
      '0 u1 add m1',
      { rules: `{ ${HEAD}, inFlight: finish, then: [{ wait: 5s }, { send: { channel: email, template: new } }] }` },
      ...['61 u1 view m2', '62 u1 add m3', '70 u1 buy m4'],
    ],
    end: 100,
    flows: [
      ...[...BEGUN, '60 cart/m1 sent 1 cart/m1:1', '60 cart/m1 ended completed'],
      ...[
        '62 cart/m3 v1 entered',
        '62 cart/m3 v1 waiting 0 until=67',
        '67 cart/m3 v1 sent 1 cart/m3:1',
        '67 cart/m3 v1 ended completed',
      ],
      '70 cart/m1 goal',
    ],
  },
  {
    name: 'finish: the flow of the old version is in the way of a match of the new one',
    rules: `{ ${HEAD}, then: [{ wait: 60s }] }`,
    inputs: ['0 u1 add m1', { rules: `{ ${HEAD}, inFlight: finish, then: [{ wait: 5s }] }` }, '30 u1 add m2'],
    end: 40,
    decisions: ['0 u1 cart fired m1', '30 u1 cart v1 in-flow m2'],
  },
  {
    name: 'end: flows end as changed; a rule that did not change goes on as if nothing had happened',
    rules: `{ ${HEAD}, then: [{ wait: 60s }] }\n---\n{ id: same, ${ADD}, then: [{ wait: 60s }] }`,
    inputs: [
      '0 u1 add m1',
      {
        rules: `{ ${HEAD}, inFlight: end, then: [{ wait: 60s }] }\n---\n{ id: same, description: told anew, ${ADD}, then: [{ wait: 60s }] }`,
      },
      '1 u1 view m2',
    ],
    end: 100,
    flows: [
      ...[
        ...BEGUN,
        '0 cart/m1 ended changed',
        '0 same/m1 entered',
        '0 same/m1 waiting 0 until=60',
        '60 same/m1 ended completed',
      ],
    ],
  },
  {
    name: 'a rule that is gone ends its flows as changed, unless it had said that they finish',
    rules: `{ ${HEAD}, then: [{ wait: 60s }] }\n---\n{ id: fin, inFlight: finish, ${ADD}, then: [{ wait: 60s }, { send: { channel: email } }] }`,
    inputs: ['0 u1 add m1', { rules: `{ id: other, ${ADD} }` }, '1 u1 view m2'],
    end: 100,
    flows: [
      ...[...BEGUN, '0 cart/m1 ended changed', '0 fin/m1 entered', '0 fin/m1 waiting 0 until=60'],
      ...['60 fin/m1 sent 1 fin/m1:1', '60 fin/m1 ended completed'],
    ],
  },
  {
    name: 'a changed rule keeps what its pattern has seen; one that comes back begins anew',
    rules: `{ id: twice, when: { count: { event: add, atLeast: 2, within: 1h } }, then: [{ send: { channel: push } }] }`,
    inputs: [
      '0 u1 add m1',
      {
        rules: `{ id: twice, when: { count: { event: add, atLeast: 2, within: 1h } }, then: [{ send: { channel: sms } }] }`,
      },
      '0 u2 add m2',
      { rules: `{ id: other, ${ADD} }` },
      {
        rules: `{ id: twice, when: { count: { event: add, atLeast: 2, within: 1h } }, then: [{ send: { channel: email } }] }`,
      },
      ...['10 u2 add m3', '11 u1 add m4', '12 u1 add m5'],
    ],
    end: 100,
    decisions: ['12 u1 twice v3 fired m4,m5'],
  },
  {
    name: 'a candidate that waits for the end of quiet hours is decided by the new version; of a rule that is gone it is dropped',
    rules: `{ ${HEAD}, quietHours: { from: "00:00", to: "00:10" }, then: [{ send: { channel: push } }] }
---
{ id: gone, ${ADD}, quietHours: { from: "00:00", to: "00:10" }, then: [{ send: { channel: push } }] }`,
    inputs: [
      '0 u1 add m1',
      { rules: `{ ${HEAD}, quietHours: { from: "00:00", to: "00:10" }, then: [{ send: { channel: sms } }] }` },
    ],
    end: 1000,
    decisions: ['0 u1 cart deferred m1', '0 u1 gone deferred m1', '600 u1 cart v1 fired m1'],
    actions: ['600 cart/m1@600:0 v1 sms'],
  },
  {
    name: 'choose: a changed weight moves nobody who was assigned',
    rules: `{ id: cart, reentry: parallel, ${ADD}, then: [{ choose: { experiment: e, variants: [{ name: a, weight: 1 }, { name: b, weight: 1 }] } }, { wait: 5s }, { send: { channel: push } }] }`,
    inputs: [
      '0 u1 add m1',
      {
        rules: `{ id: cart, reentry: parallel, ${ADD}, then: [{ choose: { experiment: e, variants: [{ name: a, weight: 0 }, { name: b, weight: 9 }] } }, { wait: 5s }, { send: { channel: push } }] }`,
      },
      ...['10 u1 add m2', '10 u2 add m3'],
    ],
    end: 100,
    story: { draw: ({ variants }) => (variants[0]!.weight > 0 ? 'a' : 'b') },
    actions: [
      '5 cart/m1:2@00:00:05.000Z v1 push variant=a',
      '15 cart/m2:2 v1 push variant=a',
      '15 cart/m3:2 v1 push variant=b',
    ],
  },
];
