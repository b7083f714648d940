// Runs one case of scale-users.bench.ts and scale-timers.bench.ts in a process of its own, whose memory is then the
// engine's: `node benchmarks/scale-child.ts FOLDER FILLED RECORDS` reads the log in FOLDER, of which the first FILLED
// records make the state and the others, up to RECORDS, are measured; it prints a ScaleReport.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { elapsed } from './figure.ts';
import { folderBytes } from './folder-bytes.ts';
import { LocalEngine, openLocalLog, stateFolder } from './local-engine.ts';

export interface ScaleReport {
  /** Of the measured events; processor time is that of all threads, also LevelDB's. */
  readonly processorNanoseconds: number;
  readonly eventsPerSecond: number;
  readonly peakMegabytes: number;
  /** What is live on the heap afterwards. */
  readonly heapMegabytes: number;
  /** Of the databases, as they lie on disk while they are open. */
  readonly stateBytes: number;
}

const [folder, filled, records] = process.argv.slice(2);
const log = await openLocalLog(folder!);
const engine = await LocalEngine.open({ folder: folder!, log });
const from = await engine.runUntil(Number(filled));
let to = from;
const { wall, cpu } = await elapsed(async () => {
  to = await engine.runUntil(Number(records));
});
const events = Math.max(1, to - from);
const report: ScaleReport = {
  processorNanoseconds: Math.round((cpu * 1e9) / events),
  eventsPerSecond: Math.round(events / wall),
  peakMegabytes: Math.round(process.resourceUsage().maxRSS / 1024),
  heapMegabytes: Math.round(liveHeapBytes() / 2 ** 20),
  stateBytes: folderBytes(stateFolder(folder!)),
};
await engine.close();
await log.close();
process.stdout.write(JSON.stringify(report));

function liveHeapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
