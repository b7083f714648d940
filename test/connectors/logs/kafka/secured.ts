// A broker with everything that guards a cluster: TLS with and without client certificates, every way to log in, and rights.
//
// The harness and the broker itself come in through the plain listener, as ANONYMOUS, who may do everything.

import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { Admin, alterUserScramCredentialsV0, type Connection, ConnectionPool } from '@platformatic/kafka';
import type { KafkaOptions } from '../../../../connectors/logs/kafka/index.ts';
import { type Authority, certificateAuthority } from '../../../../testing/kafka/certificates.ts';
import type { KafkaCluster } from '../../../../testing/kafka/cluster.ts';
import { clusterOfFile } from './kit.ts';

const MODULES = 'org.apache.kafka.common.security';
const ITERATIONS = 4_096;
const SCRAM = { 'scram-sha-256': 1, 'scram-sha-512': 2 } as const;
/** After so long a SCRAM-SHA-256 session must be renewed. */
export const SESSION_MS = 2_500;

export interface Secured {
  readonly cluster: KafkaCluster;
  readonly authority: Authority;
  readonly admin: Admin;
  /** For a client certificate's holder. */
  readonly mtls: readonly string[];
  /** For those who log in, over TLS. */
  readonly auth: readonly string[];
  addUser(name: string, password: string, mechanism?: keyof typeof SCRAM): Promise<void>;
  /** Options of a client that logs in. */
  as(sasl: NonNullable<KafkaOptions['sasl']>): Partial<KafkaOptions>;
}

/** `plainUsers`: name to password, for mechanism PLAIN. `superUsers` may do everything. */
export async function securedCluster(
  plainUsers: Readonly<Record<string, string>>,
  superUsers: readonly string[],
): Promise<Secured> {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-certificates-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const authority = certificateAuthority(folder, 'authority');
  const users = Object.entries(plainUsers).map(([name, password]) => `user_${name}="${password}"`);
  const ofAuth = (name: string): string => `listener.name.auth.${name}`;
  const cluster = await clusterOfFile({
    listeners: { AUTH: 'SASL_SSL', MTLS: 'SSL' },
    properties: {
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': authority.keyStore('broker'),
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': authority.caFile,
      'listener.name.mtls.ssl.client.auth': 'required',
      [ofAuth('sasl.enabled.mechanisms')]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
      [ofAuth('plain.sasl.jaas.config')]: `${MODULES}.plain.PlainLoginModule required ${users.join(' ')};`,
      [ofAuth('scram-sha-256.sasl.jaas.config')]: `${MODULES}.scram.ScramLoginModule required;`,
      [ofAuth('scram-sha-512.sasl.jaas.config')]: `${MODULES}.scram.ScramLoginModule required;`,
      [ofAuth('oauthbearer.sasl.jaas.config')]:
        `${MODULES}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
      [ofAuth('scram-sha-256.connections.max.reauth.ms')]: `${SESSION_MS}`,
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': ['ANONYMOUS', ...superUsers].map((name) => `User:${name}`).join(';'),
    },
  });
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...cluster.bootstrap] });
  after(() => admin.close());
  return {
    cluster,
    authority,
    admin,
    mtls: cluster.listeners['MTLS']!,
    auth: cluster.listeners['AUTH']!,
    addUser: (name, password, mechanism = 'scram-sha-512') => addScramUser(cluster, name, password, mechanism),
    as: (sasl) => ({ brokers: cluster.listeners['AUTH']!, tls: { ca: authority.ca }, sasl, patienceMs: 2_000 }),
  };
}

/** The broker is given what it checks passwords against, as kafka-configs.sh does. */
async function addScramUser(
  cluster: KafkaCluster,
  name: string,
  password: string,
  mechanism: keyof typeof SCRAM,
): Promise<void> {
  const salt = randomBytes(16);
  const hash = mechanism === 'scram-sha-256' ? 'sha256' : 'sha512';
  const saltedPassword = pbkdf2Sync(password, salt, ITERATIONS, hash === 'sha256' ? 32 : 64, hash);
  const upsertion = { name, mechanism: SCRAM[mechanism], iterations: ITERATIONS, salt, saltedPassword };
  await onPlainConnection(cluster, (connection) => alterUserScramCredentialsV0.api.async(connection, [], [upsertion]));
}

async function onPlainConnection<Result>(cluster: KafkaCluster, work: (connection: Connection) => Promise<Result>) {
  const [host, port] = cluster.bootstrap[0]!.split(':');
  const pool = new ConnectionPool('test');
  try {
    return await work(await pool.get({ host: host!, port: Number(port) }));
  } finally {
    await pool.close();
  }
}

/** A token of the kind that a broker without a provider's keys takes: unsigned. Its session ends with it. */
export function unsignedToken(subject: string, lifeMs: number, now: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { sub: subject, iat: now / 1_000, exp: (now + lifeMs) / 1_000 };
  return `${part({ alg: 'none' })}.${part(claims)}.`;
}
