import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type TestContext } from 'node:test';
import twilioPackage from 'twilio';
import type { ChannelDependencies } from '../../../../connectors/channels/channel.ts';
import { sms } from '../../../../connectors/channels/sms/channel.ts';
import { TWILIO_CODES } from '../../../../connectors/channels/sms/twilio-codes.ts';
import type { Action } from '../../../../schemas/action.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { startTwilio } from '../../../../testing/providers/twilio.ts';
import { until } from '../../../../testing/until.ts';
import { makeAction } from '../delivery/fake-context.ts';
import { openSender, templatesOf } from '../kit.ts';

const NO_ABORT = new AbortController().signal;
const ACCOUNT = { accountSid: 'ACtest', authToken: 'secret' };
const TEMPLATES = templatesOf({
  'cart/sms': 'Hi {{ profile.name }}, {{ data.text }}',
  'empty/sms': ' {{ data.nothing }} ',
});

function action(fields: Partial<Action> = {}, phone: unknown = '+15005550006'): Action {
  const context = { profile: { name: 'Ann', phone } } as Action['context'];
  return makeAction({ id: 'act1', channel: 'sms', template: 'cart', data: { text: 'come back' }, context, ...fields });
}

async function open(t: TestContext, options: object = {}, dependencies: Partial<ChannelDependencies> = {}) {
  const twilio = await startTwilio(ACCOUNT);
  t.after(() => twilio.close());
  const clock = new FakeClock();
  const from = 'messagingServiceSid' in options ? {} : { from: '+15005550006' };
  const given = { ...ACCOUNT, url: twilio.url, allowPrivate: true, ...from, ...options };
  const sender = openSender(sms, given, { clock, templates: TEMPLATES, ...dependencies });
  t.after(() => sender.close());
  return { twilio, clock, sender };
}

test('a message is posted with its number, sender and text, and its sid is kept', async (t) => {
  const { twilio, sender } = await open(t);
  const result = await sender.send(action(), 1, NO_ABORT);
  assert.deepEqual(result, { outcome: 'delivered', providerId: `SM${'1'.padStart(32, '0')}` });
  const [{ to, from, body, statusCallback }] = twilio.messages as [(typeof twilio.messages)[0]];
  assert.deepEqual([to, from, body, statusCallback], ['+15005550006', '+15005550006', 'Hi Ann, come back', null]);
});

test('a messaging service takes the place of a sender, and the callback names the action', async (t) => {
  const { twilio, sender } = await open(t, { messagingServiceSid: 'MG1' }, { publicUrl: 'https://t.shop.test' });
  assert.equal((await sender.send(action({ id: 'a&b' }), 1, NO_ABORT)).outcome, 'delivered');
  assert.equal(twilio.messages[0]!.from, 'MG1');
  assert.equal(twilio.messages[0]!.statusCallback, 'https://t.shop.test/feedback/twilio?action=a%26b');
});

test('every code of the table has its effect, and no reason names the number', async (t) => {
  const { twilio, sender } = await open(t);
  for (const [code, { verdict, words }] of TWILIO_CODES) {
    twilio.codes.set('+15005550007', code);
    const result = await sender.send(action({}, '+15005550007'), 1, NO_ABORT);
    const reason = `Twilio ${code}: ${words}`;
    const expected = {
      later: { outcome: 'retry', reason },
      never: { outcome: 'failed', reason },
      dead: { outcome: 'failed', reason, suppress: { reason: 'dead' } },
      'opt-out': { outcome: 'failed', reason, suppress: { reason: 'opt-out' } },
      stop: { outcome: 'failed', reason, disable: true },
    }[verdict];
    assert.deepEqual(result, expected);
    assert.doesNotMatch(reason, /\+?\d{7}/);
  }
});

test('the codes that must have an effect have it', () => {
  const expected = { 21610: 'opt-out', 30003: 'later', 30005: 'dead', 30006: 'dead', 30007: 'never', 20003: 'stop' };
  for (const [code, verdict] of Object.entries(expected)) {
    assert.equal(TWILIO_CODES.get(Number(code))!.verdict, verdict, code);
  }
});

