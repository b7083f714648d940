import assert from 'node:assert/strict';
import { test } from 'node:test';
import { basic, startKit } from './kit.ts';

const purchase = { userId: 'u1', event: 'purchase', messageId: 'm1' };

test('a write key is taken as Basic user name, as Bearer and from the body', async (t) => {
  const kit = await startKit(t);
  for (const authorization of [basic('k1'), basic('second'), 'Bearer k1', 'bearer second']) {
    assert.equal((await kit.post('/v1/track', purchase, { key: null, headers: { authorization } })).status, 200);
  }
  assert.equal((await kit.post('/v1/track', { ...purchase, writeKey: 'k1' }, { key: null })).status, 200);
  const batch = { batch: [{ ...purchase, type: 'track' }], writeKey: 'second' };
  assert.equal((await kit.post('/v1/batch', batch, { key: null })).status, 200);
  const taken = (await kit.events()).map(({ messageId, userId, event }) => [messageId, userId, event]);
  assert.deepEqual(taken, Array(6).fill(['m1', 'u1', 'purchase']));
});

test('without a write key, or with a wrong one, nothing is taken and 401 says how to send it', async (t) => {
  const kit = await startKit(t);
  const wrong = [basic(''), basic('k'), basic('k11'), basic('x', 'k1'), 'Bearer k2', 'Basic', 'Digest k1', 'k1'];
  for (const authorization of wrong) {
    const headers = { authorization };
    // A wrong header counts, whatever the body says.
    const { status, json } = await kit.post('/v1/track', { ...purchase, writeKey: 'k1' }, { key: null, headers });
    assert.equal(status, 401, authorization);
    assert.equal(json['code'], 'TRG_HTTP_UNAUTHORIZED');
  }
  for (const writeKey of [undefined, null, '', 'k', 7, ['k1'], { k1: 1 }]) {
    const { status, headers } = await kit.post('/v1/batch', { batch: [purchase], writeKey }, { key: null });
    assert.equal(status, 401);
    assert.match(String(headers['www-authenticate']), /^Basic/);
  }
  assert.deepEqual(await kit.records(), []);
});

test('with no write keys configured everything is refused, and the start warns of it', async (t) => {
  const warnings: string[] = [];
  const logger = { info: () => {}, error: () => {}, warn: (_: unknown, text: string) => void warnings.push(text) };
  const kit = await startKit(t, { yaml: 'application: shop\nhttp: { port: 0 }\n', logger });
  for (const key of ['', 'k1']) assert.equal((await kit.post('/v1/track', purchase, { key })).status, 401);
  assert.deepEqual(await kit.records(), []);
  assert.match(warnings.join(), /writeKeys is empty/);
});

test('a write key does not reach the log', async (t) => {
  const kit = await startKit(t);
  await kit.post('/v1/track', { ...purchase, writeKey: 'k1' });
  await kit.post('/v1/batch', { writeKey: 'k1', batch: [{ ...purchase, writeKey: 'k1' }] });
  const events = await kit.events();
  assert.equal(events.length, 2);
  assert.ok(events.every((event) => !('writeKey' in event)));
});
