import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelTraits } from '../../../connectors/channels/index.ts';
import { formatProblem } from '../../../lib/problem.ts';
import type { CompileOptions, ContextFiles } from '../../../rules/index.ts';
import type { RuleSet } from '../../../rules/project/rule-set.ts';
import type { Action } from '../../../schemas/action.ts';
import type { Event } from '../../../schemas/event.ts';
import { CONSENT_EVENT } from '../../../schemas/internal-events.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import { heldMatches } from '../../../state/entity/candidates.ts';
import { waitsOf, waitsOfKind } from '../../../state/entity/waits.ts';
import { check, event } from '../../rules/kit.ts';
import { EvaluateRun } from '../kit.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOON = Date.UTC(2026, 0, 1, 12);

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

test('the audience is asked before the condition', () => {
  const rules = `{ id: a, when: { event: paid }, audience: 'profile.plan == "pro"', if: 'event.properties.n > 1.0' }`;
  const found = run(rules).see(paid(1, { n: 1 }), identify(2, { plan: 'pro' }), paid(3, { n: 1 }), paid(4, { n: 2 }));
  assert.deepEqual(found.lines, ['a@1 audience', 'a@3 condition', 'a@4']);
  assert.deepEqual(found.decisions[0]!.values, { 'event.properties.n': 1, 'profile.plan': null });
});

test('who is held out is never treated, and the same in every run', () => {
  const rules = `{ id: a, when: { event: paid }, holdout: 50% }`;
  const users = Array.from({ length: 40 }, (_, i) => event('paid', i, {}, { userId: `u${i}` }));
  const first = run(rules).see(...users);
  const heldOut = first.decisions.filter(({ reason }) => reason === 'holdout').map(({ entity }) => entity.id);
  assert.ok(heldOut.length > 10 && heldOut.length < 30, String(heldOut.length));
  assert.deepEqual(run(rules).see(...users).lines, first.lines);
});

test('of one exclusive group one rule fires at a time, by priority; at another time the next', () => {
  const rules = `{ id: low, when: { event: paid }, exclusive: checkout }
---
{ id: high, when: { event: paid }, exclusive: checkout, priority: 90 }
---
{ id: other, when: { event: paid }, exclusive: elsewhere }`;
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
});

test('a cap counts fired decisions over all rules, by channel and category, in a sliding window', () => {
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
  const byChannel = run(rules, caps('- { max: 0, per: 1h, channel: email }')).see(paid(1));
  assert.deepEqual(byChannel.lines, ['a@1', 'b@1', 'c@1']);
  assert.deepEqual(run(rules, caps('- { max: 1, per: 1h, channel: webhook }')).see(paid(1)).lines, [
    'a@1',
    'b@1 cap',
    'c@1 cap',
  ]);
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
  const utc = run(rules, around).see(...times.map((at) => paid(at)));
  assert.deepEqual(
    utc.decisions.map(({ reason }) => reason),
    [null, 'cap', 'cap', 'cap', null],
  );
});

test('weeks begin on Monday', () => {
  const sunday = Date.UTC(2026, 0, 4, 23);
  const found = run(`{ id: a, when: { event: paid } }`, caps('- { max: 1, per: week, timezone: UTC }'));
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
});

test('a category declared opt-in needs a yes', () => {
  const rules = `{ id: a, when: { event: paid }, category: news, ${EMAIL} }
---
{ id: b, when: { event: paid }, category: news, if: 'consent("news")' }`;
  const found = run(rules, { optIn: ['news'] }).see(paid(1), consent(2, { categories: { news: true } }), paid(3));
  assert.deepEqual(found.lines, ['a@1 consent', 'b@1 condition', 'a@3', 'b@3']);
});

test('webhook, Slack and PagerDuty ask no consent, and of several sends the allowed ones are made', () => {
  const rules = `id: a
when: { event: paid }
then: [{ send: { channel: email, template: hi } }, { send: { channel: webhook } }]`;
  const found = run(rules).see(consent(1, { all: false }), paid(2));
  assert.deepEqual(found.lines, ['a@2']);
  assert.deepEqual(
    found.context.valuesTo<Action>('actions').map(({ channel, step }) => [channel, step]),
    [['webhook', 1]],
  );
});

