import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHANNEL_IDS, channelTraits } from '../../../connectors/channels/index.ts';
import { formatProblem } from '../../../lib/problem.ts';
import { isHeldOut } from '../../../rules/gates/held-out.ts';
import type { CompileOptions, ContextFiles } from '../../../rules/index.ts';
import type { RuleSet } from '../../../rules/project/rule-set.ts';
import type { Action } from '../../../schemas/action.ts';
import type { Event } from '../../../schemas/event.ts';
import { CONSENT_EVENT } from '../../../schemas/internal-events.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import { check, event } from '../../rules/kit.ts';
import { EvaluateRun } from '../kit.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOON = Date.UTC(2026, 0, 1, 12);
const WEEK = 604_800_000;

function ruleSet(text: string, context: ContextFiles = {}, options: Partial<CompileOptions> = {}): () => RuleSet {
  const { errors, ruleSet } = check(text, { context, ...options });
  assert.deepEqual(errors.map(formatProblem), []);
  return () => ruleSet;
}

function caps(text: string): ContextFiles {
  return { caps: [{ file: 'caps.yaml', text }] };
}

function run(text: string, context: ContextFiles = {}, options: Partial<CompileOptions> = {}): EvaluateRun {
  return new EvaluateRun(ruleSet(text, context, options));
}

const paid = (at: number, properties: JsonObject = {}) => event('paid', at, properties);

function identify(at: number, traits: JsonObject): Event {
  return event('identify', at, {}, { type: 'identify', traits });
}

function consent(at: number, said: JsonObject): Event {
  return event(CONSENT_EVENT, at, said, { type: 'consent' });
}

const WEBHOOK = 'then: [{ send: { channel: webhook } }]';
const EMAIL = 'then: [{ send: { channel: email, template: hi } }]';
const MAIL_CONNECTED = { channels: channelTraits({ email: {} }) };

test('the audience is asked before the condition, and nothing is sent to whom either refuses', () => {
  const rules = `{ id: a, when: { event: paid }, audience: 'profile.plan == "pro"', if: 'event.properties.n > 1.0', ${WEBHOOK} }`;
  const found = run(rules).see(paid(1, { n: 1 }), identify(2, { plan: 'pro' }), paid(3, { n: 1 }), paid(4, { n: 2 }));
  assert.deepEqual(found.lines, ['a@1 audience', 'a@3 condition', 'a@4']);
  assert.deepEqual(
    found.decisions.map(({ outcome, values }) => [outcome, values]),
    [
      ['suppressed', { 'event.properties.n': 1, 'profile.plan': null }],
      ['suppressed', { 'event.properties.n': 1, 'profile.plan': 'pro' }],
      ['fired', { 'event.properties.n': 2, 'profile.plan': 'pro' }],
    ],
  );
  assert.deepEqual(found.sends, ['a@4 webhook to u1']);
});

test('who is held out is never treated, and the same in every run', () => {
  const rules = `{ id: a, when: { event: paid }, holdout: 50%, ${WEBHOOK} }`;
  const users = Array.from({ length: 40 }, (_, i) => `u${i}`);
  const heldOut = new Set(users.filter((id) => isHeldOut({ share: 0.5, group: 'rule a' }, `user/${id}`)));
  assert.ok(heldOut.size > 10 && heldOut.size < 30, String(heldOut.size));
  const treated = users.filter((id) => !heldOut.has(id));
  const events = [1, 2].flatMap((at) => users.map((userId) => event('paid', at, {}, { userId })));
  const found = run(rules).see(...events);
  assert.deepEqual(
    found.decisions.map(({ entity, reason }) => [entity.id, reason]),
    [...users, ...users].map((id) => [id, heldOut.has(id) ? 'holdout' : null]),
  );
  assert.deepEqual(found.sends, [
    ...treated.map((id) => `a@1 webhook to ${id}`),
    ...treated.map((id) => `a@2 webhook to ${id}`),
  ]);
});

