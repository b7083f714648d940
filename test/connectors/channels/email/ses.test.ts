import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import PostalMime from 'postal-mime';
import { checkOptions } from '../../../../connectors/channels/channel.ts';
import { email } from '../../../../connectors/channels/email/channel.ts';
import type { EmailOptions } from '../../../../connectors/channels/email/options.ts';
import { SesTransport } from '../../../../connectors/channels/email/ses.ts';
import { type Answer, channelSuite } from '../../../../testing/channel-suite.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import type { Fault, ProviderAnswer } from '../../../../testing/providers/http-provider.ts';
import { sesError, startSes } from '../../../../testing/providers/ses.ts';
import { until } from '../../../../testing/until.ts';
import { makeAction } from '../delivery/fake-context.ts';
import { openEmail, templatesOf } from '../kit.ts';

const NO_ABORT = new AbortController().signal;
const FROM = 'Shop <hello@shop.test>';
const KEYS = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' };
const TEMPLATES = templatesOf({
  'cart/email': '---\nsubject: Your cart, {{ profile.name }}\n---\n<p>Hello {{ event.properties.value }}</p>',
});
const ANSWERS: Readonly<Record<Answer, Fault | ProviderAnswer | null>> = {
  takes: null,
  later: sesError(429, 'TooManyRequestsException'),
  never: sesError(400, 'MessageRejected'),
  hangs: 'hangs',
  resets: 'resets',
};

function action(fields: Parameters<typeof makeAction>[0] = {}) {
  const context = { profile: { email: 'ann@example.com', name: 'Ann' } };
  return makeAction({ id: 'act1', channel: 'email', template: 'cart', context, ...fields });
}

async function open(t: TestContext, options: object = {}, ofSes: object = {}) {
  const ses = await startSes({ configurationSets: ['main'] });
  t.after(() => ses.close());
  const clock = new FakeClock();
  const given = {
    provider: 'ses',
    from: FROM,
    ses: { region: 'eu-central-1', ...KEYS, endpoint: ses.url, ...ofSes },
    ...options,
  };
  const sender = openEmail(given, { clock, templates: TEMPLATES });
  t.after(() => sender.close());
  return { ses, clock, sender };
}

channelSuite({
  channel: email,
  supports: { finalRefusals: true, addresses: true },
  templates: TEMPLATES,
  action,
  async start(t, answer) {
    const ses = await startSes();
    t.after(() => ses.close());
    ses.always(ANSWERS[answer]);
    return {
      options: { provider: 'ses', from: FROM, ses: { region: 'eu-central-1', ...KEYS, endpoint: ses.url } },
      get keys() {
        return ses.requests.map(({ body }) => JSON.parse(body).EmailTags[0].Value as string);
      },
    };
  },
});

test('SES is given the whole message, with its recipient, configuration set and action', async (t) => {
  const options = { unsubscribeUrl: 'https://shop.test/u/{{ entity.id }}' };
  const { ses, sender } = await open(t, options, { configurationSet: 'main' });
  const result = await sender.send(action(), 1, NO_ABORT);
  const [{ id, to, raw, configurationSet, tags }] = ses.messages as [(typeof ses.messages)[0]];
  assert.deepEqual(result, { outcome: 'delivered', providerId: id });
  assert.deepEqual([to, configurationSet, tags], [['ann@example.com'], 'main', { 'tripline-action': 'act1' }]);
  const parsed = await PostalMime.parse(raw);
  assert.deepEqual(
    [parsed.subject, parsed.from?.address, parsed.messageId],
    ['Your cart, Ann', 'hello@shop.test', '<act1@shop.test>'],
  );
  assert.match(parsed.html!, /<p>Hello <\/p>/);
  assert.equal(parsed.headers.find(({ key }) => key === 'list-unsubscribe')?.value, '<https://shop.test/u/u1>');
});

