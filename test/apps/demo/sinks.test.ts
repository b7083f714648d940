import assert from 'node:assert/strict';
import test from 'node:test';
import { type SinkMail, startSmtpSink } from '../../../apps/demo/smtp-sink.ts';
import { type ReceivedWebhook, startWebhookReceiver } from '../../../apps/demo/webhook-receiver.ts';
import { parseTemplate } from '../../../connectors/channels/templates/template-file.ts';
import { Templates } from '../../../connectors/channels/templates/templates.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { makeAction } from '../../connectors/channels/delivery/fake-context.ts';
import { openEmail, openWebhook } from '../../connectors/channels/kit.ts';

const NO_ABORT = new AbortController().signal;
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

test('the mail sink takes a message and reads its subject, whatever its letters', async (t) => {
  const mails: SinkMail[] = [];
  const sink = await startSmtpSink((mail) => mails.push(mail));
  t.after(() => sink.close());
  const subject = 'Grüße aus Zürich, 世界, “quoted”: a subject that is long enough to be folded into several lines';
  const templates = new Templates(
    new Map([['hi/email', parseTemplate('hi', `---\nsubject: '${subject}'\n---\nHello`, [])!]]),
  );
  const sender = openEmail(
    { host: sink.host, port: sink.port, from: 'hello@shop.test' },
    { clock: new FakeClock(), templates },
  );
  t.after(() => sender.close());
  const action = makeAction({ channel: 'email', template: 'hi', context: { profile: { email: 'ann@example.com' } } });
  assert.equal((await sender.send(action, 1, NO_ABORT)).outcome, 'delivered');
  assert.deepEqual(
    mails.map(({ from, to, subject }) => ({ from, to, subject })),
    [{ from: 'hello@shop.test', to: ['ann@example.com'], subject }],
  );
  assert.match(mails[0]!.raw, /\r\n\r\nHello/);
});

test('the mail sink refuses a message that is too large', async (t) => {
  const mails: SinkMail[] = [];
  const sink = await startSmtpSink((mail) => mails.push(mail));
  t.after(() => sink.close());
  const body = 'x'.repeat(400_000);
  const text = `---\nsubject: Large\n---\n${body}`;
  const templates = new Templates(new Map([['big/email', parseTemplate('big', `${text}{{ data.more }}`, [])!]]));
  const sender = openEmail(
    { host: sink.host, port: sink.port, from: 'hello@shop.test' },
    { clock: new FakeClock(), templates },
  );
  t.after(() => sender.close());
  const action = makeAction({
    channel: 'email',
    template: 'big',
    data: { more: 'é'.repeat(400_000) },
    context: { profile: { email: 'ann@example.com' } },
  });
  assert.deepEqual(await sender.send(action, 1, NO_ABORT), { outcome: 'failed', reason: 'SMTP 552' });
  assert.deepEqual(mails, []);
});

test('the webhook receiver takes what is signed with its secret', async (t) => {
  const webhooks: ReceivedWebhook[] = [];
  const receiver = await startWebhookReceiver(SECRET, (webhook) => webhooks.push(webhook));
  t.after(() => receiver.close());
  const sender = openWebhook({ url: receiver.url, secret: SECRET, allowPrivate: true }, { clock: new FakeClock() });
  t.after(() => sender.close());
  assert.equal((await sender.send(makeAction(), 1, NO_ABORT)).outcome, 'delivered');
  assert.deepEqual(
    webhooks.map(({ id, body }) => [id, body['type']]),
    [['a1', 'cart-abandonment']],
  );
});

test('the webhook receiver refuses another secret, no signature and no JSON', async (t) => {
  const webhooks: ReceivedWebhook[] = [];
  const receiver = await startWebhookReceiver('top secret', (webhook) => webhooks.push(webhook));
  t.after(() => receiver.close());
  const sender = openWebhook({ url: receiver.url, secret: SECRET, allowPrivate: true }, { clock: new FakeClock() });
  t.after(() => sender.close());
  assert.deepEqual(await sender.send(makeAction(), 1, NO_ABORT), { outcome: 'retry', reason: 'HTTP 401' });
  assert.equal((await fetch(receiver.url, { method: 'POST', body: '{}' })).status, 401);
  assert.deepEqual(webhooks, []);
});
