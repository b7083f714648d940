// A worker thread for tests: writes its own transactions through the port and reads everybody's until all are there.

import { parentPort, workerData } from 'node:worker_threads';
import { connectToLog } from '../../../../connectors/logs/embedded/threads.ts';
import { record, text } from '../../../contract/log-kit.ts';

const { port, name, transactions, expected } = workerData;
const log = connectToLog(port);
const writer = await log.openWriter(name);
for (let i = 0; i < transactions; i++) {
  writer.send([record('events/0', `${name}-${i}-a`), record('events/1', `${name}-${i}-x`)]);
  writer.send([record('events/0', `${name}-${i}-b`)]);
  await writer.commit(name, [{ topic: 'events', partition: 0, offset: i, metadata: '' }]);
}
const reader = log.openReader();
reader.assign([
  { topic: 'events', partition: 0, offset: 0 },
  { topic: 'events', partition: 1, offset: 0 },
]);
const values: [(string | null)[], (string | null)[]] = [[], []];
while (values[0].length < expected[0] || values[1].length < expected[1]) {
  for (const { partition, records } of await reader.read({ maxBytes: 2_000, waitMs: 10_000 })) {
    values[partition as 0 | 1].push(...records.map(({ value }) => text(value)));
  }
}
parentPort!.postMessage(values);
await log.close();
