// What reading costs in Node without any engine: a program of one thread that reads all partitions from the start.
//
// `node floor.ts BROKERS TOPIC PARTITIONS fetch|parse` says READY, and then, line by line, how many events it has read.
// `fetch` reads them and looks at nothing; `parse` also makes JSON of each and looks up its user in a Map. It keeps
// nothing on disk and writes nothing, so no engine in Node on this client can be faster.

import { openKafkaLog } from '../../connectors/logs/kafka/index.ts';
import { systemClock } from '../../lib/clock.ts';
import type { LogRecord } from '../../schemas/record.ts';

const READ_BYTES = 4 * 1024 * 1024;
/** So seldom that saying it costs nothing. */
const SAY_MS = 10;

const [brokers, topic, partitions, kind] = process.argv.slice(2);
if (brokers === undefined || topic === undefined || (kind !== 'fetch' && kind !== 'parse')) {
  throw new Error('usage: node floor.ts BROKERS TOPIC PARTITIONS fetch|parse');
}

const log = openKafkaLog({ brokers: brokers.split(','), clientId: 'bench-floor', clock: systemClock });
const reader = log.openReader();
reader.assign(Array.from({ length: Number(partitions) }, (_, partition) => ({ topic, partition, offset: 0 })));
/** The last event of each user: less than any job could do with. */
const users = new Map<string, { event: string; timestamp: string }>();
let count = 0;
let said = 0;
console.log('READY');
for (;;) {
  const fetched = await reader.read({ maxBytes: READ_BYTES, waitMs: 1_000 });
  for (const { records } of fetched) {
    count += records.length;
    if (kind === 'parse') records.forEach(remember);
  }
  const now = systemClock.now();
  const isAtEnd = fetched.every(({ nextOffset, endOffset }) => nextOffset >= endOffset);
  if (now - said < SAY_MS && !isAtEnd) continue;
  said = now;
  console.log(count);
}

function remember({ value }: LogRecord): void {
  const text = Buffer.from(value!.buffer, value!.byteOffset, value!.length).toString();
  const { userId, event, timestamp } = JSON.parse(text) as { userId: string; event: string; timestamp: string };
  const known = users.get(userId);
  if (known === undefined) {
    users.set(userId, { event, timestamp });
  } else {
    known.event = event;
    known.timestamp = timestamp;
  }
}
