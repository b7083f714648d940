// How to reach a cluster, and how long to try.

import type { Clock } from '../../../lib/clock.ts';
import type { Codec } from './compression.ts';

export interface KafkaOptions {
  /** `host:port` of at least one broker; the others are learnt from it. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly clock: Clock;
  /** PEM texts; an empty object encrypts with the system's authorities. `passphrase` is that of `key`. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly passphrase?: string };
  readonly sasl?: SaslOptions;
  /** How the records of a topic are packed; left out: not at all. */
  readonly codecOf?: (topic: string) => Codec;
  /** `at_least_once` writes without transactions: faster, but a crash repeats what was not committed. */
  readonly guarantee?: 'exactly_once' | 'at_least_once';
  /**
   * Topics that say what was processed, such as changelogs. Without transactions they are written once all else is: what
   * they recall as done after a crash is then really done.
   */
  readonly isStateTopic?: (topic: string) => boolean;
  /** How long a request is tried again before RetryableError TRG_LOG_UNREACHABLE, ms. */
  readonly patienceMs?: number;
  /** When the cluster gives up a transaction whose writer is gone, ms: so long readers may have to wait. */
  readonly transactionTimeoutMs?: number;
}

export type SaslOptions = PasswordLogin | TokenLogin;

export interface PasswordLogin {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

export interface TokenLogin {
  readonly mechanism: 'oauthbearer';
  /** Asked at each log-in (oauth.ts). Throws RetryableError when there is none just now, FatalError when never. */
  readonly token: () => Promise<string>;
  /** Extensions of the log-in (KIP-342), such as `logicalCluster`. */
  readonly extensions?: Readonly<Record<string, string>>;
}

/** Long enough for a broker's restart, so that it costs a pause and no new start of the engine. */
export const PATIENCE_MS = 20_000;
/** Beyond the patience: a transaction must not end while its writer still tries. */
export const TRANSACTION_TIMEOUT_MS = 30_000;
