// The inbox of a worker that runs, over real HTTP: from an event to a message that is read, through a kill.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { SignJWT, UnsecuredJWT } from 'jose';
import { request } from 'undici';
import { openEmbeddedLogReadOnly } from '../../../../connectors/logs/embedded/index.ts';
import { systemClock } from '../../../../lib/clock.ts';
import { deliveryCodec } from '../../../../schemas/framed.ts';
import { OpenContext } from '../../../../services/open-context.ts';
import { resultOf } from '../../../../services/operation.ts';
import { servicesHere } from '../../../../services/operations.ts';
import { readTopic } from '../../../../services/topics/read-topic.ts';
import { until } from '../../../../testing/until.ts';
import { type InboxWorker, SECRET, startInboxWorker, tokenFor } from './kit.ts';

interface ServerEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Follows a stream of server-sent events. */
async function follow(t: TestContext, { url }: InboxWorker, token: string, lastId: string | null = null) {
  const stop = new AbortController();
  t.after(() => stop.abort());
  const headers = lastId === null ? {} : { 'last-event-id': lastId };
  const answer = await request(`${url()}/inapp/stream?token=${token}`, { headers, signal: stop.signal });
  const events: ServerEvent[] = [];
  let isOver = false;
  void (async () => {
    let text = '';
    try {
      for await (const chunk of answer.body) {
        text += String(chunk);
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const fields = new Map(
            text
              .slice(0, end)
              .split('\n')
              .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
          );
          text = text.slice(end + 2);
          if (!fields.has('data')) continue;
          const [id = '', event = 'message', data = ''] = ['id', 'event', 'data'].map((name) => fields.get(name));
          events.push({ id, event, data });
        }
      }
    } catch {}
    isOver = true;
  })();
  const messages = () => events.filter(({ event }) => event === 'message').map(({ data }) => JSON.parse(data));
  return {
    status: answer.statusCode,
    headers: answer.headers,
    events,
    messages,
    isOver: () => isOver,
    stop: () => stop.abort(),
  };
}

async function inboxOf(worker: InboxWorker, user: string) {
  return (await worker.call('/inapp/messages', { token: await tokenFor(user) })).json;
}

async function untilMessages(worker: InboxWorker, user: string, count: number) {
  await until(async () => (await inboxOf(worker, user)).messages?.length === count, { message: `${count} messages` });
  return inboxOf(worker, user);
}

async function outcomesOf({ folder }: InboxWorker): Promise<string[]> {
  const log = await openEmbeddedLogReadOnly({ dir: join(folder, 'data', 'log'), clock: systemClock });
  const outcomes: string[] = [];
  for await (const { value } of readTopic(log, 'tripline.deliveries')) {
    const { entity, outcome, rule, channel } = deliveryCodec.decode(value!);
    outcomes.push(`${entity.id} ${channel} ${rule} ${outcome}`);
  }
  await log.close();
  return outcomes.sort();
}

for (const threads of [1, 2]) {
  test(`with ${threads} threads: a message is delivered, seen, read, and each told once`, {
    timeout: 180_000,
  }, async (t) => {
    const worker = await startInboxWorker(t, threads);
    const token = await tokenFor('u1');
    assert.deepEqual((await worker.call('/inapp/messages', { token })).json, { messages: [], unread: 0 });
    const stream = await follow(t, worker, token);
    assert.deepEqual([stream.status, stream.headers['content-type']], [200, 'text/event-stream']);
    await worker.signUp('u1', 'm1');
    await worker.signUp('u2', 'm2');
    await until(() => stream.messages().length === 1);
    const [message] = stream.messages();
    const { id, at, ...rest } = message;
    assert.deepEqual(rest, {
      title: 'Hello u1',
      body: 'Good to see you.',
      url: '/start',
      image: null,
      state: 'delivered',
    });
    assert.match(at, /^20\d\d-.*Z$/);
    assert.deepEqual(await untilMessages(worker, 'u1', 1), { messages: [message], unread: 1 });

    const mark = (what: string) => worker.call(`/inapp/messages/${id}/${what}`, { method: 'POST', token });
    assert.deepEqual((await mark('seen')).json, { success: true, unread: 1 });
    assert.deepEqual((await mark('read')).json, { success: true, unread: 0 });
    assert.deepEqual((await mark('read')).json, { success: true, unread: 0 });
    assert.deepEqual((await inboxOf(worker, 'u1')).messages[0].state, 'read');
    await until(() => stream.messages().at(-1).state === 'read' && stream.events.at(-1)!.data === '0');

    // Nobody else sees or changes it.
    const other = await tokenFor('u2');
    const foreign = await worker.call(`/inapp/messages/${id}/archived`, { method: 'POST', token: other });
    assert.deepEqual([foreign.status, foreign.json.code], [404, 'TRG_HTTP_NOT_FOUND']);
    assert.equal((await untilMessages(worker, 'u2', 1)).messages[0].title, 'Hello u2');
    stream.stop();
    await worker.worker.stop();
    assert.deepEqual(worker.worker.failures, []);
    // Without a worker the same, from the changelog.
    const context = new OpenContext({ config: worker.config(), clock: systemClock, folder: worker.folder });
    const asked = servicesHere(context).ask('inbox.read', { user: 'u1' }, new AbortController().signal);
    const { inbox } = await resultOf(asked);
    await context.close();
    assert.deepEqual([inbox!.unread, inbox!.entries.map(({ message: { state } }) => state)], [0, ['read']]);
    assert.deepEqual(await outcomesOf(worker), [
      'u1 inapp welcome delivered',
      'u1 inapp welcome read',
      'u1 inapp welcome seen',
      'u2 inapp welcome delivered',
    ]);
  });
}

