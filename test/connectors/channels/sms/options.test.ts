import assert from 'node:assert/strict';
import test from 'node:test';
import { checkOptions } from '../../../../connectors/channels/channel.ts';
import { sms } from '../../../../connectors/channels/sms/channel.ts';

const TWILIO = { accountSid: 'ACtest', authToken: 'secret', from: '+15005550006' };
const HTTP = { provider: 'http', url: 'https://sms.test/', body: '{}' };

function findings(options: object): string[] {
  return checkOptions(sms, { ...options }).map(({ message }) => message);
}

test('good options of both providers have no findings', () => {
  assert.deepEqual(findings(TWILIO), []);
  assert.deepEqual(findings({ ...HTTP, from: 'Shop', headers: { authorization: 'Bearer k' } }), []);
});

test('what a provider needs is named, and what belongs to the other', () => {
  assert.deepEqual(findings({}), [
    'missing field "accountSid", which provider twilio needs',
    'missing field "authToken", which provider twilio needs',
    'one of "from" and "messagingServiceSid" is needed, and only one',
  ]);
  assert.deepEqual(findings({ provider: 'http', accountSid: 'AC1' }), [
    'missing field "url", which provider http needs',
    'missing field "body", which provider http needs',
    '"accountSid" belongs to provider twilio',
  ]);
  assert.deepEqual(findings({ ...TWILIO, body: '{}' }), ['"body" belongs to provider http']);
  const both = 'one of "from" and "messagingServiceSid" is needed, and only one';
  assert.deepEqual(findings({ ...TWILIO, messagingServiceSid: 'MG1' }), [both]);
});

test('a private address is refused unless it is allowed', () => {
  assert.deepEqual(findings({ ...TWILIO, url: 'http://2130706433/' }), ['"url" is a private address']);
  assert.deepEqual(findings({ ...TWILIO, url: 'http://2130706433/', allowPrivate: true }), []);
});

test('headers that HTTP does not allow and a body that is not Liquid are refused, without their values', () => {
  const given = { ...HTTP, headers: { 'x-a': 'secret\r\nx-evil: 1', 'a b': 'c' }, body: '{{ to' };
  const [first, second, third] = findings(given);
  assert.deepEqual(
    [first, second],
    ['"headers" has one that HTTP does not allow: "x-a"', '"headers" has one that HTTP does not allow: "a b"'],
  );
  assert.match(third!, /^"body" is not Liquid: /);
});
