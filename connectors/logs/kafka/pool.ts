// A pool of connections to brokers: their addresses, encryption and log-in, and how long they are waited for.

import { isIP } from 'node:net';
import { ConnectionPool } from '@platformatic/kafka';
import { FatalError } from '../../../lib/errors.ts';
import type { Broker } from './connections.ts';
import type { KafkaOptions, SaslOptions } from './options.ts';

/** A broker that does not answer by then is taken for one that is gone, and the next is tried. */
const CONNECT_TIMEOUT_MS = 5_000;
/** More than brokers are asked to wait for anything that goes over these connections. */
const REQUEST_TIMEOUT_MS = 15_000;

/** Connections that are opened as they are asked for, encrypted and logged in as the options say. */
export function poolOf(
  { clientId, brokers, tls, sasl }: KafkaOptions,
  requestTimeout = REQUEST_TIMEOUT_MS,
): ConnectionPool {
  return new ConnectionPool(clientId, {
    connectTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout,
    // Names in certificates and at load balancers are host names: an address is never sent as one.
    ...(tls !== undefined && { tls, tlsServerName: !brokers.map(brokerOf).some(({ host }) => isIP(host) !== 0) }),
    ...(sasl !== undefined && { sasl: loginOf(sasl) }),
  });
}

function loginOf(sasl: SaslOptions) {
  if (sasl.mechanism !== 'oauthbearer') return { ...sasl, mechanism: mechanismOf(sasl.mechanism) };
  const { token, extensions } = sasl;
  const mechanism = 'OAUTHBEARER' as const;
  return {
    mechanism,
    token,
    authBytesValidator: refuseLogin,
    ...(extensions !== undefined && { oauthBearerExtensions: { ...extensions } }),
  };
}

/** Of a token that it does not take the cluster says so in an answer without an error (KIP-255). */
function refuseLogin(said: Buffer, callback: (error: Error | null, said: Buffer) => void): void {
  const refused = said.length > 0 ? new FatalError('TRG_LOG_DENIED', said.toString('utf8').slice(0, 200)) : null;
  callback(refused, said);
}

/** Throws FatalError TRG_CONFIG_INVALID. */
export function brokerOf(text: string): Broker {
  const colon = text.lastIndexOf(':');
  const port = Number(text.slice(colon + 1));
  if (colon <= 0 || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new FatalError('TRG_CONFIG_INVALID', `the broker "${text}" is not host:port`);
  }
  return { host: text.slice(0, colon), port };
}

function mechanismOf(mechanism: string) {
  return mechanism.toUpperCase() as 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
}