test('who is held out of all rules is treated by none but those of exempt categories, and the record says of which group', () => {
  const rules = `{ id: a, when: { event: paid }, category: news, holdout: 100%, ${WEBHOOK} }
---
{ id: b, when: { event: paid }, ${WEBHOOK} }
---
{ id: c, when: { event: paid }, category: receipts, ${WEBHOOK} }
---
{ id: d, when: { event: paid }, category: recalls, ${WEBHOOK} }`;
  const holdouts = [{ file: 'h.yaml', text: '- { group: all, share: 50%, exempt: [receipts] }' }];
  const users = Array.from({ length: 40 }, (_, i) => `u${i}`);
  const heldOut = users.filter((id) => isHeldOut({ share: 0.5, group: 'group all' }, `user/${id}`));
  assert.ok(heldOut.length > 10 && heldOut.length < 30, String(heldOut.length));
  const found = run(rules, { holdouts, always: ['recalls'] }).see(
    ...users.map((userId) => event('paid', 1, {}, { userId })),
  );
  const reasons = (rule: string, inGroup: boolean) =>
    found.decisions
      .filter((one) => one.rule === rule && heldOut.includes(one.entity.id) === inGroup)
      .map(({ reason, values }) => `${reason} ${JSON.stringify(values)}`);
  const all = (count: number, text: string) => Array<string>(count).fill(text);
  const [within, without] = [heldOut.length, users.length - heldOut.length];
  const told = 'global-holdout {"global-holdout":"all"}';
  assert.deepEqual(reasons('a', true), all(within, told));
  assert.deepEqual(reasons('b', true), all(within, told));
  for (const exempt of ['c', 'd']) assert.deepEqual(reasons(exempt, true), all(within, 'null {}'), exempt);
  assert.deepEqual(reasons('a', false), all(without, 'holdout {}'));
  for (const other of ['b', 'c', 'd']) assert.deepEqual(reasons(other, false), all(without, 'null {}'), other);
  assert.equal(found.sends.length, 2 * within + 3 * without);
});

test('of several groups the first that an entity is in is told, and a group of users holds out no device', () => {
  const holdouts = [
    {
      file: 'h.yaml',
      text: '- { group: devices, share: 100%, entity: device }\n- { group: x, share: 100%, exempt: [news] }\n- { group: y, share: 100% }',
    },
  ];
  const rules = '{ id: a, when: { event: paid } }\n---\n{ id: b, when: { event: paid }, category: news }';
  const found = run(rules, { holdouts }, { entities: ['device'] }).see(paid(1));
  assert.deepEqual(
    found.decisions.map(({ reason, values }) => [reason, values]),
    [
      ['global-holdout', { 'global-holdout': 'x' }],
      ['global-holdout', { 'global-holdout': 'y' }],
    ],
  );
});

test('of one exclusive group one rule fires at a time, by priority; at another time the next', () => {
  const rules = `{ id: low, when: { event: paid }, exclusive: checkout, ${WEBHOOK} }
---
{ id: high, when: { event: paid }, exclusive: checkout, priority: 90, ${WEBHOOK} }
---
{ id: other, when: { event: paid }, exclusive: elsewhere, ${WEBHOOK} }`;
  const found = run(rules).see(paid(5), paid(5), paid(6));
  assert.deepEqual(found.lines, [
    'high@5',
    'low@5 exclusive',
    'other@5',
    'high@5 exclusive',
    'low@5 exclusive',
    'other@5 exclusive',
    'high@6',
    'low@6 exclusive',
    'other@6',
  ]);
  assert.deepEqual(found.sends, [
    'high@5 webhook to u1',
    'other@5 webhook to u1',
    'high@6 webhook to u1',
    'other@6 webhook to u1',
  ]);
  assert.deepEqual(found.remains(), [
    'group checkout by high@5-5',
    'group elsewhere by other@5-5',
    'group checkout by high@6-6',
    'group elsewhere by other@6-6',
  ]);
});

