import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openChannel } from '../../../../connectors/channels/channel.ts';
import { channelTraits, connectedChannels } from '../../../../connectors/channels/index.ts';
import { logChannel } from '../../../../connectors/channels/log/channel.ts';
import { attempting, DEPENDENCIES } from '../../../../testing/attempting.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { makeAction, templatesOf } from '../../../../testing/sample-action.ts';

async function printed(fields: Parameters<typeof makeAction>[0], templates: Record<string, string> = {}) {
  const texts: string[] = [];
  const channel = logChannel((text) => {
    texts.push(text);
    return Promise.resolve();
  });
  const dependencies = { ...DEPENDENCIES, clock: new FakeClock(), templates: templatesOf(templates) };
  const sender = attempting(openChannel(channel, {}, dependencies));
  const result = await sender.send(makeAction(fields), 1, new AbortController().signal);
  return { text: texts.join(''), result };
}

test('a message without a template is one line: when, to whom, which rule, its data and its id', async () => {
  const { text, result } = await printed({ channel: 'log', data: { coupon: 'SAVE10' } });
  assert.equal(text, 'message  2026-01-01 09:00:00  log to user/u1  cart-abandonment  {"coupon":"SAVE10"}  a1\n');
  assert.deepEqual(result, { outcome: 'delivered', providerId: null });
});

test("in another channel's place it renders that channel's template", async () => {
  const templates = { 'hi/email': '---\nsubject: "Hello {{ profile.name }}"\n---\nYour cart\nwaits\n' };
  const { text } = await printed(
    { channel: 'email', template: 'hi', context: { profile: { name: 'Ann' } } },
    templates,
  );
  assert.deepEqual(
    text
      .split('\n')
      .slice(0, 4)
      .map((line) => line.trim().slice(0, 30)),
    ['message  2026-01-01 09:00:00  ', 'Subject: Hello Ann', 'Your cart', 'waits'],
  );
});

test('nothing that a person typed controls the terminal (P2)', async () => {
  const name = '\u001b[2J\u009b1A\u202Eabc\r';
  const { text } = await printed(
    {
      channel: 'log',
      template: 'hi',
      entity: { type: 'user', id: name },
      data: { name },
      context: { profile: { name } },
    },
    { 'hi/log': 'Hello {{ profile.name }}!' },
  );
  assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Bidi_Control}]/u);
  assert.match(text, /Hello \\u001b\[2J\\u009b1A\\u202eabc\\u000d!/);
});

test('it stands in for every channel without settings of its own when told to, and for none when not', () => {
  const webhook = { url: 'https://shop.test/hook' };
  const delivered = (configured: Record<string, object>) =>
    Object.fromEntries(connectedChannels(configured).map(({ name, channel }) => [name, channel.id]));
  assert.deepEqual(delivered({ log: { standIn: true }, webhook }), {
    email: 'log',
    sms: 'log',
    push: 'log',
    inapp: 'log',
    webhook: 'webhook',
    slack: 'log',
    pagerduty: 'log',
    log: 'log',
  });
  assert.deepEqual(delivered({ log: { standIn: false }, webhook }), { webhook: 'webhook', log: 'log' });
  assert.equal(channelTraits({ log: { standIn: true } }).get('email')!.addresses, null);
});
