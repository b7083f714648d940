import assert from 'node:assert/strict';
import { test } from 'node:test';
import { request } from 'undici';
import { KEY, type Kit, startKit } from './kit.ts';

const PAGE = 'https://shop.example';
const purchase = { userId: 'u1', event: 'purchase', messageId: 'm1', writeKey: KEY };
const EVENT_PATHS = [
  '/v1/events',
  ...['track', 'identify', 'page', 'screen', 'group', 'alias', 'batch', 'import'].map((name) => `/v1/${name}`),
  ...['t', 'i', 'p', 'g', 'a', 's', 'b', 'm'].flatMap((letter) => [`/v1/${letter}`, `/${letter}`]),
];

async function preflight(kit: Kit, path: string, origin = PAGE) {
  const headers = {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  };
  const { statusCode, headers: answered, body } = await request(`${kit.url}${path}`, { method: 'OPTIONS', headers });
  await body.dump();
  return { status: statusCode, headers: answered };
}

test('each call has the letter that libraries for browsers and phones use, with and without the version', async (t) => {
  const kit = await startKit(t);
  const letters = { t: 'track', i: 'identify', p: 'page', g: 'group', a: 'alias', s: 'screen' };
  const expected: string[] = [];
  for (const [letter, type] of Object.entries(letters)) {
    for (const path of [`/v1/${letter}`, `/${letter}`]) {
      assert.equal((await kit.post(path, purchase, { key: null })).status, 200, path);
      expected.push(type);
    }
  }
  for (const path of ['/v1/b', '/b']) {
    const body = { writeKey: KEY, batch: [{ ...purchase, type: 'track' }] };
    assert.equal((await kit.post(path, body, { key: null })).status, 200, path);
    expected.push('track');
  }
  const events = await kit.events();
  assert.deepEqual(
    events.map(({ type }) => type),
    expected,
  );
  assert.ok(events.every((event) => !('writeKey' in event)));
});

test('what analytics.js tells of itself is taken and dropped, with no key and whatever it is', async (t) => {
  const kit = await startKit(t);
  for (const path of ['/v1/m', '/m']) {
    const { status, json } = await kit.post(path, { series: [{ type: 'Counter', metric: 'x' }] }, { key: null });
    assert.deepEqual([status, json], [200, { success: true }]);
  }
  assert.deepEqual(await kit.records(), []);
});

test('any page may send events, and is told when to send again', async (t) => {
  const kit = await startKit(t);
  for (const path of EVENT_PATHS) {
    const { status, headers } = await preflight(kit, path);
    assert.equal(status, 204, path);
    assert.equal(headers['access-control-allow-origin'], '*');
    assert.equal(headers['access-control-allow-methods'], 'POST');
    assert.equal(headers['access-control-allow-headers'], 'authorization,content-type');
    assert.equal(headers['access-control-max-age'], '86400');
    assert.equal(headers['vary'], 'Access-Control-Request-Headers');
  }
  for (const [body, status] of [
    [purchase, 200],
    [{ ...purchase, writeKey: 'wrong' }, 401],
    [{ ...purchase, event: '' }, 400],
  ] as const) {
    const answer = await kit.post('/v1/t', body, { key: null, headers: { origin: PAGE } });
    assert.equal(answer.status, status);
    assert.equal(answer.headers['access-control-allow-origin'], '*');
    assert.match(String(answer.headers['access-control-expose-headers']), /retry-after/i);
    assert.equal(answer.headers['access-control-allow-credentials'], undefined);
  }
});

test('a list of origins lets those pages send and no other, and says that the answer varies', async (t) => {
  const yaml = `application: shop\nhttp: { port: 0, writeKeys: [${KEY}], cors: { origins: ["${PAGE}"] } }\n`;
  const kit = await startKit(t, { yaml });
  const allowed = await preflight(kit, '/v1/t');
  assert.equal(allowed.headers['access-control-allow-origin'], PAGE);
  assert.match(String(allowed.headers['vary']), /Origin/);
  const other = await preflight(kit, '/v1/t', 'https://shop.example.evil.test');
  assert.equal(other.headers['access-control-allow-origin'], undefined);
  assert.match(String(other.headers['vary']), /Origin/);
  const answer = await kit.post('/v1/t', purchase, { key: null, headers: { origin: PAGE } });
  assert.equal(answer.headers['access-control-allow-origin'], PAGE);
  assert.match(String(answer.headers['vary']), /Origin/);
  // No browser asks it: servers and phones send as before.
  assert.equal((await kit.post('/v1/t', purchase, { key: null })).status, 200);
});

test('without origins no page may send', async (t) => {
  const yaml = `application: shop\nhttp: { port: 0, writeKeys: [${KEY}], cors: { origins: [] } }\n`;
  const kit = await startKit(t, { yaml });
  assert.equal((await preflight(kit, '/v1/t')).headers['access-control-allow-origin'], undefined);
  assert.equal((await kit.post('/v1/t', purchase, { key: null })).status, 200);
});

test('nothing but the routes of events answers a page', async (t) => {
  const kit = await startKit(t, {
    addRoutes: (app) => {
      app.get('/api/decisions', () => ({ decisions: [] }));
      app.post('/api/other', () => ({}));
    },
  });
  for (const path of ['/api/decisions', '/api/other', '/health/live', '/metrics', '/nothing']) {
    const { status, headers } = await preflight(kit, path);
    assert.equal(status, 404, path);
    assert.equal(headers['access-control-allow-origin'], undefined);
  }
  for (const path of ['/api/decisions', '/health/live']) {
    assert.equal((await kit.get(path)).headers['access-control-allow-origin'], undefined);
  }
});
