import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { checkOptions } from '../../../../connectors/channels/channel.ts';
import { slack } from '../../../../connectors/channels/slack/channel.ts';
import type { Action } from '../../../../schemas/action.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { startSlack } from '../../../../testing/providers/slack.ts';
import { makeAction } from '../delivery/fake-context.ts';
import { openSender, templatesOf } from '../kit.ts';

const NO_ABORT = new AbortController().signal;
const TEMPLATES = templatesOf({
  'ticket/slack': '*{{ data.topic }}* by {{ profile.name }}: <https://shop.test|open>',
  'blocks/slack':
    '---\ntitle: New ticket\n---\n[{ "type": "section", "text": { "type": "plain_text", "text": {{ data.topic | json }} } }]',
  'object/slack': '{ "text": {{ data.topic | json }}, "blocks": [] }',
  'broken/slack': '{ "text": "{{ data.topic }}" }',
  'more/slack': '{ "text": "x", "channel": "C9" }',
  'list/slack': '[urgent] {{ data.topic }}',
  'raw/slack': '{{ data.topic }}',
});

function action(template = 'ticket', topic = 'printer'): Action {
  return makeAction({ id: 'act1', channel: 'slack', template, data: { topic }, context: { profile: { name: 'Ann' } } });
}

async function open(t: TestContext, kind: 'api' | 'webhook' = 'api', options: object = {}) {
  const server = await startSlack();
  t.after(() => server.close());
  const api = { token: 'xoxb-test', channel: 'C0123456789', apiUrl: server.apiUrl };
  const own = kind === 'api' ? api : { url: server.webhookUrl };
  const given = { ...own, allowPrivate: true, ...options };
  const sender = openSender(slack, given, { clock: new FakeClock(), templates: TEMPLATES });
  t.after(() => sender.close());
  return { server, sender };
}

test('text is posted by the API, to its channel, and by a webhook', async (t) => {
  const api = await open(t);
  const result = await api.sender.send(action(), 1, NO_ABORT);
  assert.deepEqual(result, { outcome: 'delivered', providerId: '1767225600.000001' });
  const text = '*printer* by Ann: <https://shop.test|open>';
  assert.deepEqual(api.server.messages, [{ channel: 'C0123456789', text, blocks: [] }]);
  const webhook = await open(t, 'webhook');
  const taken = await webhook.sender.send(action(), 1, NO_ABORT);
  assert.deepEqual(taken, { outcome: 'delivered', providerId: null });
  assert.deepEqual(webhook.server.messages, api.server.messages);
});

test('a template written as JSON gives blocks, with its title for notifications', async (t) => {
  const { server, sender } = await open(t);
  await sender.send(action('blocks', 'a "quoted" topic'), 1, NO_ABORT);
  await sender.send(action('object'), 1, NO_ABORT);
  const block = { type: 'section', text: { type: 'plain_text', text: 'a "quoted" topic' } };
  assert.deepEqual(server.messages, [
    { channel: 'C0123456789', text: 'New ticket', blocks: [block] },
    { channel: 'C0123456789', text: 'printer', blocks: [] },
  ]);
});

test('JSON that is broken by what it is filled with, or says more than a message, is not posted', async (t) => {
  const { server, sender } = await open(t);
  const broken = await sender.send(action('broken', '", "channel": "C9'), 1, NO_ABORT);
  const more = await sender.send(action('more'), 1, NO_ABORT);
  assert.deepEqual(
    [broken, more].map((result) => [result.outcome, (result as { code: string }).code]),
    [
      ['failed', 'TRG_TEMPLATE_FAILED'],
      ['failed', 'TRG_TEMPLATE_FAILED'],
    ],
  );
  const unclosed = await sender.send(action('broken', '"'), 1, NO_ABORT);
  assert.match((unclosed as { reason: string }).reason, /write values as \{\{ name \| json \}\}$/);
  assert.deepEqual(server.requests, []);
});

test('what a person typed mentions nobody, links nowhere, and is never blocks (M1, M2)', async (t) => {
  const { server, sender } = await open(t);
  const evil = '<!channel> <https://evil.test|bank> & [1]';
  await sender.send(action('ticket', evil), 1, NO_ABORT);
  await sender.send(action('raw', '{"blocks":[{"type":"divider"}]}'), 1, NO_ABORT);
  await sender.send(action('list'), 1, NO_ABORT);
  assert.deepEqual(
    server.messages.map(({ text, blocks }) => [text, blocks.length]),
    [
      ['*&lt;!channel&gt; &lt;https://evil.test|bank&gt; &amp; [1]* by Ann: <https://shop.test|open>', 0],
      ['{"blocks":[{"type":"divider"}]}', 0],
      ['[urgent] printer', 0],
    ],
  );
});

