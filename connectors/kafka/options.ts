// How to reach a cluster, and how long to try.

import type { Clock } from '../../lib/clock.ts';

export interface KafkaOptions {
  /** `host:port` of at least one broker; the others are learnt from it. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly clock: Clock;
  /** PEM texts; an empty object encrypts with the system's authorities. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly sasl?: { readonly mechanism: SaslMechanism; readonly username: string; readonly password: string };
  /** How long a request is tried again before RetryableError TRG_LOG_UNREACHABLE, ms. */
  readonly patienceMs?: number;
  /** When the cluster gives up a transaction whose writer is gone, ms: so long readers may have to wait. */
  readonly transactionTimeoutMs?: number;
}

export type SaslMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512';

/** Long enough for a broker's restart, so that it costs a pause and no new start of the engine. */
export const PATIENCE_MS = 20_000;
/** Beyond the patience: a transaction must not end while its writer still tries. */
export const TRANSACTION_TIMEOUT_MS = 30_000;