test('docs/channels/sms.md tells of every code what it means', () => {
  const page = readFileSync(new URL('../../../../docs/channels/sms.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| ([\d, ]{5,}) \| (.*) \|$/gm)];
  const verdicts = new Map(
    rows.flatMap(([, codes, words]) => codes!.split(', ').map((code) => [Number(code), words!])),
  );
  const words = {
    later: /^tried again$/,
    never: /^failed$/,
    dead: /takes no messages/,
    'opt-out': /^opted out/,
    stop: /the channel stops$/,
  };
  assert.deepEqual([...verdicts.keys()].sort(), [...TWILIO_CODES.keys()].sort());
  for (const [code, { verdict }] of TWILIO_CODES) assert.match(verdicts.get(code)!, words[verdict], String(code));
});

test('a wrong token stops the channel', async (t) => {
  const { sender } = await open(t, { authToken: 'wrong' });
  const result = await sender.send(action(), 1, NO_ABORT);
  assert.deepEqual(result, { outcome: 'failed', reason: 'Twilio 20003: wrong credentials', disable: true });
});

test('a code that is not known counts by the status beside it (T2)', async (t) => {
  const { twilio, sender } = await open(t);
  twilio.next({ status: 400, body: { code: 99_999, message: 'to +15005550006' } });
  assert.deepEqual(await sender.send(action(), 1, NO_ABORT), { outcome: 'failed', reason: 'Twilio 99999' });
  twilio.next({ status: 500, body: { code: 99_999 } });
  assert.deepEqual(await sender.send(action(), 1, NO_ABORT), { outcome: 'retry', reason: 'Twilio 99999' });
});

test('garbage, a redirect, trouble at the server and an answer without end are tried again', async (t) => {
  const { twilio, clock, sender } = await open(t);
  twilio.next(
    'garbage',
    { status: 302, headers: { location: twilio.url } },
    { status: 503 },
    { status: 201, body: '{' },
  );
  assert.deepEqual(
    [
      await sender.send(action(), 1, NO_ABORT),
      await sender.send(action(), 2, NO_ABORT),
      await sender.send(action(), 3, NO_ABORT),
      await sender.send(action(), 4, NO_ABORT),
    ],
    [
      { outcome: 'retry', reason: 'the answer is not one of Twilio' },
      { outcome: 'retry', reason: 'HTTP 302' },
      { outcome: 'retry', reason: 'HTTP 503' },
      { outcome: 'retry', reason: 'the answer is not one of Twilio' },
    ],
  );
  twilio.next('endless');
  const sent = sender.send(action(), 5, NO_ABORT);
  await until(() => twilio.requests.length === 5, { message: 'the request has come' });
  await clock.advance(15_000);
  assert.deepEqual(await sent, { outcome: 'retry', reason: 'no answer within 15 s' });
  assert.equal(twilio.messages.length, 0);
});

test('Retry-After is handed on', async (t) => {
  const { twilio, sender } = await open(t);
  twilio.next({ status: 429, headers: { 'retry-after': '7' }, body: { code: 20429 } });
  const expected = { outcome: 'retry', reason: 'Twilio 20429: too many requests', retryAfterMs: 7_000 };
  assert.deepEqual(await sender.send(action(), 1, NO_ABORT), expected);
});

test('what is no number is no address, and nothing is sent', async (t) => {
  const { twilio, sender } = await open(t, { country: 'DE' });
  const none = ['', 'none', '+1555', 'call me at +14155552671', '+14155552671 ext 5', '\r\nBcc: x', 5, {}, [], null];
  for (const phone of none) {
    const result = await sender.send(action({}, phone), 1, NO_ABORT);
    assert.deepEqual(result, { outcome: 'skipped', reason: 'no-address' }, JSON.stringify(phone));
  }
  assert.deepEqual(twilio.requests, []);
});

test('numbers are sent in E.164, however written; without a country, national ones are none', async (t) => {
  const { twilio, sender } = await open(t, { country: 'DE' });
  for (const phone of ['01512 3456789', '+49 (1512) 345-6789', '0049 1512 3456789']) {
    assert.equal((await sender.send(action({}, phone), 1, NO_ABORT)).outcome, 'delivered');
  }
  assert.deepEqual(new Set(twilio.messages.map(({ to }) => to)), new Set(['+4915123456789']));
  const { sender: anywhere } = await open(t);
  assert.equal((await anywhere.send(action({}, '01512 3456789'), 1, NO_ABORT)).outcome, 'skipped');
});

test('a text of too many segments, or none, is not sent', async (t) => {
  const { twilio, sender } = await open(t, { maxSegments: 2 });
  const long = await sender.send(action({ data: { text: 'x'.repeat(400) } }), 1, NO_ABORT);
  assert.deepEqual(long, {
    outcome: 'failed',
    reason: 'template cart gives 3 segments, channels.sms.maxSegments is 2',
    code: 'TRG_TEMPLATE_FAILED',
  });
  const empty = await sender.send(action({ template: 'empty' }), 1, NO_ABORT);
  assert.equal((empty as { code: string }).code, 'TRG_TEMPLATE_FAILED');
  assert.deepEqual(twilio.requests, []);
});

test('what a person typed stays in the text: no field of the form, no header', async (t) => {
  const { twilio, sender } = await open(t);
  const text = 'a&To=%2B15005550001\r\nX-Evil: 1';
  assert.equal((await sender.send(action({ data: { text } }), 1, NO_ABORT)).outcome, 'delivered');
  assert.deepEqual([twilio.messages[0]!.to, twilio.messages[0]!.body], ['+15005550006', `Hi Ann, ${text}`]);
  assert.equal(twilio.requests[0]!.headers['x-evil'], undefined);
});

test('the stand-in signs its callbacks as the official package verifies them', async (t) => {
  const calls: { url: string; signature: string; form: Record<string, string> }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      const signature = String(request.headers['x-twilio-signature']);
      calls.push({ url: request.url!, signature, form: Object.fromEntries(new URLSearchParams(body)) });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close());
  const publicUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { twilio, sender } = await open(t, {}, { publicUrl });
  await sender.send(action(), 1, NO_ABORT);
  const { sid } = twilio.messages[0]!;
  assert.equal(await twilio.report(sid, 'undelivered', { ErrorCode: '30003' }), 204);
  const [{ url, signature, form }] = calls as [(typeof calls)[0]];
  assert.ok(twilioPackage.validateRequest('secret', signature, publicUrl + url, form));
  assert.deepEqual(
    [url, form['MessageStatus'], form['ErrorCode']],
    ['/feedback/twilio?action=act1', 'undelivered', '30003'],
  );
});
