// The Kafka cluster of a configuration.

import { readFileSync } from 'node:fs';
import { type KafkaLog, type KafkaOptions, openKafkaLog } from '../../connectors/kafka/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { FatalError } from '../../lib/errors.ts';
import type { Config } from '../config/index.ts';

type KafkaConfig = NonNullable<Config['kafka']>;

/** Connects on first use. Throws FatalError TRG_CONFIG_INVALID for an address or a certificate that cannot be used. */
export function openKafka(kafka: KafkaConfig, clientId: string, clock: Clock): KafkaLog {
  const { brokers, tls, sasl } = kafka;
  return openKafkaLog({
    brokers,
    clientId,
    clock,
    ...(tls !== undefined && { tls: certificatesOf(tls) }),
    ...(sasl !== undefined && { sasl }),
  });
}

function certificatesOf(tls: NonNullable<KafkaConfig['tls']>): NonNullable<KafkaOptions['tls']> {
  return Object.fromEntries(Object.entries(tls).map(([name, path]) => [name, readPem(path)]));
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new FatalError('TRG_CONFIG_INVALID', `the file ${path} of kafka.tls cannot be read`, {}, error);
  }
}
