import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatProblem } from '../../../lib/problem.ts';
import type { ScoreRequest } from '../../../processors/decide/scores.ts';
import type { ContextFiles } from '../../../rules/index.ts';
import type { Event } from '../../../schemas/event.ts';
import { PROFILE_EVENT, SCORE_EVENT } from '../../../schemas/internal-events.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import { historyFacts, scoreFacts } from '../../../state/entity/facts.ts';
import { membership } from '../../../state/entity/membership.ts';
import { check, event } from '../../rules/kit.ts';
import { EvaluateRun } from '../kit.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function run(text: string, around: ContextFiles = {}): EvaluateRun {
  const { errors, ruleSet } = check(text, { context: around });
  assert.deepEqual(errors.map(formatProblem), []);
  return new EvaluateRun(() => ruleSet);
}

function segment(id: string, where: string): ContextFiles {
  return { segments: [{ file: 'segments.yaml', text: `id: ${id}\nwhere: ${JSON.stringify(where)}` }] };
}

function identify(at: number, traits: JsonObject): Event {
  return event('identify', at, {}, { type: 'identify', traits });
}

describe('what happened before', () => {
  const COUNTED = `{ id: a, when: { event: paid }, if: 'count("login", "10ms") >= 2' }`;

  test('count() is over (now - D, now], of what was read', () => {
    const found = run(COUNTED).see(event('login', 5), event('login', 10), event('paid', 14), event('paid', 15));
    assert.deepEqual(found.lines, ['a@14', 'a@15 condition']);
    assert.deepEqual(found.decisions[0]!.values, { 'count("login", "10ms")': 2 });
  });

  test('an event counts itself', () => {
    const rules = `{ id: a, when: { event: paid }, if: 'count("paid", "1d") == 2' }`;
    assert.deepEqual(run(rules).see(event('paid', 1), event('paid', 2)).lines, ['a@1 condition', 'a@2']);
  });

  test('in event-time order an event counts what came before it, not what came with it later', async () => {
    const rules = `{ id: a, order: event-time, when: { event: paid }, if: 'count("paid", "1d") == 1' }`;
    const found = run(rules).see(event('paid', 7), event('paid', 5), event('paid', 5));
    await found.passTo(10);
    assert.deepEqual(found.lines, ['a@5', 'a@5 condition', 'a@7 condition']);
  });

  test('last() is the newest at or before now, null before the first', () => {
    const rules = `{ id: a, when: { event: paid }, if: 'last("login") != null && daysSince(last("login")) >= 2' }`;
    const found = run(rules).see(
      event('paid', 1),
      event('login', 5),
      event('paid', 5 + DAY),
      event('paid', 5 + 2 * DAY),
    );
    assert.deepEqual(found.lines, ['a@1 condition', `a@${5 + DAY} condition`, `a@${5 + 2 * DAY}`]);
  });

  test('opened() and clicked() count what came of messages, over all channels', () => {
    const rules = `{ id: a, when: { event: paid }, if: 'opened("1d") == 2 && clicked("1d") == 1' }`;
    const outcomes = ['email_opened', 'push_opened', 'sms_clicked', 'doc_opened'].map((name, i) => event(name, i));
    assert.deepEqual(run(rules).see(...outcomes, event('paid', 9)).lines, ['a@9']);
  });

  test('what nobody asks for is not kept (A2)', () => {
    const found = run(COUNTED).see(event('other', 1), event('login', 2));
    assert.deepEqual([...found.document()!.sections.open(historyFacts)!.keys()], ['login']);
    assert.equal(run('{ id: a, when: { event: paid } }').see(event('login', 1)).document(), undefined);
  });

  test('what nobody asks for any more, since the rules have changed, is kept no longer (A2)', () => {
    let { ruleSet } = check(COUNTED);
    const found = new EvaluateRun(() => ruleSet).see(event('login', 1), event('login', 2));
    assert.deepEqual([...found.document()!.sections.open(historyFacts)!.keys()], ['login']);
    ruleSet = check('{ id: a, when: { event: paid }, if: \'count("view", "10ms") >= 2\' }').ruleSet;
    found.see(event('view', 3));
    assert.deepEqual([...found.document()!.sections.open(historyFacts)!.keys()], ['view']);
  });

  test('the account is that of the newest group message', async () => {
    const rules = `{ id: a, when: { event: paid }, if: 'account.plan == "team"' }`;
    const group = (at: number, id: string, traits: JsonObject) =>
      event('group', at, { groupId: id }, { type: 'group', traits });
    const found = run(rules).see(group(1, 'g1', { plan: 'team', size: 5 }), event('paid', 2));
    found.see(group(3, 'g2', { size: 9 }), event('paid', 4));
    // What is told of the one before comes late, and no more counts.
    await found.passTo(4);
    found.see(group(2, 'g1', { plan: 'team' }), event('paid', 5), group(3, 'g2', { plan: 'team' }), event('paid', 6));
    assert.deepEqual(found.lines, ['a@2', 'a@4 condition', 'a@5 condition', 'a@6']);
  });

  test('a record of the profiles topic sets attributes without being an event, and a deleted one takes them away', () => {
    const rules = `{ id: a, when: { event: "*" }, if: 'profile.plan == "pro"' }`;
    const record = (at: number, traits: JsonObject, properties: JsonObject = {}) =>
      event(PROFILE_EVENT, at, properties, { type: 'identify', traits });
    const found = run(rules).see(
      record(1, { plan: 'pro' }),
      event('x', 2),
      record(3, {}, { deleted: true }),
      event('x', 4),
    );
    assert.deepEqual(found.lines, ['a@2', 'a@4 condition']);
  });
});

