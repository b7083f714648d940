import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { checkOptions } from '../../../../connectors/channels/channel.ts';
import { webhook } from '../../../../connectors/channels/webhook/channel.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { type ProviderAnswer, startHttpProvider } from '../../../../testing/providers/http-provider.ts';
import { startTokenEndpoint } from '../../../../testing/providers/token-endpoint.ts';
import { makeAction } from '../delivery/fake-context.ts';
import { openWebhook } from '../kit.ts';

const NO_ABORT = new AbortController().signal;
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

async function open(t: TestContext, clientSecret = 'xyz', options: object = {}) {
  const tokens = await startTokenEndpoint({ clientId: 'tripline', clientSecret: 'xyz' });
  const receiver = await startHttpProvider(
    ({ headers }): ProviderAnswer => ({ status: tokens.accepts(headers.authorization) ? 204 : 401 }),
  );
  t.after(() => Promise.all([tokens.close(), receiver.close()]));
  const oauth = { tokenUrl: tokens.tokenUrl, clientId: 'tripline', clientSecret, scope: 'hooks' };
  const clock = new FakeClock(Date.now());
  const sender = openWebhook({ url: receiver.url, oauth, allowPrivate: true, ...options }, { clock });
  t.after(() => sender.close());
  return { tokens, receiver, sender };
}

test('requests carry a token, which is asked for once for all that are under way', async (t) => {
  const { tokens, receiver, sender } = await open(t);
  const actions = ['a', 'b', 'c'].map((id) => makeAction({ id }));
  const results = await Promise.all(actions.map((action) => sender.send(action, 1, NO_ABORT)));
  assert.deepEqual(new Set(results.map(({ outcome }) => outcome)), new Set(['delivered']));
  assert.deepEqual([tokens.asked.length, tokens.asked[0]!.get('scope'), receiver.requests.length], [1, 'hooks', 3]);
});

test('a token that was revoked is renewed within the attempt, under the same id (W1)', async (t) => {
  const { tokens, receiver, sender } = await open(t);
  await sender.send(makeAction({ id: 'a' }), 1, NO_ABORT);
  tokens.revoke();
  assert.equal((await sender.send(makeAction({ id: 'b' }), 1, NO_ABORT)).outcome, 'delivered');
  assert.deepEqual(
    receiver.requests.map(({ headers }) => headers['webhook-id']),
    ['a', 'b', 'b'],
  );
  receiver.always({ status: 401 });
  assert.deepEqual(await sender.send(makeAction({ id: 'c' }), 1, NO_ABORT), { outcome: 'retry', reason: 'HTTP 401' });
  assert.equal(receiver.requests.length, 5);
});

test('without a token nothing is sent, and that is tried again', async (t) => {
  const { receiver, sender } = await open(t, 'wrong');
  const result = await sender.send(makeAction(), 1, NO_ABORT);
  assert.equal(result.outcome, 'retry');
  assert.match((result as { reason: string }).reason, /^the token endpoint .* answered 401 \(invalid_client\)$/);
  assert.deepEqual(receiver.requests, []);
});

test('a token endpoint at a private address is refused as the URL is', () => {
  const oauth = { tokenUrl: 'http://0x7f.1/token', clientId: 'a', clientSecret: 'b' };
  const findings = checkOptions(webhook, { url: 'https://hooks.test/', oauth });
  assert.deepEqual(
    findings.map(({ message }) => message),
    ['"oauth.tokenUrl" is a private address'],
  );
});

test('the official library verifies the signatures, also while secrets change', async (t) => {
  const { receiver, sender } = await open(t, 'xyz', { secret: `whsec_bmV3 ${SECRET}` });
  await sender.send(makeAction({ id: 'a', data: { coupon: 'SAVE10' } }), 1, NO_ABORT);
  const { headers, body } = receiver.requests[0]!;
  const given = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  for (const secret of [SECRET, 'whsec_bmV3']) {
    assert.equal((new Webhook(secret).verify(body, given) as { data: { coupon: string } }).data.coupon, 'SAVE10');
  }
  assert.throws(() => new Webhook('whsec_b3RoZXI=').verify(body, given));
});
