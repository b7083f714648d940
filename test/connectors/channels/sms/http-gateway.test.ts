import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { sms } from '../../../../connectors/channels/sms/channel.ts';
import type { Action } from '../../../../schemas/action.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { startHttpProvider } from '../../../../testing/providers/http-provider.ts';
import { makeAction } from '../delivery/fake-context.ts';
import { openSender, templatesOf } from '../kit.ts';

const NO_ABORT = new AbortController().signal;
const TEMPLATES = templatesOf({ 'cart/sms': 'Hi {{ profile.name }}' });
const BODY =
  '{"to": {{ to | json }}, "text": {{ text | json }}, "from": {{ from | json }}, "ref": {{ action | json }}}';

function action(name = 'Ann'): Action {
  const context = { profile: { name, phone: '+15005550006' } };
  return makeAction({ id: 'act1', channel: 'sms', template: 'cart', context });
}

async function open(t: TestContext, options: object = {}) {
  const gateway = await startHttpProvider(() => ({ status: 200 }));
  t.after(() => gateway.close());
  const given = { provider: 'http', url: gateway.url, body: BODY, allowPrivate: true, ...options };
  const sender = openSender(sms, given, { clock: new FakeClock(), templates: TEMPLATES });
  t.after(() => sender.close());
  return { gateway, sender };
}

test('the body is the configuration’s, with number, text, sender and action; so are the headers', async (t) => {
  const { gateway, sender } = await open(t, { from: 'Shop', headers: { Authorization: 'Bearer k' } });
  assert.deepEqual(await sender.send(action(), 1, NO_ABORT), { outcome: 'delivered', providerId: null });
  const { body, headers } = gateway.requests[0]!;
  assert.deepEqual(JSON.parse(body), { to: '+15005550006', text: 'Hi Ann', from: 'Shop', ref: 'act1' });
  assert.equal(headers['authorization'], 'Bearer k');
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(headers['idempotency-key'], 'act1');
});

test('a form takes its values by url_encode', async (t) => {
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const { gateway, sender } = await open(t, { headers, body: 'to={{ to | url_encode }}&text={{ text | url_encode }}' });
  await sender.send(action('a&to=+1'), 1, NO_ABORT);
  const form = new URLSearchParams(gateway.requests[0]!.body);
  assert.deepEqual([form.getAll('to'), form.get('text')], [['+15005550006'], 'Hi a&to=+1']);
});

test('a body that is to be JSON and is none is not sent (H2)', async (t) => {
  const { gateway, sender } = await open(t, { body: '{"text": "{{ text }}"}' });
  assert.equal((await sender.send(action('"Ann"'), 1, NO_ABORT)).outcome, 'failed');
  const result = await sender.send(action('"Ann"'), 1, NO_ABORT);
  assert.deepEqual(result, {
    outcome: 'failed',
    reason: 'channels.sms.body does not give JSON: write values as {{ text | json }}',
    code: 'TRG_TEMPLATE_FAILED',
  });
  assert.deepEqual(gateway.requests, []);
});

test('statuses mean what they usually do', async (t) => {
  const { gateway, sender } = await open(t);
  const meaning = {
    204: { outcome: 'delivered', providerId: null },
    302: { outcome: 'retry', reason: 'HTTP 302' },
    400: { outcome: 'failed', reason: 'HTTP 400' },
    401: { outcome: 'failed', reason: 'HTTP 401', disable: true },
    403: { outcome: 'failed', reason: 'HTTP 403' },
    408: { outcome: 'retry', reason: 'HTTP 408' },
    413: { outcome: 'failed', reason: 'HTTP 413' },
    429: { outcome: 'retry', reason: 'HTTP 429' },
    500: { outcome: 'retry', reason: 'HTTP 500' },
  };
  for (const [status, expected] of Object.entries(meaning)) {
    gateway.next({ status: Number(status) });
    assert.deepEqual(await sender.send(action(), 1, NO_ABORT), expected);
  }
});