describe('segments', () => {
  const RULES = `{ id: in, when: { segment: { enters: vip } } }
---
{ id: out, when: { segment: { leaves: vip } } }`;

  test('entry and exit are told at the event, and at the moment when an event falls out of its window', async () => {
    const found = run(RULES, segment('vip', 'count("paid", "10ms") >= 2'));
    found.see(event('paid', 5, {}, { messageId: 'p1' }), event('paid', 8, {}, { messageId: 'p2' }));
    assert.deepEqual(found.lines, ['in@8']);
    assert.deepEqual(found.decisions[0]!.events, ['p2']);
    await found.passTo(14);
    assert.deepEqual(found.lines, ['in@8']);
    await found.passTo(15);
    assert.deepEqual(found.lines, ['in@8', 'out@15']);
    assert.deepEqual(found.decisions[1]!.events, []);
    assert.equal(found.document()!.sections.open(membership)![0]!.changesAt, 18);
  });

  test('an exit that time brought is told before a later event that brings the entry again', () => {
    const found = run(RULES, segment('vip', 'count("paid", "10ms") >= 1'));
    assert.deepEqual(found.see(event('paid', 5), event('paid', 40)).lines, ['in@5', 'out@15', 'in@40']);
  });

  test('who would fall out of a window just when a new event comes stays in, whatever else comes then', async () => {
    const rules = RULES.replaceAll('when:', 'order: event-time, when:');
    const found = run(rules, segment('vip', 'count("paid", "10ms") >= 2'));
    const times = [event('paid', 5), event('paid', 6), event('login', 15), event('paid', 15)];
    await found.see(...times).passTo(100);
    assert.deepEqual(found.lines, ['in@6', 'out@16']);
  });

  test('a change of the profile brings entry and exit', () => {
    const found = run(RULES, segment('vip', 'profile.tier == "gold"'));
    found.see(identify(1, { tier: 'gold' }), identify(2, { tier: 'gold' }), identify(3, { tier: 'tin' }));
    assert.deepEqual(found.lines, ['in@1', 'out@3']);
  });

  test('a full day that passes brings entry', async () => {
    const found = run(RULES, segment('vip', 'daysSince(last("login")) >= 2'));
    await found.see(event('login', 5)).passTo(3 * DAY);
    assert.deepEqual(found.lines, [`in@${5 + 2 * DAY}`]);
    await found.passTo(4 * DAY);
    assert.deepEqual(found.lines, [`in@${5 + 2 * DAY}`]);
  });

  test('a message that was sent brings entry right after it', async () => {
    const rules = `${RULES}\n---\n{ id: mail, when: { event: paid }, then: [{ send: { channel: webhook } }] }`;
    const found = run(rules, segment('vip', 'sent("any", "10ms") > 0 && count("paid", "1d") > 0'));
    await found.see(event('paid', 5)).passTo(20);
    assert.deepEqual(found.lines, ['mail@5', 'in@6', 'out@15']);
  });

  test('in event-time order entry and exit do not depend on the order of arrival', async () => {
    const rules = RULES.replaceAll('when:', 'order: event-time, when:');
    const around = segment('vip', 'count("paid", "10ms") >= 2');
    for (const times of [
      [5, 8, 12],
      [12, 5, 8],
      [8, 12, 5],
    ]) {
      const found = run(rules, around).see(...times.map((at) => event('paid', at)));
      await found.passTo(100);
      assert.deepEqual(found.lines, ['in@8', 'out@18']);
    }
  });

  test('inSegment() asks the condition, as of the moment', () => {
    const rules = `{ id: a, when: { event: ask }, if: 'inSegment("vip")' }`;
    const found = run(rules, segment('vip', 'count("paid", "10ms") >= 1'));
    assert.deepEqual(found.see(event('paid', 5), event('ask', 14), event('ask', 15)).lines, ['a@14', 'a@15 condition']);
  });
});

