import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { checkOptions } from '../../../../connectors/channels/channel.ts';
import { pagerduty } from '../../../../connectors/channels/pagerduty/channel.ts';
import type { Action } from '../../../../schemas/action.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { startPagerDuty } from '../../../../testing/providers/pagerduty.ts';
import { makeAction } from '../delivery/fake-context.ts';
import { openSender, templatesOf } from '../kit.ts';

const NO_ABORT = new AbortController().signal;
const TEMPLATES = templatesOf({ 'down/pagerduty': '{"summary": {{ data.what | json }}, "host": "db1"}' });

function action(data: Action['data'] = {}, fields: Partial<Action> = {}): Action {
  return makeAction({ id: 'act1', decision: 'dec1', channel: 'pagerduty', rule: 'bad-deploy', data, ...fields });
}

async function open(t: TestContext, options: object = {}, description: string | null = 'A deploy went wrong') {
  const server = await startPagerDuty();
  t.after(() => server.close());
  const given = { routingKey: 'e93facc04764012d7bfb002500d5d1a6', url: server.url, allowPrivate: true, ...options };
  const ruleDescription = (rule: string) => (rule === 'bad-deploy' ? description : null);
  const sender = openSender(pagerduty, given, { clock: new FakeClock(), templates: TEMPLATES, ruleDescription });
  t.after(() => sender.close());
  return { server, sender };
}

const shownOf = ({ server }: Awaited<ReturnType<typeof open>>) =>
  server.alerts.map(({ dedupKey, status, summary, severity, source }) => [dedupKey, status, summary, severity, source]);

test('an event has the rule’s data; what they leave out comes from rule, urgency, application and decision', async (t) => {
  const opened = await open(t);
  const result = await opened.sender.send(action({ host: 'db1' }, { urgency: 'operational' }), 1, NO_ABORT);
  assert.deepEqual(result, { outcome: 'delivered', providerId: 'dec1' });
  assert.deepEqual(shownOf(opened), [['dec1', 'triggered', 'A deploy went wrong', 'error', 'shop']]);
  const { details } = opened.server.alerts[0]!;
  assert.equal(details['host'], 'db1');
  assert.equal((details['tripline'] as { action: string }).action, 'act1');
  const { payload, client } = JSON.parse(opened.server.requests[0]!.body);
  assert.deepEqual([payload.timestamp, client], ['2026-01-01T09:00:00.000Z', 'Tripline']);
});

test('summary, severity and key are those of the data; urgency gives the severity', async (t) => {
  const opened = await open(t, {}, null);
  await opened.sender.send(action({ summary: 'Down', severity: 'warning', dedupKey: 'db1' }), 1, NO_ABORT);
  await opened.sender.send(action({}, { decision: 'dec2', urgency: 'critical' }), 1, NO_ABORT);
  await opened.sender.send(action({}, { decision: 'dec3', urgency: 'marketing' }), 1, NO_ABORT);
  assert.deepEqual(shownOf(opened), [
    ['db1', 'triggered', 'Down', 'warning', 'shop'],
    ['dec2', 'triggered', 'bad-deploy', 'critical', 'shop'],
    ['dec3', 'triggered', 'bad-deploy', 'info', 'shop'],
  ]);
});

test('what repeats is one alert, and resolving ends it', async (t) => {
  const opened = await open(t);
  await opened.sender.send(action({ dedupKey: 'db1' }), 1, NO_ABORT);
  await opened.sender.send(action({ dedupKey: 'db1' }), 2, NO_ABORT);
  assert.deepEqual([opened.server.alerts.length, opened.server.alerts[0]!.events], [1, 2]);
  const acknowledge = action({ dedupKey: 'db1', action: 'acknowledge' }, { decision: 'dec2' });
  await opened.sender.send(acknowledge, 1, NO_ABORT);
  assert.equal(opened.server.alerts[0]!.status, 'acknowledged');
  const resolve = action({ dedupKey: 'db1', action: 'resolve' }, { decision: 'dec3' });
  assert.deepEqual(await opened.sender.send(resolve, 1, NO_ABORT), { outcome: 'delivered', providerId: 'db1' });
  assert.equal(opened.server.alerts[0]!.status, 'resolved');
  assert.equal(JSON.parse(opened.server.requests.at(-1)!.body).payload, undefined);
});