test('a group is remembered for events that are still to come in order, however far ahead others are', () => {
  const rules = `{ id: ahead, when: { event: paid }, exclusive: x }
---
{ id: ordered, order: event-time, when: { event: view }, exclusive: x }`;
  const found = run(rules).see(paid(0), paid(10), paid(3 * HOUR), event('view', 5));
  assert.deepEqual(found.lines, ['ahead@0', 'ahead@10', `ahead@${3 * HOUR}`]);
  assert.deepEqual(found.remains(), [
    'buffered view@5',
    'group x by ahead@0-0',
    'group x by ahead@10-10',
    `group x by ahead@${3 * HOUR}-${3 * HOUR}`,
  ]);
});

test('of the groups that one person took the newest 64 are kept, and who comes as late as the oldest is refused (G2)', () => {
  const rules = `{ id: a, when: { event: paid }, exclusive: x }\n---\n{ id: b, when: { event: view }, exclusive: x }`;
  const found = run(rules).see(...Array.from({ length: 66 }, (_, i) => paid(2 * i)));
  const kept = Array.from({ length: 64 }, (_, i) => `group x by a@${2 * i + 4}-${2 * i + 4}`);
  assert.deepEqual(found.remains(), kept);
  // At 0 and 2 the group was taken, at 1 nobody knows; at 3 it was free, as at 5.
  found.see(...[0, 1, 2, 3, 4, 5].map((at) => event('view', at)));
  assert.deepEqual(found.lines.slice(66), [
    'b@0 exclusive',
    'b@1 exclusive',
    'b@2 exclusive',
    'b@3',
    'b@4 exclusive',
    'b@5',
  ]);
});

test('a group that one person has taken is free for another', () => {
  const rules = `{ id: a, when: { event: paid }, exclusive: x }\n---\n{ id: b, when: { event: paid }, exclusive: x }`;
  const found = run(rules).see(paid(5), event('paid', 5, {}, { userId: 'u2' }));
  assert.deepEqual(
    found.decisions.map(({ rule, entity, reason }) => [rule, entity.id, reason]),
    [
      ['a', 'u1', null],
      ['b', 'u1', 'exclusive'],
      ['a', 'u2', null],
      ['b', 'u2', 'exclusive'],
    ],
  );
});

test('a cap counts messages over all rules, by channel and category, in a sliding window', () => {
  const rules = `{ id: a, when: { event: paid }, category: promotions, ${WEBHOOK} }
---
{ id: b, when: { event: paid }, category: promotions, ${WEBHOOK} }
---
{ id: c, when: { event: paid }, ${WEBHOOK} }`;
  const found = run(rules, caps('- { max: 3, per: 1h, category: promotions }')).see(paid(1), paid(2), paid(HOUR + 1));
  assert.deepEqual(found.lines, [
    ...['a@1', 'b@1', 'c@1', 'a@2', 'b@2 cap', 'c@2'],
    ...[`a@${HOUR + 1}`, `b@${HOUR + 1}`, `c@${HOUR + 1}`],
  ]);
  assert.deepEqual(
    found.sends,
    found.lines.filter((line) => !line.endsWith(' cap')).map((line) => `${line} webhook to u1`),
  );
  // What is in no category that a cap counts is not kept.
  const counted = [1, 1, 2, HOUR + 1, HOUR + 1];
  assert.deepEqual(
    found.remains(),
    counted.map((at) => `capped webhook promotions@${at}`),
  );
});

