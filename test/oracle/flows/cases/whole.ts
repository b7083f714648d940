// Cases of the flow as a whole: goal, stopOn, one at a time, exclusive groups.

import type { FlowCase } from '../notation.ts';

const ADD = 'when: { event: add, as: cart }';
const LATER = 'then: [{ wait: 60s }, { send: { channel: email } }]';
const WAITS = ['entered', 'waiting 0 until='];

/** The lines of a flow that begins at `at` and waits for 60 s with its first step. */
function begins(at: number, flow: string): string[] {
  return [`${at} ${flow} ${WAITS[0]}`, `${at} ${flow} ${WAITS[1]}${at + 60}`];
}

export const WHOLE_CASES: readonly FlowCase[] = [
  {
    name: 'a goal ends the flow before a timer that is due at the same time',
    rules: `{ id: cart, ${ADD}, goal: { event: buy, where: 'event.properties.id == cart.properties.id', within: 3d }, ${LATER} }`,
    inputs: ['0 u1 add m1 id=c1', '30 u1 buy m2 id=other', '60 u1 buy m3 id=c1'],
    end: 100,
    flows: [...begins(0, 'cart/m1'), '60 cart/m1 goal', '60 cart/m1 ended goal'],
    actions: [],
  },
  {
    name: 'a goal stamped with the match does not count; one with the very end of its time does',
    rules: `{ id: cart, ${ADD}, goal: { event: buy, within: 30s }, ${LATER} }`,
    inputs: ['0 u1 add m1', '0 u1 buy m2', '30 u1 buy m3'],
    end: 100,
    flows: [...begins(0, 'cart/m1'), '30 cart/m1 goal', '30 cart/m1 ended goal'],
  },
  {
    name: 'a goal one millisecond late is none, and the flow goes on',
    rules: `{ id: cart, ${ADD}, goal: { event: buy, within: 30s }, ${LATER} }`,
    inputs: ['0 u1 add m1', '30.001 u1 buy m2'],
    end: 100,
    flows: [...begins(0, 'cart/m1'), '60 cart/m1 sent 1 cart/m1:1', '60 cart/m1 ended completed'],
  },
  {
    name: 'a goal without a time is looked for while the flow lives',
    rules: `{ id: cart, ${ADD}, goal: { event: buy }, ${LATER} }`,
    inputs: ['0 u1 add m1', '60.001 u1 buy m2'],
    end: 100,
    flows: [...begins(0, 'cart/m1'), '60 cart/m1 sent 1 cart/m1:1', '60 cart/m1 ended completed'],
  },
  {
    name: 'a goal is recorded once, also for a flow that has ended, and for someone whom holdout suppressed',
    rules: `{ id: cart, ${ADD}, holdout: 50%, goal: { event: buy, within: 1h }, ${LATER} }`,
    inputs: ['0 u1 add m1', '0 u2 add m2', '90 u1 buy m3', '91 u1 buy m4', '92 u2 buy m5', '93 u2 buy m6'],
    end: 3600,
    story: { heldOut: (_rule, entity) => entity === 'u2' },
    decisions: ['0 u1 cart fired m1', '0 u2 cart holdout m2'],
    flows: [
      ...[...begins(0, 'cart/m1'), '60 cart/m1 sent 1 cart/m1:1', '60 cart/m1 ended completed'],
      ...['90 cart/m1 goal', '92 cart/m2 goal'],
    ],
  },
  {
    name: 'the same event ends the flow by its goal before a waitFor that it fits',
    rules: `{ id: cart, ${ADD}, goal: { event: buy }, then: [{ waitFor: { event: buy, atMost: 60s, then: [{ send: { channel: push } }] } }] }`,
    inputs: ['0 u1 add m1', '30 u1 buy m2'],
    end: 100,
    flows: [...begins(0, 'cart/m1'), '30 cart/m1 goal', '30 cart/m1 ended goal'],
  },
  {
    name: 'stopOn ends the flow without a goal: a name alone, or with a condition that reads captures',
    rules: `{ id: cart, ${ADD}, stopOn: [closed, { event: emptied, where: 'event.properties.id == cart.properties.id' }], ${LATER} }`,
    inputs: ['0 u1 add m1 id=a', '10 u1 emptied m2 id=b', '20 u1 emptied m3 id=a', '0 u2 add m4', '60 u2 closed m5'],
    end: 100,
    flows: [
      ...[...begins(0, 'cart/m1'), ...begins(0, 'cart/m4')],
      ...['20 cart/m1 ended stopped', '60 cart/m4 ended stopped'],
    ],
  },
  {
    name: 'what is both goal and stopOn is the goal',
    rules: `{ id: cart, ${ADD}, goal: { event: buy }, stopOn: [buy], ${LATER} }`,
    inputs: ['0 u1 add m1', '10 u1 buy m2'],
    end: 100,
    flows: [...begins(0, 'cart/m1'), '10 cart/m1 goal', '10 cart/m1 ended goal'],
  },
  {
    name: 'reentry none: a match meanwhile is suppressed, up to one at the time of the end by a timer; a goal at that time makes room',
    rules: `{ id: cart, order: event-time, ${ADD}, goal: { event: buy }, ${LATER} }`,
    inputs: ['0 u1 add m1', '30 u1 add m2', '60 u1 add m3', '60.001 u1 add m4', '70 u1 buy m5', '70 u1 add m6'],
    end: 100,
    decisions: [
      ...['0 u1 cart fired m1', '30 u1 cart in-flow m2', '60 u1 cart in-flow m3', '60.001 u1 cart fired m4'],
      '70 u1 cart fired m6',
    ],
  },
  {
    name: 'one flow lives for each value of by',
    rules: `{ id: cart, when: { event: add, as: cart, by: event.properties.id }, ${LATER} }`,
    inputs: ['0 u1 add m1 id=a', '10 u1 add m2 id=b', '20 u1 add m3 id=a'],
    end: 100,
    decisions: ['0 u1 cart fired m1', '10 u1 cart fired m2', '20 u1 cart in-flow m3'],
  },
  {
    name: 'in-flow is asked right after cooldown, before limit',
    rules: `{ id: cart, ${ADD}, cooldown: 30s, limit: [{ max: 1, per: 1h }], ${LATER} }`,
    inputs: ['0 u1 add m1', '10 u1 add m2', '40 u1 add m3', '70 u1 add m4'],
    end: 100,
    decisions: ['0 u1 cart fired m1', '10 u1 cart cooldown m2', '40 u1 cart in-flow m3', '70 u1 cart limit m4'],
  },
  {
    name: 'restart ends the old flow, and the new one has none of its captures',
    rules: `{ id: cart, reentry: restart, ${ADD}, then: [
      { waitFor: { event: click, atMost: 60s, as: click } },
      { wait: 60s }, { send: { channel: email, data: { id: cart.properties.id, what: click.properties.what } } }] }`,
    inputs: ['0 u1 add m1 id=a', '10 u1 click m2 what=x', '20 u1 add m3 id=b'],
    end: 1000,
    flows: [
      ...[
        ...begins(0, 'cart/m1'),
        '10 cart/m1 waiting 1 until=70',
        '20 cart/m1 ended restarted',
        ...begins(20, 'cart/m3'),
      ],
      ...['80 cart/m3 waiting 1 until=140', '140 cart/m3 sent 2 cart/m3:2', '140 cart/m3 ended completed'],
    ],
    actions: ['140 cart/m3:2 email {"id":"b","what":null}'],
  },
  {
    name: 'restart: a match that does not fire ends nothing',
    rules: `{ id: cart, reentry: restart, ${ADD}, limit: [{ max: 1, per: 1h }], ${LATER} }`,
    inputs: ['0 u1 add m1', '30 u1 add m2'],
    end: 100,
    decisions: ['0 u1 cart fired m1', '30 u1 cart limit m2'],
    actions: ['60 cart/m1:1 email'],
  },
  {
    name: 'restart: a match whose sends are all refused leaves the old flow as it was',
    rules: `{ id: cart, reentry: restart, ${ADD}, then: [{ send: { channel: sms } }, { wait: 60s }, { send: { channel: email } }] }`,
    inputs: ['0 u1 add m1', '20 u1 view m2', 'u1 says sms=false', '30 u1 add m3', '40 u1 view m4'],
    end: 100,
    decisions: ['0 u1 cart fired m1', '30 u1 cart consent m3'],
    flows: [
      ...['0 cart/m1 entered', '0 cart/m1 sent 0 cart/m1:0', '0 cart/m1 waiting 1 until=60'],
      ...['60 cart/m1 sent 2 cart/m1:2', '60 cart/m1 ended completed'],
    ],
  },
  {
    name: 'the goal of a flow that was restarted is still looked for within its time, beside that of its successor',
    rules: `{ id: cart, reentry: restart, ${ADD}, goal: { event: buy, within: 50s }, ${LATER} }`,
    inputs: ['0 u1 add m1', '20 u1 add m2', '40 u1 buy m3'],
    end: 100,
    flows: [
      ...[...begins(0, 'cart/m1'), '20 cart/m1 ended restarted', ...begins(20, 'cart/m2')],
      ...['40 cart/m1 goal', '40 cart/m2 goal', '40 cart/m2 ended goal'],
    ],
  },
  {
    name: 'a goal does not look at decisions that other gates suppressed',
    rules: `{ id: cart, ${ADD}, if: 'cart.properties.ok', goal: { event: buy, within: 1h }, ${LATER} }`,
    inputs: ['0 u1 add m1 ok=false', '10 u1 buy m2'],
    end: 100,
    decisions: ['0 u1 cart condition m1'],
    flows: [],
  },
  {
    name: 'parallel: flows of one rule run beside each other, and one goal ends all that look for it',
    rules: `{ id: cart, reentry: parallel, ${ADD}, goal: { event: buy }, ${LATER} }`,
    inputs: ['0 u1 add m1', '30 u1 add m2', '61 u1 add m3', '70 u1 buy m4'],
    end: 200,
    flows: [
      ...[...begins(0, 'cart/m1'), ...begins(30, 'cart/m2')],
      ...['60 cart/m1 sent 1 cart/m1:1', '60 cart/m1 ended completed', ...begins(61, 'cart/m3')],
      ...['70 cart/m2 goal', '70 cart/m2 ended goal', '70 cart/m3 goal', '70 cart/m3 ended goal'],
    ],
  },
  {
    name: 'at most 64 flows live of an entity; what is through at its match needs no room',
    rules: `{ id: cart, reentry: parallel, ${ADD}, then: [{ wait: 60s }] }
---
{ id: now, when: { event: view }, then: [{ send: { channel: push } }] }`,
    inputs: [
      ...Array.from({ length: 65 }, (_, place) => `${place / 10} u1 add m${place}`),
      '7 u1 view m65',
      '60.001 u1 add m66',
    ],
    end: 60.001,
    decisions: [
      ...Array.from({ length: 64 }, (_, place) => `${place / 10} u1 cart fired m${place}`),
      ...['6.4 u1 cart too-many-flows m64', '7 u1 now fired m65', '60.001 u1 cart fired m66'],
    ],
  },
  {
    name: 'exclusive: the group is held until the flow ends, a trailing wait included',
    rules: `{ id: a, exclusive: checkout, order: event-time, ${ADD}, then: [{ send: { channel: push } }, { wait: 60s }] }
---
{ id: b, exclusive: checkout, order: event-time, when: { event: view }, then: [{ send: { channel: email } }] }`,
    inputs: ['0 u1 add m1', '30 u1 view m2', '60 u1 view m3', '60.001 u1 view m4'],
    end: 100,
    decisions: ['0 u1 a fired m1', '30 u1 b exclusive m2', '60 u1 b exclusive m3', '60.001 u1 b fired m4'],
  },
  {
    name: 'exclusive: of what is through at its match one fires at one time, by priority; a goal lets the group go at once',
    rules: `{ id: a, exclusive: checkout, order: event-time, ${ADD}, goal: { event: view }, then: [{ wait: 60s }] }
---
{ id: b, exclusive: { group: checkout }, order: event-time, when: { event: view }, then: [{ send: { channel: email } }] }
---
{ id: c, exclusive: checkout, priority: 60, order: event-time, when: { event: view }, then: [{ send: { channel: push } }] }`,
    inputs: ['0 u1 add m1', '30 u1 view m2', '30 u1 view m3'],
    end: 100,
    decisions: [
      ...['0 u1 a fired m1', '30 u1 b exclusive m2', '30 u1 b exclusive m3'],
      ...['30 u1 c fired m2', '30 u1 c exclusive m3'],
    ],
  },
  {
    name: 'exclusive suppresses its own rule too, which else would run in parallel; restart takes the group over from itself',
    rules: `{ id: a, exclusive: one, reentry: parallel, ${ADD}, then: [{ wait: 60s }] }
---
{ id: b, exclusive: two, reentry: restart, ${ADD}, then: [{ wait: 60s }] }`,
    inputs: ['0 u1 add m1', '30 u1 add m2'],
    end: 40,
    decisions: ['0 u1 a fired m1', '0 u1 b fired m1', '30 u1 a exclusive m2', '30 u1 b fired m2'],
  },
  {
    name: 'preempt: a higher priority ends the flow that holds the group; an equal one does not',
    rules: `{ id: a, exclusive: checkout, ${ADD}, then: [{ wait: 60s }] }
---
{ id: b, exclusive: { group: checkout, preempt: true }, when: { event: view }, then: [{ wait: 60s }] }
---
{ id: c, priority: 60, exclusive: { group: checkout, preempt: true }, when: { event: buy }, then: [{ wait: 60s }] }`,
    inputs: ['0 u1 add m1', '10 u1 view m2', '20 u1 buy m3'],
    end: 40,
    decisions: ['0 u1 a fired m1', '10 u1 b exclusive m2', '20 u1 c fired m3'],
    flows: [...begins(0, 'a/m1'), '20 a/m1 ended pre-empted', ...begins(20, 'c/m3')],
  },
  {
    name: 'inFlow asks whether a flow of the rule lives: no more at a goal of that time, still at the time of a timer',
    rules: `{ id: a, ${ADD}, goal: { event: buy }, then: [{ wait: 60s }] }
---
{ id: b, order: event-time, when: { event: [view, buy] }, if: '!inFlow("a")' }`,
    inputs: ['0 u1 add m1', '30 u1 view m2', '60 u1 view m3', '61 u1 view m4', '62 u1 add m5', '65 u1 buy m6'],
    end: 100,
    decisions: [
      ...['0 u1 a fired m1', '30 u1 b condition m2', '60 u1 b condition m3', '61 u1 b fired m4', '62 u1 a fired m5'],
      '65 u1 b fired m6',
    ],
  },
  {
    name: 'flow.id, flow.rule and flow.startedAt can be read in the steps; what the match captured stays',
    rules: `{ id: cart, when: { absence: { after: { event: add, as: cart }, of: buy, within: 30s } }, then: [{ wait: 60s },
      { send: { channel: email, data: { id: flow.id, rule: flow.rule, at: flow.startedAt, cart: cart.properties.id } } }] }`,
    inputs: ['0 u1 add m1 id=c1'],
    end: 100,
    actions: ['90 cart/m1:1 email {"id":"cart/m1","rule":"cart","at":"2026-01-01T00:00:30.000Z","cart":"c1"}'],
  },
];