test('an answer of 200 that is not ok is no message (K1, K2)', async (t) => {
  const { server, sender } = await open(t);
  const meaning = {
    not_in_channel: { outcome: 'failed', disable: true },
    channel_not_found: { outcome: 'failed', disable: true },
    is_archived: { outcome: 'failed', disable: true },
    invalid_auth: { outcome: 'failed', disable: true },
    account_inactive: { outcome: 'failed', disable: true },
    token_revoked: { outcome: 'failed', disable: true },
    missing_scope: { outcome: 'failed', disable: true },
    msg_too_long: { outcome: 'failed' },
    invalid_blocks: { outcome: 'failed' },
    ratelimited: { outcome: 'retry' },
    internal_error: { outcome: 'retry' },
    something_new: { outcome: 'retry' },
  };
  for (const [error, expected] of Object.entries(meaning)) {
    server.next({ status: 200, body: { ok: false, error } });
    assert.deepEqual(await sender.send(action(), 1, NO_ABORT), { ...expected, reason: `Slack: ${error}` });
  }
  assert.deepEqual(server.messages, []);
});

test('a webhook’s words and statuses mean the same (K2)', async (t) => {
  const { server, sender } = await open(t, 'webhook');
  const answers: readonly (readonly [status: number, word: string, expected: object])[] = [
    [404, 'no_service', { outcome: 'failed', reason: 'Slack: no_service', disable: true }],
    [403, 'action_prohibited', { outcome: 'failed', reason: 'Slack: action_prohibited', disable: true }],
    [410, 'channel_is_archived', { outcome: 'failed', reason: 'Slack: channel_is_archived', disable: true }],
    [400, 'invalid_payload', { outcome: 'failed', reason: 'Slack: invalid_payload' }],
    [500, 'rollup_error', { outcome: 'retry', reason: 'Slack: rollup_error' }],
    [503, '<html>', { outcome: 'retry', reason: 'HTTP 503' }],
    [302, '', { outcome: 'retry', reason: 'HTTP 302' }],
    [400, 'about ann@example.com', { outcome: 'failed', reason: 'HTTP 400' }],
  ];
  for (const [status, body, expected] of answers) {
    server.next({ status, body });
    assert.deepEqual(await sender.send(action(), 1, NO_ABORT), expected);
  }
});

test('garbage is tried again, and not repeated in the reason', async (t) => {
  const { server, sender } = await open(t);
  server.next('garbage', { status: 200, body: { ok: false, error: 'to ann@example.com' } });
  const expected = { outcome: 'retry', reason: 'Slack: an answer that is none of its own' };
  assert.deepEqual(await sender.send(action(), 1, NO_ABORT), expected);
  assert.deepEqual(await sender.send(action(), 2, NO_ABORT), expected);
});

test('Retry-After is handed on', async (t) => {
  const { server, sender } = await open(t);
  server.next({ status: 429, headers: { 'retry-after': '30' }, body: { ok: false, error: 'ratelimited' } });
  const result = await sender.send(action(), 1, NO_ABORT);
  assert.deepEqual(result, { outcome: 'retry', reason: 'Slack: ratelimited', retryAfterMs: 30_000 });
});

test('a text that is too long is final, and stops nobody else’s', async (t) => {
  const { server, sender } = await open(t);
  const long = await sender.send(action('raw', 'x'.repeat(50_000)), 1, NO_ABORT);
  assert.deepEqual(long, { outcome: 'failed', reason: 'Slack: msg_too_long' });
  assert.equal((await sender.send(action(), 1, NO_ABORT)).outcome, 'delivered');
  assert.equal(server.messages.length, 1);
});

test('options: one way to post, with what it needs', () => {
  const findings = (options: object) => checkOptions(slack, options).map(({ message }) => message);
  assert.deepEqual(findings({ url: 'https://hooks.slack.com/services/a/b/c' }), []);
  assert.deepEqual(findings({ token: 'xoxb-1', channel: 'C1' }), []);
  assert.deepEqual(findings({}), ['one of "url" and "token" is needed, and only one']);
  assert.deepEqual(findings({ token: 'xoxb-1' }), ['missing field "channel", which "token" needs']);
  assert.deepEqual(findings({ token: 'xoxb\n1', channel: 'C1' }), ['"token" holds what no token does']);
  assert.deepEqual(findings({ url: 'https://a.test', channel: 'C1' }), ['"channel" belongs to "token"']);
  assert.deepEqual(findings({ token: 'x', channel: 'C1', apiUrl: 'http://[::ffff:127.0.0.1]/api' }), [
    '"apiUrl" is a private address',
  ]);
});