test('a cap on a channel counts what is sent by it, and nothing else', () => {
  const rules = `{ id: a, when: { event: paid }, ${EMAIL} }
---
{ id: b, when: { event: paid }, ${WEBHOOK} }
---
{ id: c, when: { event: paid }, then: [{ send: { channel: webhook } }, { send: { channel: email, template: hi } }] }
---
{ id: d, when: { event: paid } }`;
  // Of a rule that sends by both, the one that the cap leaves is sent.
  const byEmail = run(rules, caps('- { max: 1, per: 1h, channel: email }')).see(paid(1), paid(2));
  assert.deepEqual(byEmail.lines, ['a@1', 'b@1', 'c@1', 'd@1', 'a@2 cap', 'b@2', 'c@2', 'd@2']);
  assert.deepEqual(byEmail.sends, [
    'a@1 email to u1',
    'b@1 webhook to u1',
    'c@1 webhook to u1',
    'b@2 webhook to u1',
    'c@2 webhook to u1',
  ]);
  assert.deepEqual(byEmail.remains(), ['capped email null@1']);
  const byWebhook = run(rules, caps('- { max: 1, per: 1h, channel: webhook }')).see(paid(1), paid(2));
  assert.deepEqual(byWebhook.lines, ['a@1', 'b@1', 'c@1', 'd@1', 'a@2', 'b@2 cap', 'c@2', 'd@2']);
  assert.deepEqual(byWebhook.sends, [
    'a@1 email to u1',
    'b@1 webhook to u1',
    'c@1 email to u1',
    'a@2 email to u1',
    'c@2 email to u1',
  ]);
  assert.deepEqual(byWebhook.remains(), ['capped webhook null@1']);
  const both = run(rules, caps('- { max: 5, per: 1h, channel: email }')).see(paid(1));
  assert.deepEqual(both.remains(), ['capped email null@1', 'capped email null@1']);
});

test('the sends of one decision are held against a cap one after the other, and so no cap is exceeded by one rule', () => {
  const send = '{ send: { channel: webhook } }';
  const rules = `{ id: a, when: { event: paid }, then: [${send}, ${send}, ${send}] }`;
  const found = run(rules, caps('- { max: 2, per: 1h }')).see(paid(1), paid(2));
  assert.deepEqual(found.lines, ['a@1', 'a@2 cap']);
  assert.deepEqual(found.sends, ['a@1 webhook to u1', 'a@1 webhook to u1']);
  assert.deepEqual(
    found.decisions.map(({ passedOver }) => passedOver),
    [
      [{ step: 2, channel: 'webhook', reason: 'cap' }],
      [0, 1, 2].map((step) => ({ step, channel: 'webhook', reason: 'cap' })),
    ],
  );
});

test('a channel that a cap closes leaves the message to its fallback', () => {
  const rules = `{ id: a, when: { event: paid }, then: [{ send: { channel: email, template: hi, fallback: [webhook] } }] }`;
  const found = run(rules, caps('- { max: 1, per: 1h, channel: email }')).see(paid(1), paid(2));
  assert.deepEqual(found.sends, ['a@1 email to u1', 'a@2 webhook to u1']);
  assert.deepEqual(
    found.decisions.map(({ passedOver }) => passedOver),
    [[], [{ step: 0, channel: 'email', reason: 'cap' }]],
  );
});

test('a cap of one person leaves another’s alone', () => {
  const found = run(`{ id: a, when: { event: paid }, ${WEBHOOK} }`, caps('- { max: 1, per: 1h }'));
  found.see(paid(1), event('paid', 2, {}, { userId: 'u2' }), paid(3));
  assert.deepEqual(found.lines, ['a@1', 'a@2', 'a@3 cap']);
  assert.deepEqual(found.sends, ['a@1 webhook to u1', 'a@2 webhook to u2']);
});

test('a cap per day is counted by the calendar of the person’s time zone', () => {
  const rules = `{ id: a, when: { event: paid }, ${WEBHOOK} }`;
  const around = caps('- { max: 1, per: day }');
  // Midnight in Tokyo is 15:00 UTC.
  const times = [NOON, NOON + 2 * HOUR, NOON + 3 * HOUR, NOON + 11 * HOUR, NOON + DAY];
  const found = run(rules, around).see(identify(1, { timezone: 'Asia/Tokyo' }), ...times.map((at) => paid(at)));
  assert.deepEqual(
    found.decisions.map(({ reason }) => reason),
    [null, 'cap', null, 'cap', 'cap'],
  );
  assert.deepEqual(found.sends, [`a@${NOON} webhook to u1`, `a@${NOON + 3 * HOUR} webhook to u1`]);
  const utc = run(rules, around).see(...times.map((at) => paid(at)));
  assert.deepEqual(
    utc.decisions.map(({ reason }) => reason),
    [null, 'cap', 'cap', 'cap', null],
  );
  assert.deepEqual(utc.sends, [`a@${NOON} webhook to u1`, `a@${NOON + DAY} webhook to u1`]);
});

