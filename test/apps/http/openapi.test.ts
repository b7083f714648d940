import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../../schemas/json.ts';
import { KEY, startKit } from './ingest/kit.ts';

test('the OpenAPI 3.1 document lists every route once, with what each status has, and no internal one', async (t) => {
  const hooks = 'hooks: { stripe: { scheme: stripe, secret: s, userId: a } }';
  const kit = await startKit(t, {
    yaml: `application: shop\nhttp: { port: 0, writeKeys: [${KEY}], ${hooks} }\n`,
    addRoutes: (app) => app.post('/internal/ask', { schema: { hide: true } }, () => ({})),
  });
  const { status, json } = await kit.get('/openapi.json');
  assert.equal(status, 200);
  assert.match(String(json['openapi']), /^3\.1\./);
  const paths = json['paths'] as Readonly<Record<string, Record<string, JsonObject>>>;
  const calls = ['alias', 'batch', 'events', 'group', 'hooks/stripe', 'identify', 'm', 'page', 'screen', 'track'];
  assert.deepEqual(
    Object.keys(paths).toSorted(),
    ['/health/live', '/health/ready', '/metrics', ...calls.map((name) => `/v1/${name}`)].toSorted(),
  );
  const track = paths['/v1/track']!['post']!;
  assert.deepEqual(Object.keys(track['responses'] as object), ['200', '400', '401', '413', '429', '503']);
  assert.deepEqual(track['security'], [{ writeKey: [] }]);
  assert.match(JSON.stringify(track['requestBody']), /"required":\["event"\]/);
  assert.doesNotMatch(JSON.stringify(json), /secret/);
});