test('a stream that broke off resumes with what it missed, also after a kill', { timeout: 180_000 }, async (t) => {
  const worker = await startInboxWorker(t);
  const token = await tokenFor('u1');
  const first = await follow(t, worker, token);
  await worker.signUp('u1', 'm1');
  await until(() => first.messages().length === 1);
  const last = first.events.at(-1)!.id;
  await worker.worker.kill();
  await until(() => first.isOver());
  worker.worker.start();
  await worker.worker.untilRunning(60_000);
  await worker.signUp('u1', 'm2');
  await untilMessages(worker, 'u1', 2);
  const second = await follow(t, worker, token, last);
  await until(() => second.messages().length === 1);
  assert.notEqual(second.messages()[0].id, first.messages()[0].id);
  // Who begins anew is told of what comes, not of what was.
  const anew = await follow(t, worker, token);
  await worker.signUp('u1', 'm3');
  await until(() => anew.messages().length === 1 && second.messages().length === 2);
  assert.equal(anew.messages()[0].id, second.messages()[1].id);
});

test('who shows no token, or none of ours, is answered 401; a page of any origin may ask', {
  timeout: 180_000,
}, async (t) => {
  const worker = await startInboxWorker(t);
  const key = Buffer.from(SECRET);
  const sign = (claims: Record<string, unknown>, alg = 'HS256') =>
    new SignJWT(claims).setProtectedHeader({ alg }).sign(alg === 'HS256' ? key : Buffer.alloc(64, SECRET));
  const wrong: (string | undefined)[] = [
    undefined,
    'k1',
    'not.a.token',
    await tokenFor('u1', '1h', 'another secret of somebody else'),
    await tokenFor('u1', '-1s'),
    await sign({}),
    await sign({ sub: '' }),
    await sign({ sub: 'u1' }, 'HS512'),
    new UnsecuredJWT({ sub: 'u1' }).encode(),
  ];
  for (const token of wrong) {
    for (const path of ['/inapp/messages', '/inapp/stream']) {
      const { status, json, headers } = await worker.call(path, token === undefined ? {} : { token });
      assert.deepEqual([status, json.code], [401, 'TRG_HTTP_UNAUTHORIZED'], String(token));
      assert.equal(headers['access-control-allow-origin'], '*');
    }
  }
  const token = await sign({ sub: 'u1' });
  assert.equal((await worker.call(`/inapp/messages?token=${token}`)).status, 200);
  const preflight = await worker.call('/inapp/messages/a/read', { method: 'OPTIONS' });
  assert.equal(preflight.status, 204);
  assert.match(String(preflight.headers['access-control-allow-headers']), /Authorization/);
  assert.equal(preflight.headers['access-control-allow-origin'], '*');
  assert.equal((await worker.call('/inapp/messages/a/read', { method: 'POST', token })).status, 404);
  assert.equal((await worker.call('/inapp/messages/a/eaten', { method: 'POST', token })).status, 404);
  const client = await worker.call('/inapp/client.js');
  assert.deepEqual([client.status, client.headers['content-type']], [200, 'text/javascript; charset=utf-8']);
  assert.match(client.text, /export function openInbox/);
  assert.ok(client.text.length < 8_192);
});

test('a stream ends with its token; a further one of the same person ends the oldest', {
  timeout: 180_000,
}, async (t) => {
  const worker = await startInboxWorker(t);
  const short = await follow(t, worker, await tokenFor('u1', '2s'));
  await until(() => short.isOver());
  const token = await tokenFor('u1');
  const streams: Awaited<ReturnType<typeof follow>>[] = [];
  for (let n = 0; n < 6; n++) streams.push(await follow(t, worker, token));
  await until(() => streams[0]!.isOver());
  assert.ok(streams.slice(1).every((stream) => !stream.isOver()));
});