test('weeks begin on Monday', () => {
  const sunday = Date.UTC(2026, 0, 4, 23);
  const found = run(`{ id: a, when: { event: paid }, ${WEBHOOK} }`, caps('- { max: 1, per: week, timezone: UTC }'));
  found.see(paid(sunday - 5 * DAY), paid(sunday), paid(sunday + HOUR), paid(sunday + 7 * DAY));
  assert.deepEqual(
    found.decisions.map(({ reason }) => reason),
    [null, 'cap', null, 'cap'],
  );
});

test('without a record everything is allowed; a no to the category, the channel or all of it is kept to', () => {
  const rules = `{ id: a, when: { event: paid }, category: news, ${EMAIL} }`;
  const found = run(rules).see(paid(1), consent(2, { categories: { news: false } }), paid(3));
  found.see(consent(4, { categories: { news: true } }), paid(5), consent(6, { channels: { email: false } }), paid(7));
  found.see(consent(8, { channels: { email: true }, all: false }), paid(9), consent(3, { all: true }), paid(10));
  assert.deepEqual(found.lines, ['a@1', 'a@3 consent', 'a@5', 'a@7 consent', 'a@9 consent', 'a@10 consent']);
  assert.deepEqual(found.sends, ['a@1 email to u1', 'a@5 email to u1']);
  assert.deepEqual(found.remains(), ['consent news yes@4', 'consent channel:email yes@8', 'consent * no@8']);
});

test('a no to another category or channel, or of another person, refuses nothing', () => {
  const rules = `{ id: a, when: { event: paid }, category: news, ${EMAIL} }`;
  const found = run(rules).see(
    consent(1, { categories: { offers: false }, channels: { sms: false } }),
    event(CONSENT_EVENT, 1, { all: false }, { type: 'consent', userId: 'u2' }),
    paid(2),
    event('paid', 2, {}, { userId: 'u2' }),
  );
  assert.deepEqual(found.lines, ['a@2', 'a@2 consent']);
  assert.deepEqual(found.sends, ['a@2 email to u1']);
});

test('a deleted record takes back what was said up to its time, and nothing that was said later (A1)', () => {
  const rules = `{ id: a, when: { event: paid }, category: news, ${EMAIL} }`;
  const found = run(rules).see(consent(5, { all: false }), consent(7, { channels: { sms: false } }), paid(8));
  found.see(consent(5, { deleted: true }), paid(9));
  assert.deepEqual(found.lines, ['a@8 consent', 'a@9']);
  assert.deepEqual(found.sends, ['a@9 email to u1']);
  assert.deepEqual(found.remains(), ['consent channel:sms no@7']);
});

test('of one person what was said last of 200 categories and channels is kept (I8)', () => {
  const said = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`c${i}`, false]));
  const found = run(`{ id: a, when: { event: paid }, category: c249, ${EMAIL} }`).see(consent(1, { categories: said }));
  assert.deepEqual(
    found.remains(),
    Array.from({ length: 200 }, (_, i) => `consent c${i + 50} no@1`),
  );
  assert.deepEqual(found.see(paid(2)).lines, ['a@2 consent']);
});

test('a category declared opt-in needs a yes', () => {
  const rules = `{ id: a, when: { event: paid }, category: news, ${EMAIL} }
---
{ id: b, when: { event: paid }, category: news, if: 'consent("news")' }`;
  const found = run(rules, { optIn: ['news'] }).see(paid(1), consent(2, { categories: { news: true } }), paid(3));
  assert.deepEqual(found.lines, ['a@1 consent', 'b@1 condition', 'a@3', 'b@3']);
  assert.deepEqual(found.sends, ['a@3 email to u1']);
  // A yes to the channel is none to the category.
  const other = run(rules, { optIn: ['news'] }).see(consent(1, { channels: { email: true } }), paid(2));
  assert.deepEqual(other.lines, ['a@2 consent', 'b@2 condition']);
  assert.deepEqual(other.sends, []);
});

