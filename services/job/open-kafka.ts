// The Kafka cluster of a configuration.

import { type KafkaLog, kafkaOptionsOf, openKafkaLog } from '../../connectors/logs/kafka/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { isChangelogTopic, isInternalTopic } from '../../topology/topics.ts';
import type { Config } from '../config/index.ts';

/**
 * Connects on first use. Throws FatalError TRG_CONFIG_INVALID for an address or a certificate that cannot be used.
 * `config` must have `kafka`.
 */
export function openKafka(
  config: Pick<Config, 'kafka' | 'application' | 'topics' | 'guarantee'>,
  clock: Clock,
): KafkaLog {
  const { application, kafka, topics, guarantee } = config;
  const { compression } = topics;
  return openKafkaLog({
    ...kafkaOptionsOf(kafka!, application, clock),
    guarantee,
    isStateTopic: (topic) => isChangelogTopic(application, topic),
    codecOf: (topic) => (isInternalTopic(application, topic) ? compression.internal : compression.public),
  });
}
