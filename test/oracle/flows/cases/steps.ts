// Cases of the steps, one after the other.

import type { FlowCase } from '../notation.ts';

const ADD = 'when: { event: add, as: cart }';
const ADD_BY = 'when: { event: add, as: cart, by: event.properties.id }';

export const STEP_CASES: readonly FlowCase[] = [
  {
    name: 'a program runs from the match on: what waits goes on at exactly t + D',
    rules: `{ id: cart, ${ADD}, then: [
      { name: first, send: { channel: push, template: one } }, { wait: 60s }, { send: { channel: email, template: two } }] }`,
    inputs: ['0 u1 add m1', '60 u1 view m2'],
    end: 60,
    decisions: ['0 u1 cart fired m1'],
    flows: [
      ...['0 cart/m1 entered', '0 cart/m1 sent 0:first cart/m1:0', '0 cart/m1 waiting 1 until=60'],
      ...['60 cart/m1 sent 2 cart/m1:2', '60 cart/m1 ended completed'],
    ],
    actions: ['0 cart/m1:0 push t=one', '60 cart/m1:2 email t=two'],
  },
  {
    name: 'a wait is not over one millisecond before its end',
    rules: `{ id: cart, ${ADD}, then: [{ wait: { for: 60s } }, { send: { channel: email } }] }`,
    inputs: ['0 u1 add m1'],
    end: 59.999,
    flows: ['0 cart/m1 entered', '0 cart/m1 waiting 0 until=60'],
  },
  {
    name: 'a second wait counts from the end of the first, not from the match or from when it was seen',
    rules: `{ id: cart, ${ADD}, then: [{ wait: 60s }, { wait: 60s }, { send: { channel: email } }] }`,
    inputs: ['0 u1 add m1', '500 u1 view m2'],
    end: 500,
    actions: ['120 cart/m1:2 email'],
  },
  {
    name: 'a rule that only sends is a flow that is through at its match; one without then is none',
    rules: `{ id: cart, ${ADD}, then: [{ send: { channel: push } }] }\n---\n{ id: seen, ${ADD} }`,
    inputs: ['0 u1 add m1'],
    end: 0,
    decisions: ['0 u1 cart fired m1', '0 u1 seen fired m1'],
    flows: ['0 cart/m1 entered', '0 cart/m1 sent 0 cart/m1:0', '0 cart/m1 ended completed'],
  },
  {
    name: 'a send whose own if is not true, or fails, is skipped and the flow goes on; onSkip: exit ends it',
    rules: `{ id: cart, ${ADD}, then: [ { wait: 10s },
      { send: { channel: sms, if: 'cart.properties.value > 10' } },
      { send: { channel: push, if: 'cart.properties.none' } },
      { send: { channel: email, if: 'cart.properties.value > 10', onSkip: exit } },
      { send: { channel: email } }] }`,
    inputs: ['0 u1 add m1 value=5'],
    end: 100,
    flows: [
      ...['0 cart/m1 entered', '0 cart/m1 waiting 0 until=10', '10 cart/m1 skipped 1 condition'],
      ...['10 cart/m1 skipped 2 condition', '10 cart/m1 skipped 3 condition', '10 cart/m1 ended exit'],
    ],
    actions: [],
  },
  {
    name: 'data reads captures, keeps durations as they are written, and is null where it fails',
    rules: `{ id: cart, ${ADD}, then: [{ wait: 10s }, { send: { channel: email, data:
      { coupon: '"SAVE"', validFor: 4h, id: cart.properties.id, none: cart.properties.none, list: [1, true] } } }] }`,
    inputs: ['0 u1 add m1 id=c1'],
    end: 100,
    actions: ['10 cart/m1:1 email {"coupon":"SAVE","validFor":"4h","id":"c1","none":null,"list":[1,true]}'],
  },
  {
    name: 'until a local time: the next one, on the days that are given, in the zone of the person',
    rules: `{ id: cart, ${ADD}, then: [{ wait: { until: "09:00", days: [mon, fri] } }, { send: { channel: email } }] }`,
    // 1 January 2026 is a Thursday; 09:00 in Berlin is 08:00 UTC.
    inputs: ['0 u1 identify m0 timezone=Europe/Berlin', '36000 u1 add m1'],
    end: 86_400 * 9,
    actions: [`${86_400 + 8 * 3_600} cart/m1:1 email`],
  },
  {
    name: 'until a local time that it is now waits for nothing; one millisecond later it waits for the next day',
    rules: `{ id: cart, ${ADD_BY}, then: [{ wait: { until: "10:00" } }, { send: { channel: email } }] }`,
    inputs: ['36000 u1 add m1 id=a', '36000.001 u1 add m2 id=b'],
    end: 86_400 * 2,
    flows: [
      ...['36000 cart/m1 entered', '36000 cart/m1 sent 1 cart/m1:1', '36000 cart/m1 ended completed'],
      ...['36000.001 cart/m2 entered', `36000.001 cart/m2 waiting 0 until=${86_400 + 36_000}`],
      ...[`${86_400 + 36_000} cart/m2 sent 1 cart/m2:1`, `${86_400 + 36_000} cart/m2 ended completed`],
    ],
  },
  {
    name: 'until an expression waits for that instant; at once where it is past or now; where it fails the step is skipped',
    rules: `{ id: cart, ${ADD_BY}, then: [
      { wait: { until: cart.properties.ends } }, { send: { channel: email } }] }`,
    inputs: [
      '10 u1 add m1 id=a ends=@40',
      '10 u1 add m2 id=b ends=@10',
      '10 u1 add m3 id=c ends=soon',
      '10 u1 add m4 id=d',
    ],
    end: 100,
    flows: [
      ...['10 cart/m1 entered', '10 cart/m1 waiting 0 until=40'],
      ...['10 cart/m2 entered', '10 cart/m2 sent 1 cart/m2:1', '10 cart/m2 ended completed'],
      ...[
        '10 cart/m3 entered',
        '10 cart/m3 skipped 0 error',
        '10 cart/m3 sent 1 cart/m3:1',
        '10 cart/m3 ended completed',
      ],
      ...[
        '10 cart/m4 entered',
        '10 cart/m4 skipped 0 error',
        '10 cart/m4 sent 1 cart/m4:1',
        '10 cart/m4 ended completed',
      ],
      ...['40 cart/m1 sent 1 cart/m1:1', '40 cart/m1 ended completed'],
    ],
  },
  {
    name: 'waitFor takes the first event that fits after its beginning, goes through then, and on to the next step',
    rules: `{ id: cart, ${ADD}, then: [{ waitFor: { event: click, where: 'event.properties.flow == flow.id', atMost: 60s, as: click,
      then: [{ send: { channel: push, data: { what: click.properties.what } } }],
      onTimeout: [{ send: { channel: sms } }] } }, { send: { channel: email } }] }`,
    inputs: [
      '0 u1 add m1',
      '0 u1 click m2 flow=cart/m1',
      '10 u1 click m3 flow=other',
      '20 u1 click m4 flow=cart/m1 what=x',
    ],
    end: 100,
    flows: [
      ...['0 cart/m1 entered', '0 cart/m1 waiting 0 until=60'],
      ...['20 cart/m1 sent 1 cart/m1:1', '20 cart/m1 sent 3 cart/m1:3', '20 cart/m1 ended completed'],
    ],
    actions: ['20 cart/m1:1 push {"what":"x"}', '20 cart/m1:3 email'],
  },
  {
    name: 'waitFor: an event stamped with the end of its time wins',
    rules: `{ id: cart, ${ADD}, then: [{ waitFor: { event: click, atMost: 60s, then: [{ exit: true }],
      onTimeout: [{ send: { channel: sms } }] } }] }`,
    inputs: ['0 u1 add m1', '60 u1 click m2'],
    end: 100,
    flows: ['0 cart/m1 entered', '0 cart/m1 waiting 0 until=60', '60 cart/m1 ended exit'],
  },
  {
    name: 'waitFor: one millisecond after its end is too late, and onTimeout runs at the end',
    rules: `{ id: cart, ${ADD}, then: [{ waitFor: { event: click, atMost: 60s, then: [{ exit: true }],
      onTimeout: [{ send: { channel: sms } }] } }, { send: { channel: email } }] }`,
    inputs: ['0 u1 add m1', '60.001 u1 click m2'],
    end: 100,
    actions: ['60 cart/m1:2 sms', '60 cart/m1:3 email'],
  },
  {
    name: 'waitFor any is a race: the first in order of time, of equal times in order of input, of one event in order of the list',
    rules: `{ id: cart, ${ADD}, then: [{ waitFor: { atMost: 60s, any: [
      { event: buy, do: [{ name: bought, set: { done: '"bought"' } }] },
      { event: [view, buy], where: 'event.properties.ok', as: seen, do: [{ name: viewed, send: { channel: push } }] },
      { event: view, do: [{ name: plain, send: { channel: email } }] }] } }] }`,
    inputs: ['0 u1 add m1 id=a', '20 u1 view m3 ok=true', '10 u1 view m2', '10 u1 buy m4 ok=true'],
    outOfOrderness: 30,
    end: 100,
    flows: [
      ...['0 cart/m1 entered', '0 cart/m1 waiting 0 until=60'],
      ...['10 cart/m1 sent 3:plain cart/m1:3', '10 cart/m1 ended completed'],
    ],
  },
  {
    name: 'waitFor any: one event that fits two entries takes the first of the list',
    rules: `{ id: cart, ${ADD}, then: [{ waitFor: { atMost: 60s, any: [
      { event: buy, where: 'event.properties.ok', do: [{ send: { channel: push } }] },
      { event: buy, do: [{ send: { channel: email } }] }] } }] }`,
    inputs: ['0 u1 add m1', '10 u1 buy m2 ok=true'],
    end: 100,
    actions: ['10 cart/m1:1 push'],
  },
  {
    name: 'branch takes the first whose if is true; one that fails is false; none goes on',
    rules: `{ id: cart, ${ADD}, then: [
      { branch: [ { if: cart.properties.none, do: [{ send: { channel: sms } }] },
                  { if: 'cart.properties.value > 3', do: [{ send: { channel: push } }] },
                  { if: 'true', do: [{ send: { channel: slack } }] },
                  { else: [{ send: { channel: inapp } }] }] },
      { branch: [{ if: 'false', do: [{ send: { channel: sms } }] }] },
      { branch: [{ if: 'false', do: [{ exit: true }] }, { else: [{ send: { channel: email } }] }] }] }`,
    inputs: ['0 u1 add m1 value=5'],
    end: 0,
    actions: ['0 cart/m1:2 push', '0 cart/m1:9 email'],
  },
  {
    name: 'choose assigns once for each person and experiment; the variant is on records and actions from then on',
    rules: `{ id: cart, reentry: parallel, ${ADD}, then: [{ send: { channel: push } }, { name: test, choose: { experiment: e1, variants: [
      { name: a, weight: 1, do: [{ send: { channel: sms } }] }, { name: b, weight: 1, do: [] }] } }, { send: { channel: email } }] }`,
    inputs: ['0 u1 add m1', '0 u2 add m2', '10 u2 add m3'],
    end: 10,
    story: { draw: ({ entity, at }) => (entity === 'u1' || at > Date.UTC(2026, 0, 1) ? 'a' : 'b') },
    actions: [
      ...['0 cart/m1:0 push', '0 cart/m1:2 sms variant=a', '0 cart/m1:3 email variant=a'],
      ...['0 cart/m2:0 push', '0 cart/m2:3 email variant=b', '10 cart/m3:0 push', '10 cart/m3:3 email variant=b'],
    ],
  },
  {
    name: 'choose: the record says which variant, and the end has it too',
    rules: `{ id: cart, ${ADD}, then: [{ name: test, choose: { experiment: e1, variants: [{ name: a, weight: 1 }] } }] }`,
    inputs: ['0 u1 add m1'],
    end: 10,
    flows: ['0 cart/m1 entered', '0 cart/m1 chose 0:test variant=a', '0 cart/m1 ended completed variant=a'],
  },
  {
    name: 'set is an identify message stamped now: later steps and other rules see it, and an earlier stamp does not undo it',
    rules: `{ id: cart, ${ADD}, then: [{ wait: 10s }, { set: { plan: '"trial"', none: cart.properties.none } },
      { send: { channel: email, if: 'profile.plan == "trial"' } }] }
---
{ id: changed, order: event-time, when: { change: { of: profile.plan, to: trial } } }`,
    inputs: ['0 u1 add m1', '9 u1 identify m2 plan=free', '30 u1 view m3'],
    end: 30,
    decisions: ['0 u1 cart fired m1', '10 u1 changed fired cart/m1>1'],
    actions: ['10 cart/m1:2 email'],
  },
  {
    name: 'emit is an event stamped now, with an id that follows from the step, seen by other rules and flows',
    rules: `{ id: cart, ${ADD}, then: [{ wait: 10s }, { emit: { event: left, properties: { id: cart.properties.id } } }] }
---
{ id: other, when: { event: left }, order: event-time, then: [{ send: { channel: push, data: { id: event.properties.id } } }] }`,
    inputs: ['0 u1 add m1 id=c1'],
    end: 30,
    decisions: ['0 u1 cart fired m1', '10 u1 other fired cart/m1>1'],
    actions: ['10 other/cart/m1>1:0 push {"id":"c1"}'],
  },
  {
    name: 'emit is at most 8 deep: a ninth event is dropped',
    rules:
      '{ id: loop, when: { event: ping }, order: event-time, then: [{ emit: { event: ping } }, { send: { channel: push } }] }',
    inputs: ['0 u1 ping m1'],
    end: 0,
    story: {
      ids: {
        decision: ({ events }) => `f${events[0]}`,
        action: ({ decision }) => decision,
        event: ({ flow }) => `${flow}>`,
      },
    },
    decisions: Array.from(
      { length: 9 },
      (_, depth) => `0 u1 loop fired ${'f'.repeat(depth)}m1${'>'.repeat(depth)}`,
    ).sort((a, b) => a.length - b.length),
  },
  {
    name: 'emit to those of whom a condition is true: each once, also the sender, stamped now',
    rules: `{ id: outage, ${ADD}, then: [{ wait: 10s }, { emit: { event: down, to: { where: 'profile.tier == "gold"' } } }] }
---
{ id: tell, when: { event: down }, then: [{ send: { channel: email } }] }`,
    inputs: [
      ...['0 u1 identify m1 tier=gold', '0 u2 identify m2 tier=gold', '0 u3 identify m3 tier=none', '1 u1 add m4'],
      ...['5 u4 identify m5 tier=gold', '12 u5 identify m6 tier=gold', '30 u9 view m7'],
    ],
    end: 30,
    decisions: [
      ...['1 u1 outage fired m4', '11 u1 tell fired outage/m4>1', '11 u2 tell fired outage/m4>1>u2'],
      ...['11 u4 tell fired outage/m4>1>u4'],
    ],
  },
  {
    name: 'review waits for an answer: approval goes on at its time, and data that was edited goes out',
    rules: `{ id: cart, ${ADD}, then: [{ name: look, review: { atMost: 4h } },
      { send: { channel: email, data: { coupon: '"SAVE"', id: '"c"' } } }] }`,
    inputs: [
      '0 u1 add m1',
      '0 u1 answers cart/m1 reject',
      '30 u1 answers cart/m1 edit coupon=NONE',
      '31 u1 answers cart/m1 reject',
    ],
    end: 100,
    flows: [
      ...['0 cart/m1 entered', '0 cart/m1 waiting 0:look until=14400', '30 cart/m1 reviewed 0:look edit'],
      ...['30 cart/m1 sent 1 cart/m1:1', '30 cart/m1 ended completed'],
    ],
    actions: ['30 cart/m1:1 email {"coupon":"NONE","id":"c"}'],
  },
  {
    name: 'review: rejection ends the flow; an answer stamped with the end of its time counts',
    rules: `{ id: cart, ${ADD}, then: [{ review: { atMost: 60s, onTimeout: approve } }, { send: { channel: email } }] }`,
    inputs: ['0 u1 add m1', '60 u1 answers cart/m1 reject'],
    end: 100,
    flows: [
      '0 cart/m1 entered',
      '0 cart/m1 waiting 0 until=60',
      '60 cart/m1 reviewed 0 reject',
      '60 cart/m1 ended rejected',
    ],
  },
  {
    name: 'review without an answer: onTimeout, by default it is rejected; whose if is not true nobody is asked',
    rules: `{ id: cart, ${ADD}, then: [{ review: { if: 'false' } }, { review: { atMost: 60s, onTimeout: approve } },
      { send: { channel: email } }, { review: { if: 'cart.properties.value > 3' } }, { send: { channel: sms } }] }`,
    inputs: ['0 u1 add m1 value=5'],
    end: 86_400 * 8,
    flows: [
      ...[
        '0 cart/m1 entered',
        '0 cart/m1 waiting 1 until=60',
        '60 cart/m1 reviewed 1 timeout',
        '60 cart/m1 sent 2 cart/m1:2',
      ],
      ...[`60 cart/m1 waiting 3 until=${60 + 7 * 86_400}`, `${60 + 7 * 86_400} cart/m1 reviewed 3 timeout`],
      ...[`${60 + 7 * 86_400} cart/m1 ended rejected`],
    ],
  },
  {
    name: 'exit ends the flow, also inside of a branch',
    rules: `{ id: cart, ${ADD}, then: [{ send: { channel: push } }, { branch: [{ if: 'true', do: [{ exit: true }] }] }, { send: { channel: email } }] }`,
    inputs: ['0 u1 add m1'],
    end: 100,
    flows: ['0 cart/m1 entered', '0 cart/m1 sent 0 cart/m1:0', '0 cart/m1 ended exit'],
  },
];
