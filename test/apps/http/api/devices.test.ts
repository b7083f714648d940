// Devices over real HTTP: who may tell of them, and what is written.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { request } from 'undici';
import { ApiKeys } from '../../../../apps/http/api/api-keys.ts';
import { addDeviceRoutes } from '../../../../apps/http/api/devices.ts';
import { CommandWriter } from '../../../../apps/http/command-writer.ts';
import { UserTokens } from '../../../../apps/http/inapp/user-token.ts';
import { WriteKeys } from '../../../../apps/http/ingest/write-keys.ts';
import { systemClock } from '../../../../lib/clock.ts';
import { decodeCommand } from '../../../../schemas/commands.ts';
import { createKey } from '../../../../services/keys/keys.ts';
import { readTopic } from '../../../../services/topics/read-topic.ts';
import type { Log } from '../../../../topology/engine/ports.ts';
import { SECRET, tokenFor } from '../inapp/kit.ts';
import { silent, startKit } from '../ingest/kit.ts';

const TOPIC = 'shop-commands';
const SUBSCRIPTION = { endpoint: 'https://push.test/1', keys: { p256dh: 'p256', auth: 'auth' } };

async function devices(t: TestContext, { hasTopic = true } = {}) {
  const { key, ...entry } = createKey('test', ['viewer'], null);
  const writeKeys = new WriteKeys(['write-key']);
  const keys = new ApiKeys([entry], writeKeys, systemClock);
  let log: Log | null = null;
  const late = {
    openWriter: (id: string) => log!.openWriter(id),
    get admin() {
      return log!.admin;
    },
  };
  const writer = new CommandWriter({
    log: late,
    application: 'shop',
    worker: null,
    clock: systemClock,
    logger: silent,
  });
  const tokens = new UserTokens(SECRET, systemClock);
  const around = { keys, writeKeys, tokens, writer, topic: TOPIC, clock: systemClock };
  const kit = await startKit(t, { addRoutes: (app) => addDeviceRoutes(app, around) });
  log = kit.log;
  t.after(() => writer.close());
  if (hasTopic) await log.admin.createTopics([{ topic: TOPIC, partitions: 4 }]);
  const call = async (method: string, path: string, authorization: string | null, body?: unknown) => {
    const headers = authorization === null ? {} : { authorization };
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await request(`${kit.url}${path}`, {
      method: method as 'PUT',
      headers,
      ...(body !== undefined && { body: text }),
    });
    const said = await answer.body.text();
    return { status: answer.statusCode, headers: answer.headers, json: said === '' ? null : JSON.parse(said) };
  };
  const written = async () => {
    const commands = [];
    for await (const { key: user, value } of readTopic(log!, TOPIC)) {
      const { at, ...command } = decodeCommand(value!);
      assert.ok(Math.abs(at - Date.now()) < 60_000);
      commands.push([Buffer.from(user!).toString(), command]);
    }
    return commands;
  };
  return { call, written, key };
}

test('a browser, an app, and that it is gone, become commands of the person', async (t) => {
  const { call, written, key } = await devices(t);
  const path = '/api/people/u%2F1/devices/';
  const put = await call('PUT', `${path}web-1`, 'Bearer write-key', { type: 'web', subscription: SUBSCRIPTION });
  assert.deepEqual([put.status, put.json], [200, { success: true }]);
  const app = { type: 'android', token: 'fcm', app: 'test.shop' };
  assert.equal((await call('PUT', `${path}a1`, `Bearer ${key}`, app)).status, 200);
  assert.equal((await call('DELETE', `${path}a1`, `Bearer ${await tokenFor('u/1')}`)).status, 200);
  const subscription = { endpoint: 'https://push.test/1', p256dh: 'p256', auth: 'auth' };
  assert.deepEqual(await written(), [
    ['u/1', { kind: 'device', op: 'set', device: { id: 'web-1', type: 'web', token: null, app: null, subscription } }],
    ['u/1', { kind: 'device', op: 'set', device: { id: 'a1', ...app, subscription: null } }],
    ['u/1', { kind: 'device', op: 'remove', device: { id: 'a1' } }],
  ]);
});

test('without a key nothing is written, and a user’s token tells of that user alone (D1)', async (t) => {
  const { call, written } = await devices(t);
  const body = { type: 'ios', token: 'x' };
  const path = '/api/people/u1/devices/d1';
  for (const authorization of [null, 'Bearer wrong', 'Bearer a.b.c']) {
    assert.equal((await call('PUT', path, authorization, body)).status, 401);
    assert.equal((await call('DELETE', path, authorization)).status, 401);
  }
  assert.equal((await call('PUT', path, `Bearer ${await tokenFor('u2')}`, body)).status, 403);
  assert.deepEqual(await written(), []);
});

test('what is no device is refused by the field that is wrong', async (t) => {
  const { call, written } = await devices(t);
  const cases: readonly [unknown, RegExp][] = [
    ['not json', /no JSON object/],
    [[], /no JSON object/],
    [{ type: 'phone', token: 'x' }, /"type"/],
    [{ type: 'ios' }, /"token"/],
    [{ type: 'ios', token: 5 }, /"token"/],
    [{ type: 'ios', token: 'x'.repeat(3_000) }, /"token"/],
    [{ type: 'android', subscription: SUBSCRIPTION }, /"subscription"/],
    [{ type: 'web', subscription: { endpoint: 'file:///etc/passwd', keys: SUBSCRIPTION.keys } }, /endpoint/],
    [{ type: 'web', subscription: { endpoint: SUBSCRIPTION.endpoint } }, /"subscription"/],
  ];
  for (const [body, message] of cases) {
    const { status, json } = await call('PUT', '/api/people/u1/devices/d1', 'Bearer write-key', body);
    assert.equal(status, 400, JSON.stringify(body));
    assert.match(json.message, message);
  }
  const long = await call('PUT', `/api/people/u1/devices/${'d'.repeat(300)}`, 'Bearer write-key', {
    type: 'ios',
    token: 'x',
  });
  assert.equal(long.status, 400);
  const large = await call('PUT', '/api/people/u1/devices/d1', 'Bearer write-key', { token: 'x'.repeat(20_000) });
  assert.equal(large.status, 413);
  assert.deepEqual(await written(), []);
});

test('a page of any origin may tell of its device', async (t) => {
  const { call } = await devices(t);
  const { status, headers } = await call('OPTIONS', '/api/people/u1/devices/d1', null);
  assert.deepEqual([status, headers['access-control-allow-origin']], [204, '*']);
  assert.match(String(headers['access-control-allow-methods']), /PUT, DELETE/);
});

test('where nobody keeps devices that is said, and it may be tried again', async (t) => {
  const { call } = await devices(t, { hasTopic: false });
  const { status, json } = await call('PUT', '/api/people/u1/devices/d1', 'Bearer write-key', {
    type: 'ios',
    token: 'x',
  });
  assert.deepEqual([status, json.code], [503, 'TRG_HTTP_UNAVAILABLE']);
});
