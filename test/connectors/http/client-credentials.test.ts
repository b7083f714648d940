import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { type ClientCredentials, ClientCredentialsTokens } from '../../../connectors/http/client-credentials.ts';
import { HttpClient } from '../../../connectors/http/http-client.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { startTokenEndpoint, type TokenEndpointOptions } from '../../../testing/providers/token-endpoint.ts';

const CLIENT = { clientId: 'tripline', clientSecret: 'a secret:with%all' };

async function open(
  t: TestContext,
  given: Partial<ClientCredentials> = {},
  endpointOptions: Partial<TokenEndpointOptions> = {},
) {
  const endpoint = await startTokenEndpoint({ ...CLIENT, ...endpointOptions });
  t.after(() => endpoint.close());
  const clock = new FakeClock();
  const client = new HttpClient({ clock, allowPrivate: true });
  t.after(() => client.close());
  const tokens = new ClientCredentialsTokens({ ...CLIENT, tokenUrl: endpoint.tokenUrl, ...given }, client, clock);
  const sent: string[] = [];
  const ask = () =>
    tokens.authorized(async ({ authorization }) => {
      sent.push(authorization!);
      const status = endpoint.accepts(authorization) ? 200 : 401;
      return { status, header: () => undefined, isCut: false, text: '' };
    });
  return { endpoint, clock, ask, sent };
}

test('a token is asked for once and kept; scope and audience go along', async (t) => {
  const { endpoint, ask, sent } = await open(t, { scope: 'a b', audience: 'https://api.test' });
  assert.equal((await ask()).status, 200);
  assert.equal((await ask()).status, 200);
  assert.deepEqual(sent, ['Bearer token-1', 'Bearer token-1']);
  assert.deepEqual(
    endpoint.asked.map((form) => Object.fromEntries(form)),
    [{ grant_type: 'client_credentials', scope: 'a b', audience: 'https://api.test' }],
  );
});

test('messages that wait for a token share one request (O2)', async (t) => {
  const { endpoint, ask } = await open(t);
  await Promise.all([ask(), ask(), ask()]);
  assert.equal(endpoint.asked.length, 1);
});

test('a token is renewed before it expires', async (t) => {
  const { endpoint, clock, ask } = await open(t, {}, { expiresInSeconds: 100 });
  await ask();
  await clock.advance(79_000);
  await ask();
  assert.equal(endpoint.asked.length, 1);
  await clock.advance(2_000);
  await ask();
  assert.equal(endpoint.asked.length, 2);
});

test('a token that is refused is replaced once, by all who had it together (O3)', async (t) => {
  const { endpoint, ask, sent } = await open(t);
  await ask();
  endpoint.revoke();
  const answers = await Promise.all([ask(), ask()]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200],
  );
  assert.deepEqual(
    sent,
    ['token-1', 'token-1', 'token-1', 'token-2', 'token-2'].map((token) => `Bearer ${token}`),
  );
  assert.equal(endpoint.asked.length, 2);
});

test('a new token that is refused as well is not replaced again (O3)', async (t) => {
  const { endpoint, ask, sent } = await open(t);
  endpoint.always({ status: 200, body: { access_token: 'stale' } });
  assert.equal((await ask()).status, 401);
  assert.equal(sent.length, 2);
});

test('a wrong client is told without its secret (O1)', async (t) => {
  const { ask } = await open(t, { clientSecret: 'wrong' });
  await assert.rejects(ask(), ({ name, message }: Error) => {
    assert.equal(name, 'TokenError');
    assert.match(message, /^the token endpoint 127\.0\.0\.1:\d+ answered 401 \(invalid_client\)$/);
    return true;
  });
});

test('answers that hold no token are none: no JSON, none in it, one that a header cannot hold', async (t) => {
  const { endpoint, ask, sent } = await open(t);
  for (const body of ['<html>', '{}', '{"access_token":""}', '{"access_token":"a\\r\\nx-evil: 1"}', '[]', 'null']) {
    endpoint.next({ status: 200, body });
    await assert.rejects(ask(), /answered 200 \(no token in its answer\)/, body);
  }
  assert.deepEqual(sent, []);
});

test('an endpoint that cannot be reached is told, and asked again the next time', async (t) => {
  const { endpoint, ask } = await open(t);
  endpoint.next('resets');
  await assert.rejects(ask(), /cannot be reached: /);
  assert.equal((await ask()).status, 200);
});
