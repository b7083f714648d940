import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KEY, startKit } from './kit.ts';

const purchase = { userId: 'u1', event: 'purchase' };

function withLimits(limits: string, more = ''): { yaml: string } {
  return { yaml: `application: shop\nhttp: { port: 0, writeKeys: [${KEY}, second], limits: ${limits}${more} }\n` };
}

test('a key that sends more than its requests a second is told when to send again, and another is not', async (t) => {
  const kit = await startKit(t, withLimits('{ perKey: 3 }'));
  const send = (key: string) => kit.post('/v1/track', purchase, { key });
  const answers = [];
  for (let i = 0; i < 8; i++) answers.push(await send(KEY));
  const refused = answers.filter(({ status }) => status === 429);
  assert.ok(refused.length > 0 && answers.slice(0, 3).every(({ status }) => status === 200));
  for (const { headers, json } of refused) {
    assert.equal(headers['retry-after'], '1');
    assert.equal(json['code'], 'TRG_HTTP_LIMITED');
    assert.match(String(json['message']), /3 requests a second.*http\.limits\.perKey/);
  }
  assert.equal((await send('second')).status, 200);
  assert.equal((await kit.get('/health/live')).status, 200);
});

test('a key in the body counts as one in the head', async (t) => {
  const kit = await startKit(t, withLimits('{ perKey: 2 }'));
  const statuses = [];
  for (let i = 0; i < 6; i++) {
    statuses.push((await kit.post('/v1/track', { ...purchase, writeKey: KEY }, { key: null })).status);
  }
  assert.deepEqual(statuses.slice(0, 2), [200, 200]);
  assert.ok(statuses.includes(429));
});

test('an address that sends too much is refused before its key is asked', async (t) => {
  const kit = await startKit(t, withLimits('{ perAddress: 2 }'));
  const statuses = [];
  for (let i = 0; i < 6; i++) statuses.push((await kit.post('/v1/track', purchase, { key: 'wrong' })).status);
  assert.deepEqual(statuses.slice(0, 2), [401, 401]);
  assert.ok(statuses.includes(429));
});

test('where a request comes from is believed of a proxy that is named, and of nobody else', async (t) => {
  const statusesOf = async (more: string): Promise<number[]> => {
    const kit = await startKit(t, withLimits('{ perAddress: 1 }', more));
    const statuses = [];
    for (let i = 0; i < 4; i++) {
      const headers = { 'x-forwarded-for': `10.0.0.${i}` };
      statuses.push((await kit.post('/v1/track', purchase, { headers })).status);
    }
    return statuses;
  };
  assert.deepEqual(await statusesOf(', trustProxy: [loopback]'), [200, 200, 200, 200]);
  assert.ok((await statusesOf('')).includes(429));
});
