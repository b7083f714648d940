// Cases of the gates: what is asked at the match, what when a send's turn comes, and caps over all of it.

import type { FlowCase } from '../notation.ts';

const ADD = 'when: { event: add, as: cart }';
const CAP = (max: number, per: string, channel = 'any') => ({ caps: [{ max, per, channel }] });

export const GATE_CASES: readonly FlowCase[] = [
  {
    name: 'sends at the match are asked one by one: if some remain it fires with those',
    rules: `{ id: cart, ${ADD}, then: [{ send: { channel: sms } }, { send: { channel: push } }, { send: { channel: email } }] }`,
    inputs: ['u1 says sms=false', '0 u1 add m1'],
    end: 0,
    story: CAP(1, '1h'),
    decisions: ['0 u1 cart fired m1'],
    flows: [
      ...['0 cart/m1 entered', '0 cart/m1 skipped 0 consent', '0 cart/m1 sent 1 cart/m1:1', '0 cart/m1 skipped 2 cap'],
      '0 cart/m1 ended completed',
    ],
  },
  {
    name: 'if all sends at the match are refused the decision is suppressed with the reason of the first, and nothing of it stays',
    rules: `{ id: cart, ${ADD}, cooldown: 1h, then: [{ set: { plan: '"x"' } }, { emit: { event: view } }, { send: { channel: sms } },
      { send: { channel: email } }, { wait: 10s }, { send: { channel: push } }] }
---
{ id: seen, when: { event: [view, identify] } }`,
    inputs: ['u1 says sms=false', '0 u1 add m1', '10 u1 add m2', 'u1 says email=false sms=true', '20 u1 add m3'],
    end: 100,
    story: CAP(0, '1h', 'email'),
    decisions: [
      '0 u1 cart consent m1',
      '10 u1 cart consent m2',
      '20 u1 cart fired m3',
      '20 u1 seen fired cart/m3>0',
      '20 u1 seen fired cart/m3>1',
    ],
  },
  {
    name: 'a flow that begins with a wait is not asked at the match; its send is asked when its turn comes',
    rules: `{ id: cart, ${ADD}, then: [{ wait: 10s }, { send: { channel: sms } }, { send: { channel: email } }] }`,
    inputs: ['u1 says sms=false', '0 u1 add m1', '5 u1 view m2', '20 u1 view m3'],
    end: 100,
    decisions: ['0 u1 cart fired m1'],
    flows: [
      ...[
        '0 cart/m1 entered',
        '0 cart/m1 waiting 0 until=10',
        '10 cart/m1 skipped 1 consent',
        '10 cart/m1 sent 2 cart/m1:2',
      ],
      '10 cart/m1 ended completed',
    ],
  },
  {
    name: 'a send at the match whose own if is not true is not among those asked',
    rules: `{ id: cart, ${ADD}, then: [{ send: { channel: push, if: 'false' } }, { send: { channel: sms } }, { wait: 10s }, { send: { channel: email } }] }
---
{ id: none, ${ADD}, then: [{ send: { channel: push, if: 'false' } }, { wait: 10s }, { send: { channel: email } }] }`,
    inputs: ['u1 says sms=false', '0 u1 add m1'],
    end: 100,
    decisions: ['0 u1 cart consent m1', '0 u1 none fired m1'],
    actions: ['10 none/m1:2 email'],
  },
  {
    name: 'sends at the match are those that run: of the arm that is taken, up to the first step that waits',
    rules: `{ id: cart, ${ADD}, then: [{ branch: [{ if: 'cart.properties.sms', do: [{ send: { channel: sms } }] }, { else: [{ wait: 10s }] }] },
      { send: { channel: email } }] }`,
    inputs: ['u1 says email=false sms=false', '0 u1 add m1 sms=true', '10 u1 add m2 sms=false'],
    end: 100,
    decisions: ['0 u1 cart consent m1', '10 u1 cart fired m2'],
    flows: [
      ...['10 cart/m2 entered', '10 cart/m2 waiting 2 until=20'],
      ...['20 cart/m2 skipped 3 consent', '20 cart/m2 ended completed'],
    ],
  },
  {
    name: 'a cap counts each message of one decision, and those that were skipped not',
    rules: `{ id: cart, ${ADD}, then: [{ send: { channel: push } }, { send: { channel: email } }, { send: { channel: sms } }] }`,
    inputs: ['0 u1 add m1', '10 u1 add m2'],
    end: 100,
    story: CAP(2, '1h'),
    decisions: ['0 u1 cart fired m1', '10 u1 cart cap m2'],
    actions: ['0 cart/m1:0 push', '0 cart/m1:1 email'],
  },
  {
    name: 'a cap counts a message at its own time, not at that of the match',
    rules: `{ id: cart, ${ADD}, then: [{ wait: 60s }, { send: { channel: email } }] }
---
{ id: now, order: event-time, when: { event: view }, then: [{ send: { channel: email } }] }`,
    inputs: ['0 u1 add m1', '119.999 u1 view m2', '120 u1 view m3'],
    end: 200,
    story: CAP(1, '60s'),
    decisions: ['0 u1 cart fired m1', '119.999 u1 now cap m2', '120 u1 now fired m3'],
    actions: ['60 cart/m1:1 email', '120 now/m3:0 email'],
  },
  {
    name: 'flows that send at one time: the cap goes to the higher priority, whichever began first',
    rules: `{ id: a, ${ADD}, then: [{ wait: 60s }, { send: { channel: email } }] }
---
{ id: b, priority: 60, when: { event: view }, then: [{ wait: 50s }, { send: { channel: email } }] }`,
    inputs: ['0 u1 add m1', '10 u1 view m2'],
    end: 200,
    story: CAP(1, '1h'),
    flows: [
      ...['0 a/m1 entered', '0 a/m1 waiting 0 until=60', '10 b/m2 entered', '10 b/m2 waiting 0 until=60'],
      ...['60 a/m1 skipped 1 cap', '60 a/m1 ended completed', '60 b/m2 sent 1 b/m2:1', '60 b/m2 ended completed'],
    ],
  },
  {
    name: 'at one event flows go on before what matches anew, also with a lower priority',
    rules: `{ id: a, ${ADD}, then: [{ waitFor: { event: view, atMost: 60s } }, { send: { channel: email } }] }
---
{ id: b, priority: 60, order: event-time, when: { event: view }, then: [{ send: { channel: email } }] }`,
    inputs: ['0 u1 add m1', '10 u1 view m2'],
    end: 200,
    story: CAP(1, '1h'),
    decisions: ['0 u1 a fired m1', '10 u1 b cap m2'],
    actions: ['10 a/m1:1 email'],
  },
  {
    name: 'a fallback takes what the first channel is not allowed, and counts on its own channel',
    rules: `{ id: cart, ${ADD}, then: [{ send: { channel: push, fallback: [sms, email] } }] }`,
    inputs: ['u1 says push=false', '0 u1 add m1', '10 u1 add m2', '20 u1 add m3'],
    end: 100,
    story: {
      caps: [
        { max: 1, per: '1h', channel: 'sms' },
        { max: 1, per: '1h', channel: 'email' },
      ],
    },
    decisions: ['0 u1 cart fired m1', '10 u1 cart fired m2', '20 u1 cart consent m3'],
    actions: ['0 cart/m1:0 sms>email', '10 cart/m2:0 email'],
  },
  {
    name: 'a message that failed is taken up by the next channel, asked anew, at the time of the failure',
    rules: `{ id: cart, ${ADD}, then: [{ send: { channel: push, fallback: [sms, email], template: t } }] }`,
    inputs: [
      '0 u1 add m1',
      'u1 says sms=false',
      '30 u1 push_failed m2 action=cart/m1:0',
      '40 u1 email_failed m3 action=cart/m1:0.2',
    ],
    end: 100,
    flows: [
      ...['0 cart/m1 entered', '0 cart/m1 sent 0 cart/m1:0', '0 cart/m1 ended completed'],
      ...['30 cart/m1 sent 0 cart/m1:0.2', '40 cart/m1 skipped 0 failed'],
    ],
    actions: ['0 cart/m1:0 push>sms>email t=t', '30 cart/m1:0.2 email t=t'],
  },
  {
    name: 'a route ends with a flow that its goal ended, and with a message that expired',
    rules: `{ id: cart, ${ADD}, goal: { event: buy }, then: [{ send: { channel: push, fallback: [email] } }, { wait: 60s }] }
---
{ id: once, ${ADD}, then: [{ send: { channel: push, fallback: [email] } }] }`,
    inputs: [
      '0 u1 add m1',
      '10 u1 buy m2',
      '16 u1 view m5',
      '20 u1 push_failed m3 action=cart/m1:0',
      '20 u1 push_skipped m4 action=once/m1:0 reason=expired',
    ],
    end: 100,
    actions: ['0 cart/m1:0 push>email', '0 once/m1:0 push>email'],
  },
  {
    name: 'quiet hours at the match defer the decision; at their end every gate is asked again and the flow begins then',
    rules: `{ id: cart, ${ADD}, cooldown: 1h, quietHours: { from: "00:00", to: "00:10" }, then: [{ send: { channel: email } }, { wait: 60s }, { send: { channel: sms } }] }`,
    inputs: ['0 u1 add m1', '0 u2 add m2', '300 u2 view m3', 'u2 says email=false'],
    end: 1000,
    decisions: ['0 u1 cart deferred m1', '0 u2 cart deferred m2', '600 u1 cart fired m1', '600 u2 cart consent m2'],
    flows: [
      ...['600 cart/m1@600 entered', '600 cart/m1@600 sent 0 cart/m1@600:0', '600 cart/m1@600 waiting 1 until=660'],
      ...['660 cart/m1@600 sent 2 cart/m1@600:2', '660 cart/m1@600 ended completed'],
    ],
  },
  {
    name: 'a goal reached, or a stop met, while the decision is deferred ends it: nobody is sent what came too late',
    rules: `{ id: cart, ${ADD}, goal: { event: buy, within: 1h }, stopOn: [closed], quietHours: { from: "00:00", to: "00:10" }, then: [{ send: { channel: email } }] }`,
    inputs: ['0 u1 add m1', '0 u2 add m2', '0 u2 buy m3', '300 u1 buy m4', '400 u2 closed m5'],
    end: 1000,
    decisions: ['0 u1 cart deferred m1', '0 u2 cart deferred m2', '300 u1 cart goal m1', '400 u2 cart stopped m2'],
    flows: [],
  },
  {
    name: 'quiet hours hold a later send at its step until their end; a flow that begins with a wait is not deferred',
    rules: `{ id: cart, ${ADD}, quietHours: { from: "00:00", to: "00:10" }, then: [{ wait: 60s }, { name: mail, send: { channel: email } }] }`,
    inputs: ['0 u1 add m1'],
    end: 1000,
    decisions: ['0 u1 cart fired m1'],
    flows: [
      ...['0 cart/m1 entered', '0 cart/m1 waiting 0 until=60', '60 cart/m1 waiting 1:mail quiet-hours until=600'],
      ...['600 cart/m1 sent 1:mail cart/m1:1', '600 cart/m1 ended completed'],
    ],
  },
  {
    name: 'after quiet hours everything is asked again, its own if too',
    rules: `{ id: cart, ${ADD}, quietHours: { from: "00:00", to: "00:10" }, then: [{ wait: 60s }, { send: { channel: email, if: 'profile.plan != "gone"' } },
      { send: { channel: push } }] }`,
    inputs: ['0 u1 add m1', '100 u1 identify m2 plan=gone', '300 u1 view m3', 'u1 says push=false'],
    end: 1000,
    flows: [
      ...['0 cart/m1 entered', '0 cart/m1 waiting 0 until=60', '60 cart/m1 waiting 1 quiet-hours until=600'],
      ...['600 cart/m1 skipped 1 condition', '600 cart/m1 skipped 2 consent', '600 cart/m1 ended completed'],
    ],
  },
  {
    name: 'a cap that is used up in quiet hours refuses at once: what would not be sent is not held',
    rules: `{ id: cart, ${ADD}, quietHours: { from: "00:00", to: "00:10" }, then: [{ wait: 60s }, { send: { channel: email } }] }`,
    inputs: ['0 u1 add m1'],
    end: 1000,
    story: CAP(0, '1h'),
    flows: [
      ...[
        '0 cart/m1 entered',
        '0 cart/m1 waiting 0 until=60',
        '60 cart/m1 skipped 1 cap',
        '60 cart/m1 ended completed',
      ],
    ],
  },
  {
    name: 'the review of a rule: approval asks every gate again and begins the flow then; rejection, or silence, suppresses',
    rules: `{ id: cart, ${ADD}, review: 'cart.properties.value > 3', then: [{ send: { channel: email, data: { x: 1 } } }] }`,
    inputs: [
      ...['0 u1 add m1 value=5', '0 u2 add m2 value=5', '0 u3 add m3 value=5', '0 u4 add m4 value=1'],
      ...['30 u1 answers cart/m1 approve', '40 u2 answers cart/m2 reject'],
    ],
    end: 86_400 * 8,
    decisions: [
      ...['0 u1 cart review m1', '0 u2 cart review m2', '0 u3 cart review m3', '0 u4 cart fired m4'],
      ...['30 u1 cart fired m1', '40 u2 cart rejected m2', '604800 u3 cart rejected m3'],
    ],
    actions: ['0 cart/m4:0 email {"x":1}', '30 cart/m1@30:0 email {"x":1}'],
  },
  {
    name: 'the review of a rule: quiet hours after an approval ask nobody again, and edited data goes out at their end',
    rules: `{ id: cart, ${ADD}, review: { atMost: 1h, onTimeout: approve }, quietHours: { from: "00:01", to: "00:10" }, then: [{ send: { channel: email, data: { x: 1, y: 2 } } }] }`,
    inputs: ['0 u1 add m1', '90 u1 answers cart/m1 edit x=5'],
    end: 1000,
    decisions: ['0 u1 cart review m1', '90 u1 cart deferred m1', '600 u1 cart fired m1'],
    actions: ['600 cart/m1@600:0 email {"x":"5","y":2}'],
  },
  {
    name: 'the review of a rule without an answer: onTimeout: approve fires at the end of its time; a goal meanwhile ends it',
    rules: `{ id: cart, ${ADD}, goal: { event: buy }, review: { atMost: 60s, onTimeout: approve }, then: [{ send: { channel: email } }] }`,
    inputs: ['0 u1 add m1', '0 u2 add m2', '30 u2 buy m3'],
    end: 1000,
    decisions: ['0 u1 cart review m1', '0 u2 cart review m2', '30 u2 cart goal m2', '60 u1 cart fired m1'],
  },
  {
    name: 'stale: a match further behind the wall clock than validFor is suppressed, a send skipped; exactly that far is still good',
    rules: `{ id: cart, ${ADD}, validFor: 60s, then: [{ send: { channel: push } }, { wait: 10s }, { send: { channel: email } }] }`,
    inputs: ['wall 60', '0 u1 add m1', 'wall 70.001', '10 u2 add m2', '30 u3 view m3'],
    end: 30,
    decisions: ['0 u1 cart fired m1', '10 u2 cart stale m2'],
    flows: [
      ...['0 cart/m1 entered', '0 cart/m1 sent 0 cart/m1:0', '0 cart/m1 waiting 1 until=10'],
      ...['10 cart/m1 skipped 2 stale', '10 cart/m1 ended completed'],
    ],
  },
  {
    name: 'unreachable: a channel without an address is passed over, asked of the profile at the time of the send',
    rules: `{ id: cart, ${ADD}, then: [{ wait: 10s }, { send: { channel: email, fallback: [sms] } }] }`,
    inputs: ['0 u1 add m1', '5 u1 identify m2 phone=1', '0 u2 add m3'],
    end: 100,
    story: { asksReach: true },
    flows: [
      ...['0 cart/m1 entered', '0 cart/m1 waiting 0 until=10', '0 cart/m3 entered', '0 cart/m3 waiting 0 until=10'],
      ...[
        '10 cart/m1 sent 1 cart/m1:1',
        '10 cart/m1 ended completed',
        '10 cart/m3 skipped 1 unreachable',
        '10 cart/m3 ended completed',
      ],
    ],
    actions: ['10 cart/m1:1 sms'],
  },
];
