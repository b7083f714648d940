export { kafkaOptionsOf } from './credentials.ts';
export { type KafkaLog, openKafkaLog } from './kafka-log.ts';
export type { KafkaOptions } from './options.ts';
