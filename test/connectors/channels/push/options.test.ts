import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { checkOptions, openChannel } from '../../../../connectors/channels/channel.ts';
import { push } from '../../../../connectors/channels/push/channel.ts';
import { loadConfig } from '../../../../services/config/index.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { startFcm } from '../../../../testing/providers/fcm.ts';
import { DEPENDENCIES } from '../kit.ts';
import { vapidKeys } from './kit.ts';

const messagesOf = (options: object) => checkOptions(push, structuredClone(options)).map(({ message }) => message);
const WEB = { subject: 'mailto:ops@shop.test', ...vapidKeys() };

test('a push channel without any service is refused', () => {
  assert.deepEqual(messagesOf({}), ['push has no provider']);
});

test('keys that are none are refused by their names, and not repeated', () => {
  assert.deepEqual(messagesOf({ fcm: { serviceAccount: '{"project_id":"p"}' } }), [
    '"fcm.serviceAccount" is no key of a service account: JSON with project_id, client_email and private_key',
  ]);
  const pem = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
  assert.deepEqual(messagesOf({ apns: { key: pem, keyId: 'K', teamId: 'T', topic: 'x' } }), [
    '"apns.key" is no private key in PEM on the curve P-256, as Apple gives it in a .p8 file',
  ]);
  assert.deepEqual(messagesOf({ web: { ...WEB, privateKey: vapidKeys().privateKey } }), [
    '"web.privateKey" is not the private key of "web.publicKey"',
  ]);
});

test('private addresses are refused unless they are allowed', () => {
  const apns = { key: 'key.p8', keyId: 'K', teamId: 'T', topic: 'x', url: 'http://127.0.0.1:1' };
  assert.deepEqual(messagesOf({ apns }), ['"apns.url" is a private address']);
  assert.deepEqual(messagesOf({ apns: { ...apns, allowPrivate: true } }), []);
});

test('a key is a file, by a path from the configuration’s folder, or the text itself', async (t) => {
  const fcm = await startFcm();
  t.after(() => fcm.close());
  const folder = mkdtempSync(join(tmpdir(), 'push-'));
  writeFileSync(join(folder, 'account.json'), fcm.serviceAccount);
  writeFileSync(
    join(folder, 'tripline.yaml'),
    'channels:\n  push: { fcm: { serviceAccount: account.json } }\n  other: { type: push, fcm: { serviceAccount: ./account.json } }\n',
  );
  const { config, warnings } = loadConfig({ file: 'tripline.yaml', env: {}, folder });
  // A path is no secret.
  assert.deepEqual(warnings, []);
  const path = join(folder, 'account.json');
  for (const name of ['push', 'other']) {
    const options = config.channels[name] as { fcm: { serviceAccount: string } };
    assert.equal(options.fcm.serviceAccount, path);
  }
  const dependencies = { ...DEPENDENCIES, clock: new FakeClock() };
  await openChannel(push, config.channels['push']!, dependencies).close();
  await openChannel(push, { fcm: { serviceAccount: fcm.serviceAccount } }, dependencies).close();
});

test('a file that is missing or has something else in it stops the start, and its path is not told', () => {
  const dependencies = { ...DEPENDENCIES, clock: new FakeClock() };
  const folder = mkdtempSync(join(tmpdir(), 'push-'));
  const file = join(folder, 'other.json');
  writeFileSync(file, '{}');
  const open = (serviceAccount: string) => openChannel(push, { fcm: { serviceAccount } }, dependencies);
  assert.throws(() => open(join(folder, 'none.json')), {
    code: 'TRG_CONFIG_INVALID',
    message: 'channels.push.fcm.serviceAccount: the file cannot be read: ENOENT',
  });
  assert.throws(() => open(file), { code: 'TRG_CONFIG_INVALID', message: /no key of a service account/ });
});
