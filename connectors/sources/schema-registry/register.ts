// At start: the subjects of the topics that Tripline writes, and the ids that the registry gives their schemas.
//
// Invariants:
//   G1. A subject is BACKWARD, or stricter where its owner made it so, before a schema is registered under it: what readers
//       of the topic cannot read is refused, and the process stops.
//   G2. The same registry gives the same ids each time, so a replay writes the same bytes (I1).

import type { Clock } from '../../../lib/clock.ts';
import { describeError, FatalError, RetryableError } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { SchemaIds } from '../../../schemas/framed.ts';
import type { PublicSchema } from '../../../topology/public-schemas.ts';
import type { RegistryClient } from './client.ts';

export interface RegisterOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a registry that does not answer is waited for, ms. */
  readonly patienceMs: number;
}

const COMPATIBILITY = 'BACKWARD';
const AT_LEAST_BACKWARD = new Set([COMPATIBILITY, 'BACKWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE']);
/** Short, so that a registry that starts beside the worker costs no time; longer after each try. */
const FIRST_RETRY_MS = 500;
const RETRY_MAX_MS = 5_000;

/**
 * Ids by topic. Throws FatalError TRG_SCHEMA_INCOMPATIBLE, TRG_REGISTRY_REFUSED, or TRG_REGISTRY_UNREACHABLE after
 * `patienceMs`. Without ids, empty, when `signal` aborts before.
 */
export async function registerSchemas(
  client: RegistryClient,
  schemas: readonly PublicSchema[],
  options: RegisterOptions,
  signal: AbortSignal,
): Promise<SchemaIds> {
  const { clock, logger, patienceMs } = options;
  const until = clock.now() + patienceMs;
  for (let retryMs = FIRST_RETRY_MS; !signal.aborted; retryMs = Math.min(2 * retryMs, RETRY_MAX_MS)) {
    try {
      const ids = await registerAll(client, schemas);
      logger.info({ registry: client.url, subjects: schemas.length }, 'schemas are registered');
      return ids;
    } catch (error) {
      if (!(error instanceof RetryableError)) throw error;
      const leftMs = until - clock.now();
      if (leftMs <= 0) {
        const text = `${error.message}; waited ${patienceMs / 1_000} s (registry.startTimeout)`;
        throw new FatalError(error.code, text, error.fields, error);
      }
      const retryInMs = Math.min(retryMs, leftMs);
      logger.warn({ retryInMs, givesUpInMs: leftMs, error: describeError(error) }, 'waiting for the schema registry');
      await clock.sleep(retryInMs, signal);
    }
  }
  return {};
}

async function registerAll(client: RegistryClient, schemas: readonly PublicSchema[]): Promise<SchemaIds> {
  const ids: Record<string, number> = {};
  for (const { topic, subject, text } of schemas) {
    const level = await client.compatibility(subject);
    if (level === null || !AT_LEAST_BACKWARD.has(level)) await client.setCompatibility(subject, COMPATIBILITY);
    ids[topic] = await client.register(subject, text);
  }
  return ids;
}
