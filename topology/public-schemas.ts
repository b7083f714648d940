// Which schema the records of each topic have that others read: what a registry and docs/asyncapi.yaml are told.

import { schemaJson } from '../schemas/codec.ts';
import { actionsTopic, publicTopics } from './topics.ts';

export interface PublicSchema {
  readonly topic: string;
  /** By topic, as Confluent's TopicNameStrategy has it. */
  readonly subject: string;
  /** File in schemas/, without its ending. */
  readonly name: string;
  /** The schema, as JSON. */
  readonly text: string;
}

/** Of every topic that a configuration with this prefix writes for others; `channels`: those that rules may send to. */
export function publicSchemas(prefix: string, channels: readonly string[]): readonly PublicSchema[] {
  const { decisions, flows, deliveries, deadLetter, late } = publicTopics(prefix);
  const names: readonly (readonly [topic: string, name: string])[] = [
    ...channels.map((channel) => [actionsTopic(prefix, channel), 'actions/action'] as const),
    [decisions, 'decision'],
    [flows, 'flow-record'],
    [deliveries, 'delivery'],
    [deadLetter, 'dead-letter'],
    [late, 'late'],
  ];
  return names.map(([topic, name]) => ({ topic, name, subject: `${topic}-value`, text: schemaJson(name) }));
}
