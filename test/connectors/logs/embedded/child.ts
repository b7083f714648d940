// A process of its own for tests: opens the log of a folder and writes transactions until it is killed.
//
//   node child.ts hold DIR    only holds the log open, after printing "open"
//   node child.ts write DIR   commits without end, and prints each transaction's number once it is acknowledged
//
// Transaction n writes "n" to both partitions of `events` and to `actions`, and commits position n.

import { openEmbeddedLog } from '../../../../connectors/logs/embedded/embedded-log.ts';
import { systemClock } from '../../../../lib/clock.ts';
import { record } from '../../../contract/log-kit.ts';

const [what, dir] = process.argv.slice(2);
const log = await openEmbeddedLog({ dir: dir!, clock: systemClock, segmentBytes: 20_000, cleanEveryMs: 20 });
if (what === 'hold') {
  process.stdout.write('open\n');
  await systemClock.sleep(600_000);
}
await log.admin.createTopics([
  { topic: 'events', partitions: 2 },
  { topic: 'actions', partitions: 1, compacted: true },
]);
const where = { topic: 'events', partition: 0 };
const [position] = await log.admin.committed('group', [where]);
const writer = await log.openWriter('child');
for (let n = (position?.offset ?? 0) + 1; ; n++) {
  const number = `${n}`;
  writer.send([record('events/0', number), record('events/1', number), record('actions/0', number, `k${n % 10}`)]);
  await writer.commit('group', [{ ...where, offset: n, metadata: '' }]);
  process.stdout.write(`${n}\n`);
  if (n % 50 === 0) void log.clean({ force: true });
}