test('who cannot be reached by a channel with a connector is not sent to, unless there is a fallback', () => {
  const rules = `{ id: a, when: { event: paid }, ${EMAIL} }
---
{ id: b, when: { event: paid }, then: [{ send: { channel: email, template: hi, fallback: [webhook] } }] }`;
  const found = run(rules, {}, { channels: channelTraits({ email: {} }) }).see(
    paid(1),
    identify(2, { email: 'a@b.test' }),
    paid(3),
  );
  assert.deepEqual(found.lines, ['a@1 unreachable', 'b@1', 'a@3', 'b@3']);
  assert.deepEqual(
    found.context.valuesTo<Action>('actions').map(({ rule, channel, fallback }) => [rule, channel, fallback]),
    [
      ['b', 'webhook', []],
      ['a', 'email', []],
      ['b', 'email', ['webhook']],
    ],
  );
  assert.deepEqual(
    found.decisions.map(({ passedOver }) => passedOver),
    [
      [{ step: 0, channel: 'email', reason: 'unreachable' }],
      [{ step: 0, channel: 'email', reason: 'unreachable' }],
      [],
      [],
    ],
  );
  assert.deepEqual(run(rules).see(paid(1)).lines, ['a@1', 'b@1']);
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
  assert.equal(found.decisions[0]!.outcome, 'deferred');
  await found.passTo(morning);
  assert.deepEqual(found.lines.slice(2), [`a@${morning}`, `a@${morning} cooldown`]);
  assert.deepEqual(found.decisions[2]!.events, found.decisions[0]!.events);
  assert.equal(new Set(found.decisions.map(({ id }) => id)).size, 4);
  assert.deepEqual(
    found.context.valuesTo<Action>('actions').map(({ data, at }) => [data, at]),
    [[{ n: 2 }, morning]],
  );
  assert.deepEqual(waitsOf(found.document()!.sections), []);
});

test('a rule that sends nothing has no quiet hours, consent or reach to ask for (G3)', () => {
  const rules = `{ id: a, when: { event: paid }, quietHours: { from: "00:00", to: "23:59", timezone: UTC } }`;
  assert.deepEqual(run(rules).see(consent(1, { all: false }), paid(2)).lines, ['a@2']);
});

test('what a person must look at first waits', async () => {
  const rules = `{ id: a, when: { event: paid }, review: 'profile.tier == "vip"', ${WEBHOOK} }`;
  const found = run(rules).see(identify(1, { tier: 'vip' }), paid(2), identify(3, { tier: 'no' }), paid(4));
  assert.deepEqual(
    found.decisions.map(({ outcome, reason }) => [outcome, reason]),
    [
      ['review', 'review'],
      ['fired', null],
    ],
  );
  assert.deepEqual(
    waitsOfKind(found.document()!.sections, heldMatches.review).map(({ value, due }) => [value.at, due]),
    [[2, Infinity]],
  );
});

test('of one person a bounded number of candidates waits; more are suppressed, and counted (I8)', () => {
  const rules = `{ id: a, when: { event: paid }, review: 'true', ${WEBHOOK} }`;
  const found = run(rules).see(...Array.from({ length: 40 }, (_, i) => paid(i)));
  const outcomes = found.decisions.map(({ outcome }) => outcome);
  assert.deepEqual([outcomes.filter((one) => one === 'review').length, outcomes.at(-1)], [32, 'suppressed']);
  assert.equal(found.context.counters.by('dropped', 'rule').get('a'), 8);
});

test('a rule whose candidates are refused leaves nothing in the document', () => {
  const found = run(`{ id: a, when: { event: paid }, enabled: false }`).see(paid(1));
  assert.equal(found.document()!.rules.size, 0);
  assert.equal(found.document()!.sections.isEmpty, true);
});
