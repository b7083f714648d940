// Certificates and log-in of a configuration, as connections need them.
//
// Owns: reading certificates, choosing where tokens come from. Does not own: getting them (oauth.ts), connecting (cluster.ts).

import { readFileSync } from 'node:fs';
import type { Clock } from '../../../lib/clock.ts';
import { FatalError } from '../../../lib/errors.ts';
import { KAFKA_FILES, type KafkaConfig } from './config.ts';
import { type TokenSource, tokenFromFile, tokenFromProvider } from './oauth.ts';
import type { KafkaOptions, SaslOptions } from './options.ts';

type SaslConfig = NonNullable<KafkaConfig['sasl']>;

/** Throws FatalError TRG_CONFIG_INVALID for a certificate that cannot be read. */
export function kafkaOptionsOf({ brokers, tls, sasl }: KafkaConfig, clientId: string, clock: Clock): KafkaOptions {
  return {
    brokers,
    clientId,
    clock,
    ...(tls !== undefined && { tls: certificatesOf(tls) }),
    ...(sasl !== undefined && { sasl: saslOf(sasl, clock) }),
  };
}

function certificatesOf(tls: NonNullable<KafkaConfig['tls']>): NonNullable<KafkaOptions['tls']> {
  const files = KAFKA_FILES.tls.flatMap((name) => (tls[name] === undefined ? [] : [[name, readPem(tls[name])]]));
  return { ...Object.fromEntries(files), ...(tls.passphrase !== undefined && { passphrase: tls.passphrase }) };
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new FatalError('TRG_CONFIG_INVALID', `the file ${path} of kafka.tls cannot be read`, {}, error);
  }
}

function saslOf(sasl: SaslConfig, clock: Clock): SaslOptions {
  const { mechanism, username, password, extensions } = sasl;
  if (mechanism !== 'oauthbearer') return { mechanism, username: username!, password: password! };
  return { mechanism, token: tokenOf(sasl, clock), ...(extensions !== undefined && { extensions }) };
}

function tokenOf({ token, tokenPath, tokenUrl, clientId, clientSecret, scope }: SaslConfig, clock: Clock): TokenSource {
  if (token !== undefined) return async () => token;
  if (tokenPath !== undefined) return tokenFromFile(tokenPath);
  const credentials = { tokenUrl: tokenUrl!, clientId: clientId!, clientSecret: clientSecret! };
  return tokenFromProvider({ ...credentials, ...(scope !== undefined && { scope }) }, clock);
}
