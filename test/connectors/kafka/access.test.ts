// Logging in to a cluster, and what it does not allow.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { record, valuesOf } from '../../contract/log-kit.ts';
import { clusterOfFile, openLog, untilVisible } from './kit.ts';

const USERS = { admin: 'admin-secret', engine: 'engine-secret', guest: 'guest-secret' };
const users = Object.entries(USERS).map(([name, password]) => `user_${name}="${password}"`);
const login = `org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="admin-secret"`;
const as = (username: keyof typeof USERS, password: string = USERS[username]) => {
  return { sasl: { mechanism: 'plain', username, password }, patienceMs: 2_000 } as const;
};
const cluster = await clusterOfFile({
  protocol: 'SASL_PLAINTEXT',
  sasl: as('admin').sasl,
  properties: {
    'sasl.enabled.mechanisms': 'PLAIN',
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'listener.name.client.plain.sasl.jaas.config': `${login} ${users.join(' ')};`,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    // The controller's listener is plain, so its own requests come from ANONYMOUS.
    'super.users': 'User:admin;User:engine;User:ANONYMOUS',
  },
});

test('a user who logs in with name and password reads and writes', async (t) => {
  const log = openLog(t, cluster, as('engine'));
  await log.admin.createTopics([{ topic: 'allowed', partitions: 1 }]);
  const writer = await log.openWriter('w');
  writer.send([record('allowed/0', 'x')]);
  await untilVisible(log, await writer.commit('group', [{ topic: 'allowed', partition: 0, offset: 1, metadata: '' }]));
  assert.deepEqual(await valuesOf(log, 'allowed'), ['x']);
});

test('a wrong password is a fatal error at once, and the password is not in it', async (t) => {
  const log = openLog(t, cluster, as('engine', 'wrong-secret'));
  await assert.rejects(log.admin.topics(), (error: Error & { code?: string }) => {
    assert.deepEqual([error.name, error.code], ['FatalError', 'TRG_LOG_DENIED']);
    assert.doesNotMatch(error.message, /wrong-secret/);
    return true;
  });
});

test('a user without rights is told so: reading, writing, committing and creating', async (t) => {
  const owner = openLog(t, cluster, as('engine'));
  await owner.admin.createTopics([{ topic: 'guarded', partitions: 1 }]);
  const log = openLog(t, cluster, as('guest'));
  const denied = { name: 'FatalError', code: 'TRG_LOG_DENIED' };
  const partition = { topic: 'guarded', partition: 0 };
  await assert.rejects(log.openWriter('w'), denied);
  await assert.rejects(log.admin.offsets(partition), denied);
  await assert.rejects(log.admin.committed('group', [partition]), denied);
  await assert.rejects(log.admin.createTopics([{ topic: 'fresh', partitions: 1 }]), denied);
  const reader = log.openReader();
  reader.assign([{ ...partition, offset: 0 }]);
  await assert.rejects(reader.read({ maxBytes: 1_000, waitMs: 0 }), denied);
});
