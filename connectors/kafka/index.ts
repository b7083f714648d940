export { type KafkaLog, openKafkaLog } from './kafka-log.ts';
export type { KafkaOptions } from './options.ts';