const templateOf = (channel: string): string => (/webhook|pagerduty/.test(channel) ? '' : ', template: hi');
const EVERY_CHANNEL = `id: a
when: { event: paid }
then: [${CHANNEL_IDS.map((channel) => `{ send: { channel: ${channel}${templateOf(channel)} } }`).join(', ')}]`;

test('webhook, Slack, PagerDuty and the printed log ask no consent, and of several sends the allowed ones are made (N2)', () => {
  const found = run(EVERY_CHANNEL).see(paid(1), consent(2, { all: false }), paid(3));
  assert.deepEqual(found.lines, ['a@1', 'a@3']);
  assert.deepEqual(found.sends, [
    ...CHANNEL_IDS.map((channel) => `a@1 ${channel} to u1`),
    ...['webhook', 'slack', 'pagerduty', 'log'].map((channel) => `a@3 ${channel} to u1`),
  ]);
  const steps = found.context.valuesTo<Action>('actions').map(({ channel, step }) => [channel, step]);
  assert.deepEqual(steps.slice(CHANNEL_IDS.length), [
    ['webhook', CHANNEL_IDS.indexOf('webhook')],
    ['slack', CHANNEL_IDS.indexOf('slack')],
    ['pagerduty', CHANNEL_IDS.indexOf('pagerduty')],
    ['log', CHANNEL_IDS.indexOf('log')],
  ]);
  assert.deepEqual(
    found.decisions.map(({ passedOver }) => passedOver),
    [
      [],
      ['email', 'sms', 'push', 'inapp'].map((channel) => {
        return { step: CHANNEL_IDS.indexOf(channel), channel, reason: 'consent' };
      }),
    ],
  );
});

test('a cap counts the channels that were sent by, not those that consent refused', () => {
  const rules = `{ id: a, when: { event: paid }, then: [{ send: { channel: email, template: hi } }, { send: { channel: webhook } }] }`;
  const around = caps('- { max: 9, per: 1h, channel: email }\n- { max: 9, per: 1h, channel: webhook }');
  const found = run(rules, around).see(paid(1), consent(2, { channels: { email: false } }), paid(3));
  assert.deepEqual(found.sends, ['a@1 email to u1', 'a@1 webhook to u1', 'a@3 webhook to u1']);
  assert.deepEqual(found.remains(), [
    'capped email null@1',
    'capped webhook null@1',
    'capped webhook null@3',
    'consent channel:email no@2',
  ]);
});

test('a no to a channel is a no to that channel alone', () => {
  const found = run(EVERY_CHANNEL).see(consent(1, { channels: { sms: false, inapp: false } }), paid(2));
  assert.deepEqual(
    found.sends,
    CHANNEL_IDS.filter((channel) => channel !== 'sms' && channel !== 'inapp').map((channel) => `a@2 ${channel} to u1`),
  );
});

test('a channel with a connector reaches those of whom its address is known', () => {
  const channels = channelTraits(Object.fromEntries(CHANNEL_IDS.map((id) => [id, {}])));
  const reachedBy = (traits: JsonObject): string[] => {
    const found = run(EVERY_CHANNEL, {}, { channels }).see(identify(1, traits), paid(2));
    return found.sends.map((send) => send.split(' ')[1]!);
  };
  const anyway = ['inapp', 'webhook', 'slack', 'pagerduty', 'log'];
  assert.deepEqual(reachedBy({ name: 'Ada' }), anyway);
  assert.deepEqual(reachedBy({ email: 'a@b.test' }), ['email', ...anyway]);
  assert.deepEqual(reachedBy({ phone: '+49' }), ['sms', ...anyway]);
  assert.deepEqual(reachedBy({ pushToken: 't' }), ['push', ...anyway]);
  assert.deepEqual(reachedBy({ pushTokens: ['t'] }), ['push', ...anyway]);
  assert.deepEqual(reachedBy({ email: '', phone: null, pushTokens: [] }), anyway);
});