describe('models', () => {
  const around: ContextFiles = {
    models: [
      {
        file: 'models.yaml',
        text: `id: churn
type: linear
intercept: -1
features:
  - { name: logins, value: 'count("login", "1d")', weight: 0.5 }
  - { name: age, value: profile.age, weight: 0.1, default: 10 }
  - { name: vip, value: profile.vip == true, weight: 2 }`,
      },
    ],
  };

  test('a linear model is the logistic of the weighted sum, a missing feature its default', () => {
    const found = run(`{ id: a, when: { event: paid }, if: 'score("churn") > 0.75' }`, around);
    found.see(
      event('paid', 1),
      event('login', 2),
      event('login', 3),
      event('paid', 4),
      identify(5, { vip: true, age: 20 }),
    );
    found.see(event('paid', 6));
    assert.deepEqual(found.lines, ['a@1 condition', 'a@4 condition', 'a@6']);
    const scores = found.decisions.map(({ values }) => values['score("churn")'] as number);
    const logistic = (sum: number): number => 1 / (1 + Math.exp(-sum));
    assert.deepEqual(scores, [logistic(0), logistic(1), logistic(4)]);
  });
});

describe('models that are asked beside the task', () => {
  const text =
    'id: fraud\ntype: http\nurl: http://127.0.0.1:9/\ntimeout: 1s\ncache: 1h\nfeatures: [{ name: n, value: event.properties.n }]';
  const around: ContextFiles = { models: [{ file: 'models.yaml', text }], withRemoteModels: true };
  const rules = `{ id: risky, when: { event: pay }, if: 'score("fraud") > 0.5' }`;
  const pay = (at: number) => event('pay', at, { n: at });
  const answer = (at: number, value: number, model = 'fraud', id = `score-${model}-${at}`) =>
    event(SCORE_EVENT, at, { model, value }, { type: 'score', messageId: id });
  const asked = ({ context }: EvaluateRun) =>
    context.valuesTo<ScoreRequest>('score-requests').map(({ at, entity, features }) => [at, entity.id, features]);

  test('while an answer is under way no second one is asked for, and it decides all that wait (S2)', () => {
    const found = run(rules, around).see(pay(1), pay(2), event('pay', 3, { n: 3 }, { userId: 'u2' }));
    assert.deepEqual(asked(found), [
      [1, 'u1', { n: 1 }],
      [3, 'u2', { n: 3 }],
    ]);
    assert.deepEqual(found.remains(), ['waits risky@1 score until Infinity', 'waits risky@2 score until Infinity']);
    assert.deepEqual(found.lines, []);
    found.see(answer(1, 0.9));
    assert.deepEqual(found.lines, ['risky@1', 'risky@2']);
    assert.deepEqual([found.remains(), found.remains('u2')], [[], ['waits risky@3 score until Infinity']]);
  });

  test('an answer is good for its cache time to the millisecond, and then asked for anew', () => {
    const found = run(rules, around).see(pay(5), answer(5, 0.9), pay(5 + HOUR));
    assert.deepEqual(found.lines, ['risky@5', `risky@${5 + HOUR}`]);
    found.see(pay(6 + HOUR));
    assert.deepEqual(
      asked(found).map(([at]) => at),
      [5, 6 + HOUR],
    );
    assert.equal(found.lines.length, 2);
  });

  test('of two answers the later counts, and one of a model that nobody asks for is not kept', () => {
    const found = run(rules, around).see(
      answer(5, 0.9),
      answer(3, 0.1, 'fraud', 'late'),
      answer(6, 0.1, 'other'),
      pay(7),
    );
    assert.deepEqual(found.lines, ['risky@7']);
    assert.deepEqual(found.document()!.sections.open(scoreFacts), [{ model: 'fraud', value: 0.9, at: 5 }]);
  });
});

test('a change of the profiles topic is a change of the profile', () => {
  const found = run('{ id: up, when: { change: { of: profile.plan, from: free, to: pro } } }');
  const record = (at: number, plan: string) => event(PROFILE_EVENT, at, {}, { type: 'identify', traits: { plan } });
  assert.deepEqual(found.see(record(1, 'free'), record(2, 'pro'), record(3, 'pro')).lines, ['up@2']);
});
