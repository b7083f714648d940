// Logging in to a real cluster, its certificates, and what it does not allow.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { KafkaOptions } from '../../../../connectors/logs/kafka/index.ts';
import { tokenFromFile, tokenFromProvider } from '../../../../connectors/logs/kafka/oauth.ts';
import { systemClock } from '../../../../lib/clock.ts';
import { certificateAuthority } from '../../../../testing/kafka/certificates.ts';
import type { Log } from '../../../../topology/engine/ports.ts';
import { record, valuesOf } from '../../../contract/log-kit.ts';
import { openLog, untilVisible } from './kit.ts';
import { SESSION_MS, securedCluster, unsignedToken } from './secured.ts';

const SUPER = ['plain', 'scram-256', 'scram-512', 'token', 'CN=worker'];
const secured = await securedCluster({ plain: 'plain-secret', guest: 'guest-secret' }, SUPER);
const { cluster, authority, auth, mtls, as } = secured;
await secured.addUser('scram-256', 'scram-secret', 'scram-sha-256');
await secured.addUser('scram-512', 'scram-secret', 'scram-sha-512');

const password = (mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512', username: string, text: string) =>
  as({ mechanism, username, password: text });
const tokens = (token: () => Promise<string>) => as({ mechanism: 'oauthbearer', token });
const denied =
  (about: RegExp, never = /secret/) =>
  (error: Error & { code?: string }) => {
    assert.deepEqual([error.name, error.code], ['FatalError', 'TRG_LOG_DENIED'], String(error));
    assert.match(error.message, about);
    assert.doesNotMatch(error.message, never);
    return true;
  };

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-security-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function writeAndRead(log: Log, topic: string): Promise<void> {
  await log.admin.createTopics([{ topic, partitions: 1 }]);
  const writer = await log.openWriter(`writer-of-${topic}`);
  writer.send([record(`${topic}/0`, 'x')]);
  await untilVisible(log, await writer.commit('group', [{ topic, partition: 0, offset: 1, metadata: '' }]));
  await writer.close();
  assert.deepEqual(await valuesOf(log, topic), ['x']);
}

const LOGINS: readonly [string, Partial<KafkaOptions>][] = [
  ['plain', password('plain', 'plain', 'plain-secret')],
  ['scram-sha-256', password('scram-sha-256', 'scram-256', 'scram-secret')],
  ['scram-sha-512', password('scram-sha-512', 'scram-512', 'scram-secret')],
  ['oauthbearer', tokens(async () => unsignedToken('token', 60_000, systemClock.now()))],
  ['client certificate', { brokers: mtls, tls: { ca: authority.ca, ...authority.sign('worker') } }],
];

for (const [name, options] of LOGINS) {
  test(`over TLS, a client with ${name} reads, writes and commits`, async (t) => {
    await writeAndRead(openLog(t, cluster, options), `with-${name.replace(' ', '-')}`);
  });
}

test('a wrong password or token is a fatal error at once, which says so without the secret', async (t) => {
  for (const options of [
    password('plain', 'plain', 'wrong-secret'),
    password('scram-sha-512', 'scram-512', 'wrong-secret'),
    password('scram-sha-256', 'nobody', 'wrong-secret'),
    tokens(async () => unsignedToken('token', -60_000, systemClock.now())),
    tokens(async () => 'wrong-secret'),
  ]) {
    const start = systemClock.now();
    await assert.rejects(openLog(t, cluster, { ...options, patienceMs: 20_000 }).admin.topics(), denied(/log-in/));
    assert.ok(systemClock.now() - start < 5_000);
  }
});

test('a broker whose certificate is not trusted is a fatal error that names the problem', async (t) => {
  const other = certificateAuthority(temporary(t), 'other');
  for (const tls of [{}, { ca: other.ca }]) {
    const log = openLog(t, cluster, { ...password('plain', 'plain', 'plain-secret'), tls });
    await assert.rejects(log.admin.topics(), denied(/UNABLE_TO_VERIFY|SELF_SIGNED|UNABLE_TO_GET|kafka\.tls/));
  }
});

test('a client without a certificate, or with one of another authority, is a fatal error', async (t) => {
  const other = certificateAuthority(temporary(t), 'other');
  for (const tls of [{ ca: authority.ca }, { ca: authority.ca, ...other.sign('worker') }]) {
    const log = openLog(t, cluster, { brokers: mtls, tls, patienceMs: 2_000 });
    await assert.rejects(log.admin.topics(), denied(/kafka\.tls/));
  }
});

test('without TLS at a port that speaks it, or without a log-in where one is needed, the error says where to look', async (t) => {
  const log = openLog(t, cluster, { brokers: auth, patienceMs: 2_000 });
  await assert.rejects(log.admin.topics(), denied(/speaks TLS.*kafka\.tls/));
  const { sasl } = password('plain', 'plain', 'plain-secret') as { sasl: NonNullable<KafkaOptions['sasl']> };
  await assert.rejects(openLog(t, cluster, { brokers: auth, sasl, patienceMs: 300 }).admin.topics(), {
    code: 'TRG_LOG_UNREACHABLE',
    message: /kafka\.tls and kafka\.sasl/,
  });
});

/** Commits until `enough`; an error fails the test. */
async function commitUntil(log: Log, topic: string, enough: () => boolean): Promise<number> {
  await log.admin.createTopics([{ topic, partitions: 1 }]);
  const writer = await log.openWriter(topic);
  let count = 0;
  for (; !enough(); count++) {
    writer.send([record(`${topic}/0`, `${count}`)]);
    await untilVisible(log, await writer.commit('group', []));
  }
  assert.deepEqual(
    await valuesOf(log, topic),
    Array.from({ length: count }, (_, i) => `${i}`),
  );
  return count;
}

test('a session is renewed before the cluster ends it, without a failed request', async (t) => {
  const log = openLog(t, cluster, password('scram-sha-256', 'scram-256', 'scram-secret'));
  const until = systemClock.now() + 1.7 * SESSION_MS;
  assert.ok((await commitUntil(log, 'renewed', () => systemClock.now() > until)) > 5);
});

test('a token from a file is read again for each session, so that whoever renews the file need tell nobody', async (t) => {
  const path = join(temporary(t), 'token');
  const source = tokenFromFile(path);
  let asked = 0;
  const renew = (): void => writeFileSync(path, `${unsignedToken('token', 6_000, systemClock.now())}\n`);
  const log = openLog(
    t,
    cluster,
    tokens(async () => {
      asked++;
      renew();
      return source();
    }),
  );
  await commitUntil(log, 'token-file', () => asked >= 4);
});

test('a token from a token endpoint is asked for once, kept while it is good, and renewed', async (t) => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk));
    request.on('end', () => {
      asked.push(`${request.headers.authorization} ${body}`);
      const access_token = unsignedToken('token', 6_000, systemClock.now());
      response.end(JSON.stringify({ access_token, expires_in: 6, token_type: 'Bearer' }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const tokenUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  const client = { tokenUrl, clientId: 'worker', clientSecret: 'client-secret', scope: 'kafka' };
  const log = openLog(t, cluster, tokens(tokenFromProvider(client, systemClock)));
  await commitUntil(log, 'token-url', () => asked.length >= 2);
  const basic = Buffer.from('worker:client-secret').toString('base64');
  assert.equal(asked[0], `Basic ${basic} grant_type=client_credentials&scope=kafka`);
});

test('a token endpoint that is away is waited for; one that refuses the client is a fatal error', async (t) => {
  const client = { clientId: 'worker', clientSecret: 'client-secret' };
  const away = tokens(tokenFromProvider({ ...client, tokenUrl: 'http://127.0.0.1:1/token' }, systemClock));
  await assert.rejects(openLog(t, cluster, { ...away, patienceMs: 300 }).admin.topics(), {
    name: 'RetryableError',
    code: 'TRG_LOG_UNREACHABLE',
  });
  const server = createServer((_request, response) => {
    response.statusCode = 401;
    response.end('{"error":"invalid_client"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const tokenUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  const refused = tokens(tokenFromProvider({ ...client, tokenUrl }, systemClock));
  await assert.rejects(openLog(t, cluster, refused).admin.topics(), denied(/answered 401 \(invalid_client\)/));
});

test('a user without rights is told which right on what is missing', async (t) => {
  const owner = openLog(t, cluster, password('plain', 'plain', 'plain-secret'));
  await owner.admin.createTopics([{ topic: 'guarded', partitions: 1 }]);
  const log = openLog(t, cluster, password('plain', 'guest', 'guest-secret'));
  const partition = { topic: 'guarded', partition: 0 };
  await assert.rejects(log.openWriter('w'), denied(/lacks (Write|Describe) on transactional id w /));
  await assert.rejects(log.admin.offsets(partition), denied(/lacks Describe on topic guarded /));
  await assert.rejects(log.admin.committed('group', [partition]), denied(/lacks Describe on group group /));
  const specs = [{ topic: 'fresh', partitions: 1 }];
  await assert.rejects(log.admin.createTopics(specs), denied(/lacks Create on topic fresh /));
  const reader = log.openReader();
  reader.assign([{ ...partition, offset: 0 }]);
  await assert.rejects(reader.read({ maxBytes: 1_000, waitMs: 0 }), denied(/topic guarded/));
});
