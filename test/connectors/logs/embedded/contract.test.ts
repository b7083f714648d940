import { MessageChannel } from 'node:worker_threads';
import { connectToLog, serveLog } from '../../../../connectors/logs/embedded/threads.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { logSuite } from '../../../contract/log.suite.ts';
import { openLog, temporaryFolder } from './kit.ts';

logSuite('embedded log', async (t) => {
  const clock = new FakeClock();
  return { log: await openLog(t, await temporaryFolder(t), { clock }), clock };
});

logSuite('embedded log in many small files, synced by nobody', async (t) => {
  const clock = new FakeClock();
  const options = { clock, segmentBytes: 500, fsync: 'never' } as const;
  return { log: await openLog(t, await temporaryFolder(t), options), clock };
});

logSuite('embedded log through a port', async (t) => {
  const clock = new FakeClock();
  const owner = await openLog(t, await temporaryFolder(t), { clock });
  const { port1, port2 } = new MessageChannel();
  serveLog(owner, port1);
  const log = connectToLog(port2);
  t.after(() => log.close());
  return { log, clock };
});
