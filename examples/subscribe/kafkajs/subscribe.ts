// Reads actions with kafkajs and prints each as a line of JSON. docs/subscribing.md explains it.
//
//   BROKERS=127.0.0.1:9092 REGISTRY=http://127.0.0.1:8081 TOPICS=actions.webhook GROUP=my-team node subscribe.ts

import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { Kafka, logLevel } from 'kafkajs';

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`the environment variable ${name} is not set`);
  return value;
}

const registry = new SchemaRegistry({ host: setting('REGISTRY') });
const kafka = new Kafka({ clientId: 'subscriber', brokers: setting('BROKERS').split(','), logLevel: logLevel.ERROR });
// kafkajs reads only what was committed unless it is told otherwise.
const consumer = kafka.consumer({ groupId: setting('GROUP') });

await consumer.connect();
await consumer.subscribe({ topics: setting('TOPICS').split(','), fromBeginning: true });
await consumer.run({
  eachMessage: async ({ topic, partition, message }) => {
    // In the dead-letter topic a record without a value marks a letter that was replayed.
    if (message.value === null) return;
    const { data, context, ...action } = await registry.decode(message.value);
    // A record may come again after a fault of this program: whatever is done here goes by `action.id`, once.
    const line = {
      topic,
      partition,
      offset: message.offset,
      key: message.key?.toString(),
      decisionId: message.headers?.['tripline-decision-id']?.toString(),
      ...action,
      data: JSON.parse(data),
      context: JSON.parse(context),
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  },
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void consumer.disconnect());
}