test('who cannot be reached by a channel with a connector is not sent to; without one somebody else delivers (R1)', () => {
  const rules = `{ id: a, when: { event: paid }, ${EMAIL} }`;
  const found = run(rules, {}, MAIL_CONNECTED).see(paid(1), identify(2, { email: 'a@b.test' }), paid(3));
  assert.deepEqual(found.lines, ['a@1 unreachable', 'a@3']);
  assert.deepEqual(found.sends, ['a@3 email to u1']);
  assert.deepEqual(
    found.decisions.map(({ passedOver }) => passedOver),
    [[{ step: 0, channel: 'email', reason: 'unreachable' }], []],
  );
  assert.deepEqual(run(rules).see(paid(1)).sends, ['a@1 email to u1']);
});

test('who can be reached by a fallback alone gets it there; who can be reached by the first channel gets it by that', () => {
  const rules = `{ id: b, when: { event: paid }, then: [{ send: { channel: email, template: hi, fallback: [webhook] } }] }`;
  const found = run(rules, {}, MAIL_CONNECTED).see(paid(1), identify(2, { email: 'a@b.test' }), paid(3));
  assert.deepEqual(found.lines, ['b@1', 'b@3']);
  assert.deepEqual(found.sends, ['b@1 webhook to u1', 'b@3 email to u1']);
  assert.deepEqual(
    found.context.valuesTo<Action>('actions').map(({ fallback }) => fallback),
    [[], ['webhook']],
  );
  assert.deepEqual(
    found.decisions.map(({ passedOver }) => passedOver),
    [[{ step: 0, channel: 'email', reason: 'unreachable' }], []],
  );
  assert.deepEqual(run(rules).see(paid(1)).sends, ['b@1 email to u1']);
});

test('in quiet hours a decision is deferred, and made anew at their end, stamped with it', async () => {
  const rules = `id: a
when: { event: paid, as: order }
if: 'order.properties.n > 1.0'
cooldown: 1d
quietHours: { from: "21:00", to: "08:00", timezone: Europe/Berlin }
then: [{ send: { channel: webhook, data: { n: order.properties.n } } }]`;
  const night = Date.UTC(2026, 0, 1, 22);
  const morning = Date.UTC(2026, 0, 2, 7);
  const found = run(rules).see(paid(night, { n: 2 }), paid(night + 1, { n: 3 }));
  found.documents.changes();
  await found.passTo(morning - 1);
  assert.deepEqual(found.lines, [`a@${night} quiet-hours`, `a@${night + 1} quiet-hours`]);
  assert.deepEqual(
    found.decisions.map(({ outcome }) => outcome),
    ['deferred', 'deferred'],
  );
  assert.deepEqual(found.sends, []);
  assert.deepEqual(found.remains(), [
    `waits a@${night} quiet-hours until ${morning}`,
    `waits a@${night + 1} quiet-hours until ${morning}`,
  ]);
  await found.passTo(morning);
  assert.deepEqual(found.lines.slice(2), [`a@${morning}`, `a@${morning} cooldown`]);
  assert.deepEqual(
    found.decisions.slice(2).map(({ events, values }) => [events, values]),
    found.decisions.slice(0, 2).map(({ events, values }) => [events, values]),
  );
  assert.equal(new Set(found.decisions.map(({ id }) => id)).size, 4);
  assert.deepEqual(found.sends, [`a@${morning} webhook to u1`]);
  assert.deepEqual(
    found.context.valuesTo<Action>('actions').map(({ data }) => data),
    [{ n: 2 }],
  );
  assert.deepEqual(found.remains(), [`fired a@${morning}`]);
  await found.passTo(morning + 30 * DAY);
  assert.equal(found.decisions.length, 4);
});

