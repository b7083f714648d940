// A worker process on an embedded log, and people who answer what waits: by command and over HTTP.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { request } from 'undici';
import { COMMANDS } from '../../../apps/cli/commands/index.ts';
import { createKey } from '../../../services/keys/keys.ts';
import { startSlack } from '../../../testing/providers/slack.ts';
import { until } from '../../../testing/until.ts';
import { WorkerProcess } from '../../../testing/worker-process.ts';
import { folderWith, run } from '../cli/kit.ts';
import { linesOf } from '../cli/shop-project.ts';

const START_MS = 60_000;
const KEY = createKey('ann', ['approver'], null);
const RULES = `id: gated
when: { event: order }
review: { if: event.properties.amount > 100, note: Is it he? }
then: [{ send: { channel: log, template: plain, data: { text: event.properties.text } } }]
---
id: stepped
when: { event: ticket }
then:
  - review: { atMost: 1h, onTimeout: reject }
  - send: { channel: log, template: plain, data: { text: event.properties.text } }
`;

async function started(t: TestContext, more = '', channels = 'log: {}') {
  const folder = folderWith(t, { 'rules/r.yaml': RULES, 'templates/plain/log.liquid': '{{ data.text }}\n' });
  const config = `application: shop\ndataDir: ./data\nlog: { partitions: 2 }\nhttp: { port: 0, writeKeys: ["k1"], keys: [{ name: ann, hash: "${KEY.hash}", roles: [approver] }] }\nchannels: { ${channels} }\n${more}`;
  const worker = new WorkerProcess({ number: 1, folder, config });
  t.after(() => worker.kill());
  worker.start();
  await worker.untilRunning(START_MS);
  const url = worker.log().findLast((line) => line.msg === 'taking events over HTTP')!['url'] as string;
  const command = (...words: string[]) => run(words, COMMANDS, folder);
  const post = async (path: string, key: string, body: object) => {
    const answer = await request(`${url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: answer.statusCode, json: (await answer.body.json()) as Record<string, unknown> };
  };
  return { url, command, post };
}

test('people answer what waits beside a running worker, and what they said is done and told', {
  timeout: 180_000,
}, async (t) => {
  const { command, post } = await started(t);
  const tell = (userId: string, event: string) =>
    post('/v1/track', 'k1', { userId, event, properties: { amount: 200, text: `of ${userId}` } });
  for (const [user, event] of [
    ['u1', 'order'],
    ['u2', 'order'],
    ['u3', 'ticket'],
  ] as const)
    await tell(user, event);
  const waiting = async () => linesOf((await command('reviews', 'list', '--json')).out);
  const idOf = async (user: string) => (await waiting()).find(({ entity }) => entity.id === user)?.id as string;
  await until(async () => (await waiting()).length === 3, { message: 'three wait' });
  const [first, second, third] = [await idOf('u1'), await idOf('u2'), await idOf('u3')];

  assert.equal((await command('reviews', 'assign', first, '--to', 'bob')).code, 0);
  await until(async () => (await waiting()).find(({ id }) => id === first)?.assigned?.to === 'bob', {
    message: 'the task has read who is to answer',
  });
  const approved = await command('reviews', 'approve', first, '--by', 'bob', '--note', 'fine');
  assert.equal(approved.code, 0, approved.err);
  const rejected = await post(`/api/reviews/${second}/answer`, KEY.key, { verdict: 'reject' });
  assert.deepEqual([rejected.status, rejected.json['id']], [200, second]);
  const edited = await command('reviews', 'edit', third, '--by', 'eve', '--data', '{"text":"changed"}');
  assert.equal(edited.code, 0, edited.err);
  const again = await post(`/api/reviews/${first}/answer`, KEY.key, { verdict: 'approve' });
  assert.deepEqual([again.status, again.json['code']], [404, 'TRG_REVIEW_NOT_WAITING']);

  const decisions = async () => linesOf((await command('decisions', '--json')).out);
  await until(async () => (await decisions()).filter(({ rule }) => rule === 'gated').length === 4, {
    message: 'both answers have become decisions',
  });
  const answered = (await decisions()).filter(({ values }) => values.review !== undefined);
  assert.deepEqual(
    answered.map(({ entity, outcome, reason, values }) => [entity.id, outcome, reason, values.review]).toSorted(),
    [
      ['u1', 'fired', null, { of: first, verdict: 'approve', by: 'bob', note: 'fine' }],
      ['u2', 'suppressed', 'rejected', { of: second, verdict: 'reject', by: 'ann' }],
    ],
  );
  const texts = async () => {
    const deliveries = linesOf((await command('deliveries', '--json')).out);
    const shown = await Promise.all(deliveries.map(({ action }) => command('deliveries', '--show', action)));
    return shown.map(({ out }) => out);
  };
  await until(async () => (await texts()).length === 2, { message: 'what was approved is sent' });
  const sent = (await texts()).join('\n');
  assert.match(sent, /of u1/);
  assert.match(sent, /changed/);
  assert.doesNotMatch(sent, /of u2|of u3/);
  assert.deepEqual(await waiting(), []);
});

test('what waits is told in Slack, and who presses a button answers it', { timeout: 180_000 }, async (t) => {
  const signingSecret = 'slack-signing-secret';
  const slack = await startSlack({ signingSecret });
  t.after(() => slack.close());
  const { url, command, post } = await started(
    t,
    `reviews: { slack: { signingSecret: ${signingSecret} } }\n`,
    `log: {}, slack: { url: "${slack.webhookUrl}", allowPrivate: true }`,
  );
  await post('/v1/track', 'k1', { userId: 'u1', event: 'order', properties: { amount: 200, text: 'hello' } });
  await post('/v1/track', 'k1', { userId: 'u2', event: 'ticket', properties: { text: 'hello' } });
  await until(() => slack.messages.length === 2, { message: 'both are told in Slack' });
  const place = slack.messages.findIndex(({ text }) => text?.includes('gated'));
  const pressed = { url: `${url}/feedback/slack`, user: { id: 'U1', name: 'ann' }, now: Date.now() };
  assert.equal(await slack.press({ ...pressed, message: place, action: 'tripline-approve' }), 200);
  assert.equal(await slack.press({ ...pressed, message: 1 - place, action: 'tripline-reject' }), 200);
  assert.equal(
    await slack.press({ ...pressed, message: place, action: 'tripline-reject', now: Date.now() - 400_000 }),
    403,
  );
  assert.match(String(slack.responses[0]?.['text']), /^Approved by ann/);

  const ofUser = async (user: string) => linesOf((await command('decisions', '--user', user, '--json')).out);
  await until(async () => (await ofUser('u1')).length === 2, { message: 'the press has become a decision' });
  const [first, second] = await ofUser('u1');
  assert.deepEqual(
    [second.outcome, second.values.review],
    ['fired', { of: first.id, verdict: 'approve', by: 'ann (Slack U1)' }],
  );
  await until(async () => (await command('reviews', 'list', '--json')).out === '', {
    message: 'nothing waits any more',
  });
  const sent = async () => linesOf((await command('deliveries', '--channel', 'log', '--json')).out);
  await until(async () => (await sent()).length === 1, { message: 'what was approved is sent' });
  assert.deepEqual(
    (await sent()).map(({ rule }) => rule),
    ['gated'],
  );
});
