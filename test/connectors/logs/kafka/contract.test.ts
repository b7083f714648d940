import { logSuite } from '../../../contract/log.suite.ts';
import { BrokerClock, clusterOfFile, cornerOf, openLog } from './kit.ts';

const cluster = await clusterOfFile();
let corners = 0;

logSuite('kafka', async (t) => {
  const clock = new BrokerClock();
  return { log: cornerOf(openLog(t, cluster, { clock }), `corner${corners++}-`), clock, markers: 1 };
});
