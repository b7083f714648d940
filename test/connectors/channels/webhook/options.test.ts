import assert from 'node:assert/strict';
import test from 'node:test';
import { checkOptions } from '../../../../connectors/channels/channel.ts';
import { webhook } from '../../../../connectors/channels/webhook/channel.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { openWebhook } from '../kit.ts';

function findings(options: object): string[] {
  return checkOptions(webhook, options).map(({ message, hint }) => (hint === null ? message : `${message} (${hint})`));
}

test('good options have no findings, and defaults are filled in', () => {
  const options = { url: 'https://hooks.example.com/in', secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' };
  assert.deepEqual(findings(options), []);
  assert.deepEqual({ ...options }, { ...options, allowPrivate: false, concurrency: 32 });
});

test('unknown fields, wrong types and missing ones are all said at once, with a hint', () => {
  assert.deepEqual(findings({ ulr: 'https://a.example', allowPrivate: 'yes', concurrency: 0 }), [
    'missing field "url"',
    'unknown field "ulr" (did you mean "url"?)',
    '"allowPrivate" must be true or false, not text',
    '"concurrency" must be at least 1',
  ]);
});

test('a private address in the URL is refused unless it is allowed', () => {
  for (const url of ['http://127.0.0.1:9000/hook', 'http://[::1]/', 'http://169.254.169.254/', 'http://localhost/']) {
    assert.deepEqual(findings({ url }), ['"url" is a private address (public ones only, unless `allowPrivate: true`)']);
    assert.deepEqual(findings({ url, allowPrivate: true }), []);
  }
});

test('what is no URL, holds a password, or is no secret is refused', () => {
  assert.deepEqual(findings({ url: 'http://' }), ['"url" is not a URL']);
  assert.deepEqual(findings({ url: 'ftp://a.example' }), ['"url" must look like https://hooks.example.com/in']);
  for (const url of ['http://me:pw@a.example', 'http://me@a.example', 'http://:pw@a.example']) {
    assert.deepEqual(findings({ url }), ['"url" holds a user or password (use `secret`)']);
  }
  assert.deepEqual(findings({ url: 'http://a.example', secret: 'whsec_?' }), ['"secret" is not base64 after whsec_']);
});

test('two secrets may have any space between and around them, and each must be one', () => {
  const url = 'https://hooks.example.com/in';
  assert.deepEqual(findings({ url, secret: 'whsec_bmV3  whsec_b2xk\n' }), []);
  assert.deepEqual(findings({ url, secret: 'whsec_bmV3 old' }), []);
  assert.deepEqual(findings({ url, secret: 'whsec_bmV3 whsec_?' }), ['"secret" is not base64 after whsec_']);
});

test('a sender with bad options does not start', () => {
  assert.throws(() => openWebhook({ url: 'http://10.0.0.1/' }, { clock: new FakeClock() }), {
    code: 'TRG_CONFIG_INVALID',
    message: 'channels.webhook: "url" is a private address',
  });
});