test('every error has its effect, and none of them counts against the address (A2)', async (t) => {
  const { ses, sender } = await open(t);
  const meaning: readonly (readonly [status: number, name: string, expected: object])[] = [
    [400, 'AccountSuspendedException', { outcome: 'failed', disable: true }],
    [400, 'SendingPausedException', { outcome: 'failed', disable: true }],
    [400, 'MailFromDomainNotVerifiedException', { outcome: 'failed', disable: true }],
    [404, 'NotFoundException', { outcome: 'failed', disable: true }],
    [403, 'AccessDeniedException', { outcome: 'failed', disable: true }],
    [400, 'MessageRejected', { outcome: 'failed' }],
    [400, 'BadRequestException', { outcome: 'failed' }],
    [429, 'TooManyRequestsException', { outcome: 'retry' }],
    [400, 'LimitExceededException', { outcome: 'retry' }],
    [500, 'InternalServiceErrorException', { outcome: 'retry' }],
  ];
  for (const [status, name, expected] of meaning) {
    ses.next(sesError(status, name, 'to ann@example.com'));
    assert.deepEqual(await sender.send(action(), 1, NO_ABORT), { ...expected, reason: `SES: ${name}` });
  }
  // Each was asked once: attempts are ours to count.
  assert.equal(ses.requests.length, meaning.length);
});

test('a paused account stops the channel, and a wrong key does', async (t) => {
  const { ses, sender } = await open(t);
  ses.state = 'paused';
  const paused = await sender.send(action(), 1, NO_ABORT);
  assert.deepEqual(paused, { outcome: 'failed', reason: 'SES: SendingPausedException', disable: true });
  const wrong = await open(t, {}, { accessKeyId: 'AKIAWRONG' });
  const refused = await wrong.sender.send(action(), 1, NO_ABORT);
  assert.deepEqual(refused, { outcome: 'failed', reason: 'SES: UnrecognizedClientException', disable: true });
});

test('garbage, a redirect and errors without a name count by their status', async (t) => {
  const { ses, clock, sender } = await open(t);
  const meaning: readonly (readonly [ProviderAnswer | Fault, string])[] = [
    ['garbage', 'retry'],
    [{ status: 302, headers: { location: ses.url } }, 'retry'],
    [{ status: 503, body: '<html>' }, 'retry'],
    [{ status: 413, body: '<html>' }, 'failed'],
    [{ status: 200, body: {} }, 'retry'],
  ];
  for (const [event, outcome] of meaning) {
    ses.next(event);
    const result = await sender.send(action(), 1, NO_ABORT);
    assert.equal(result.outcome, outcome, JSON.stringify(result));
  }
  ses.next('endless');
  const before = ses.requests.length;
  const sent = sender.send(action(), 1, NO_ABORT);
  await until(() => ses.requests.length > before, { message: 'SES is asked' });
  await clock.advance(60_000);
  assert.deepEqual(await sent, { outcome: 'retry', reason: 'no answer within 60 s' });
});

test('without the package the channel does not open, and says what to install (A3)', () => {
  const options = { provider: 'ses', from: FROM, ses: { region: 'eu-central-1' } } as EmailOptions;
  const load = () => {
    throw new Error('Cannot find module');
  };
  assert.throws(() => new SesTransport(options, new FakeClock(), load), {
    code: 'TRG_PACKAGE_MISSING',
    message:
      'provider ses of channels.email needs the package @aws-sdk/client-sesv2: npm install @aws-sdk/client-sesv2',
  });
});

test('options: what a provider needs is named, and what belongs to the other', () => {
  const findings = (options: object) => checkOptions(email, { from: FROM, ...options }).map(({ message }) => message);
  assert.deepEqual(findings({ provider: 'ses', ses: { region: 'eu-central-1' } }), []);
  assert.deepEqual(findings({}), ['missing field "host", which provider smtp needs']);
  assert.deepEqual(findings({ provider: 'ses', host: 'a' }), [
    'missing field "ses", which provider ses needs',
    '"host" belongs to provider smtp',
  ]);
  assert.deepEqual(findings({ host: 'a', ses: { region: 'r' } }), ['"ses" belongs to provider ses']);
  assert.deepEqual(findings({ provider: 'ses', ses: { region: 'r', accessKeyId: 'a' } }), [
    '"ses.accessKeyId" and "ses.secretAccessKey" go together',
  ]);
});
