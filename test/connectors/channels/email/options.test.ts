import assert from 'node:assert/strict';
import test from 'node:test';
import { checkOptions } from '../../../../connectors/channels/channel.ts';
import { email } from '../../../../connectors/channels/email/channel.ts';
import { Templates } from '../../../../connectors/channels/templates/templates.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { openEmail } from '../kit.ts';

const GOOD = { provider: 'smtp', host: '127.0.0.1', port: 1025, from: 'Shop <hello@shop.test>' };

function findings(options: object): string[] {
  return checkOptions(email, options).map(({ message, hint }) => (hint === null ? message : `${message} (${hint})`));
}

test('good options have no findings, and defaults are filled in', () => {
  const options = { host: 'mail.test', from: 'hello@shop.test' };
  assert.deepEqual(findings(options), []);
  assert.deepEqual(options, {
    host: 'mail.test',
    from: 'hello@shop.test',
    provider: 'smtp',
    port: 587,
    secure: false,
    requireTls: false,
    tracking: { opens: true, clicks: true },
    concurrency: 8,
  });
});

test('unknown fields, wrong types and missing ones are all said at once, with a hint', () => {
  assert.deepEqual(findings({ ...GOOD, from: undefined, hots: 'x', provider: 'fax', port: 70_000 }), [
    'missing field "from"',
    'unknown field "hots" (did you mean "host"?)',
    '"provider" must be one of smtp, ses',
    '"port" must be at most 65535',
  ]);
});

test('what only the meaning can tell is said as well', () => {
  const dkim = { domain: 'shop.test', selector: 's1', privateKey: 'no key' };
  assert.deepEqual(findings({ ...GOOD, from: 'Shop', to: '{{ x', subject: '{% if x %}', username: 'me', dkim }), [
    '"from" is not one email address (such as `Shop <hello@shop.test>`)',
    '"to" is not Liquid: "{{ x" is not closed (what is shown ends with }})',
    '"subject" is not Liquid: {% if x %} is not closed (add {% endif %})',
    '"username" and "password" go together',
    '"dkim.privateKey" is not a private key in PEM',
  ]);
});

test('a sender that is two addresses, or has a line break, is refused', () => {
  for (const from of ['a@shop.test, b@shop.test', 'Shop <a@shop.test>\r\nBcc: b@shop.test', 'a@shop.test\nx']) {
    assert.equal(findings({ ...GOOD, from }).length, 1, from);
  }
});

test('a sender with bad options does not start', () => {
  const dependencies = { clock: new FakeClock(), templates: new Templates(new Map()) };
  assert.throws(() => openEmail({ host: 'mail.test', from: 'Shop' }, dependencies), {
    code: 'TRG_CONFIG_INVALID',
    message: 'channels.email: "from" is not one email address',
  });
});