test('what waits keeps all that its rule reads of its match, a list of events too, also once it was stored', async () => {
  const rules = `id: a
when: { sequence: { steps: [{ event: view, as: views, times: { min: 2 }, greedy: true }, { event: paid, as: order }], within: 1h } }
quietHours: { from: "21:00", to: "08:00", timezone: Europe/Berlin }
then: [{ send: { channel: webhook, data: { seen: size(views), first: 'views[0].messageId', n: order.properties.n } } }]`;
  const night = Date.UTC(2026, 0, 1, 22);
  const morning = Date.UTC(2026, 0, 2, 7);
  const views = [0, 1, 2].map((i) => event('view', night + i, {}, { messageId: `v${i}` }));
  const found = run(rules).see(...views, paid(night + 3, { n: 7 }));
  await found.passTo(night + 10);
  assert.deepEqual(found.lines, [`a@${night + 3} quiet-hours`]);
  found.storeAndLoad();
  await found.passTo(morning);
  assert.deepEqual(found.sends, [`a@${morning} webhook to u1`]);
  assert.deepEqual(
    found.context.valuesTo<Action>('actions').map(({ data }) => data),
    [{ seen: 3, first: 'v0', n: 7 }],
  );
  assert.deepEqual(found.remains(), []);
});

test('a rule that sends nothing has no quiet hours, consent or reach to ask for', () => {
  const rules = `{ id: a, when: { event: paid }, quietHours: { from: "00:00", to: "23:59", timezone: UTC } }`;
  const found = run(rules, {}, MAIL_CONNECTED).see(consent(1, { all: false }), paid(2));
  assert.deepEqual(found.lines, ['a@2']);
  assert.deepEqual(found.sends, []);
});

test('what a person must look at first waits', async () => {
  const rules = `{ id: a, when: { event: paid }, review: 'profile.tier == "vip"', ${WEBHOOK} }`;
  const found = run(rules).see(identify(1, { tier: 'vip' }), paid(2), identify(3, { tier: 'no' }), paid(4));
  await found.passTo(WEEK);
  assert.deepEqual(
    found.decisions.map(({ at, outcome, reason, values }) => [at, outcome, reason, values]),
    [
      [2, 'review', 'review', { 'profile.tier': 'vip' }],
      [4, 'fired', null, { 'profile.tier': 'no' }],
    ],
  );
  assert.deepEqual(found.sends, ['a@4 webhook to u1']);
  assert.deepEqual(found.remains(), ['waits a@2 review until 604800002']);
  await found.passTo(WEEK + 2);
  const { at, outcome, reason } = found.decisions.at(-1)!;
  assert.deepEqual([at, outcome, reason], [WEEK + 2, 'suppressed', 'rejected'], 'nobody looked');
  assert.deepEqual(found.remains(), []);
});

test('of one person a bounded number of candidates waits; more are suppressed, and counted (I8)', () => {
  const rules = `{ id: a, when: { event: paid }, review: 'true', ${WEBHOOK} }`;
  const found = run(rules).see(
    ...Array.from({ length: 40 }, (_, i) => paid(i)),
    event('paid', 40, {}, { userId: 'u2' }),
  );
  const outcomes = found.decisions.map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, [...Array(32).fill('review'), ...Array(8).fill('suppressed'), 'review']);
  assert.deepEqual(
    found.remains(),
    Array.from({ length: 32 }, (_, i) => `waits a@${i} review until ${604_800_000 + i}`),
  );
  assert.deepEqual(found.remains('u2'), ['waits a@40 review until 604800040']);
  assert.deepEqual(found.sends, []);
  assert.equal(found.context.counters.by('dropped', 'rule').get('a'), 8);
});

test('a rule whose candidates are refused leaves nothing in the document', () => {
  const gates = ['enabled: false', `audience: 'false'`, 'holdout: 100%', `if: 'false'`];
  for (const gate of gates) {
    const found = run(`{ id: a, when: { event: paid }, cooldown: 1d, exclusive: x, ${gate}, ${WEBHOOK} }`).see(paid(1));
    assert.deepEqual(
      found.decisions.map(({ outcome }) => outcome),
      ['suppressed'],
      gate,
    );
    assert.deepEqual(found.sends, [], gate);
    assert.deepEqual(found.remains(), [], gate);
    assert.equal(found.document()!.rules.size, 0, gate);
    assert.equal(found.document()!.sections.isEmpty, true, gate);
  }
});