test('resolving without a key, another action and another severity are mistakes, told by name', async (t) => {
  const { server, sender } = await open(t);
  const wrong = [
    [{ action: 'resolve' }, /an event that is to resolve needs data\.dedupKey/],
    [{ action: 'close', dedupKey: 'a' }, /data\.action must be one of trigger, acknowledge, resolve$/],
    [{ severity: 'high' }, /data\.severity must be one of critical, error, warning, info$/],
  ] as const;
  for (const [data, reason] of wrong) {
    const result = await sender.send(action(data), 1, NO_ABORT);
    assert.equal(result.outcome, 'failed');
    assert.match((result as { reason: string }).reason, reason);
  }
  assert.deepEqual(server.requests, []);
});

test('what is too long is shortened, and taken (E2)', async (t) => {
  const { server, sender } = await open(t);
  const data = { summary: `${'x'.repeat(1_020)}😀😀😀`, dedupKey: 'k'.repeat(300), log: 'y'.repeat(600_000) };
  assert.equal((await sender.send(action(data), 1, NO_ABORT)).outcome, 'delivered');
  const [{ dedupKey, summary, details }] = server.alerts as [(typeof server.alerts)[0]];
  assert.equal(summary, `${'x'.repeat(1_020)}...`);
  assert.match(dedupKey, /^[0-9a-f]{64}$/);
  assert.match(String(details['leftOut']), /^data of \d+ bytes, more than PagerDuty takes$/);
  const resolve = action({ dedupKey: data.dedupKey, action: 'resolve' });
  assert.equal((await sender.send(resolve, 1, NO_ABORT)).outcome, 'delivered');
  assert.equal(server.alerts[0]!.status, 'resolved');
});

test('a template’s object takes the place of the data', async (t) => {
  const { server, sender } = await open(t);
  await sender.send(action({ what: 'a "quoted" fault' }, { template: 'down' }), 1, NO_ABORT);
  assert.deepEqual([server.alerts[0]!.summary, server.alerts[0]!.details['host']], ['a "quoted" fault', 'db1']);
});

test('a wrong routing key stops the channel, any other mistake of an event does not (D1)', async (t) => {
  const { server } = await open(t);
  for (const routingKey of ['short', 'e93facc04764012d7bfb002500d5d1aX']) {
    const sender = openSender(
      pagerduty,
      { routingKey, url: server.url, allowPrivate: true },
      { clock: new FakeClock() },
    );
    t.after(() => sender.close());
    const result = await sender.send(action(), 1, NO_ABORT);
    assert.deepEqual(result, { outcome: 'failed', reason: 'PagerDuty: invalid routing key', disable: true });
  }
});

test('statuses mean what PagerDuty says, and garbage is tried again (D1)', async (t) => {
  const { server, sender } = await open(t);
  const meaning = {
    200: { outcome: 'retry', reason: 'HTTP 200' },
    302: { outcome: 'retry', reason: 'HTTP 302' },
    400: { outcome: 'failed', reason: 'HTTP 400' },
    413: { outcome: 'failed', reason: 'HTTP 413' },
    429: { outcome: 'retry', reason: 'HTTP 429', retryAfterMs: 9_000 },
    500: { outcome: 'retry', reason: 'HTTP 500' },
  };
  for (const [status, expected] of Object.entries(meaning)) {
    const headers = status === '429' ? { 'retry-after': '9' } : {};
    server.next({ status: Number(status), headers, body: '<html>' });
    assert.deepEqual(await sender.send(action(), 1, NO_ABORT), expected);
  }
});

test('options: a private address is refused unless it is allowed', () => {
  const findings = (options: object) => checkOptions(pagerduty, options).map(({ message }) => message);
  assert.deepEqual(findings({ routingKey: 'k' }), []);
  assert.deepEqual(findings({ routingKey: 'k', url: 'http://0177.0.0.1' }), ['"url" is a private address']);
  assert.deepEqual(findings({}), ['missing field "routingKey"']);
});
