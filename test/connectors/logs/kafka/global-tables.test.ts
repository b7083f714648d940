import { systemClock } from '../../../../lib/clock.ts';
import { globalTablesSuite } from '../../../contract/global-tables.suite.ts';
import { clusterOfFile, cornerOf, openLog } from './kit.ts';

const cluster = await clusterOfFile();
let corners = 0;

globalTablesSuite('global tables over Kafka', async (t) =>
  cornerOf(openLog(t, cluster, { clock: systemClock }), `tables${corners++}-`),
);
