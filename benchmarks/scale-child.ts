// Runs one case of scale-users.bench.ts and scale-timers.bench.ts in a process of its own, whose memory is then the
// engine's: `node benchmarks/scale-child.ts FOLDER FILLED RECORDS` reads the log in FOLDER, of which the first FILLED
// records make the state and the others, up to RECORDS, are measured; it prints a ScaleReport.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock } from '../lib/clock.ts';
import { dueIndexBytes, folderBytes } from './disk-bytes.ts';
import { elapsed } from './figure.ts';
import { LocalEngine, logFolder, openLocalLog, stateFolder } from './local-engine.ts';

export interface ScaleReport {
  /** Of the measured events; processor time is that of all threads, also LevelDB's. */
  readonly processorNanoseconds: number;
  readonly eventsPerSecond: number;
  readonly peakMegabytes: number;
  /**
   * The most of it that was seen to be the process's own, without the pages of files that LevelDB maps, which the system
   * takes back when it needs them; null where it does not tell.
   */
  readonly ownMegabytes: number | null;
  /** What is live on the heap afterwards. */
  readonly heapMegabytes: number;
  /** Of the databases, as they lie on disk while they are open. */
  readonly stateBytes: number;
  /** Of the index of what is due alone. */
  readonly indexBytes: number;
  /** What the databases wrote for a measured event, compactions and all; null where the system does not tell. */
  readonly writtenBytes: number | null;
}

const MEMORY_LOOK_MS = 200;

const [folder, filled, records] = process.argv.slice(2);
const log = await openLocalLog(folder!);
const engine = await LocalEngine.open({ folder: folder!, log });
const over = new AbortController();
const ownMemory = mostOwnMegabytes(over.signal);
let from = 0;
const filling = await elapsed(async () => {
  from = await engine.runUntil(Number(filled));
  await engine.drain();
});
let to = from;
const writtenBefore = writtenToState();
const measured = await elapsed(async () => {
  to = await engine.runUntil(Number(records));
  // What is remembered costs what it costs to have it on disk.
  await engine.drain();
});
const writtenAfter = writtenToState();
// So few that they were all done in one turn: then all there is to tell is what all of them cost.
const isSmall = to === from;
const { wall, cpu } = isSmall ? filling : measured;
const events = to - (isSmall ? 0 : from);
over.abort();
const heapBytes = liveHeapBytes();
const stores = stateFolder(folder!);
const stateBytes = folderBytes(stores);
await engine.close();
await log.close();
let indexBytes = 0;
for (const store of readdirSync(stores)) indexBytes += await dueIndexBytes(join(stores, store));
const report: ScaleReport = {
  processorNanoseconds: Math.round((cpu * 1e9) / events),
  eventsPerSecond: Math.round(events / wall),
  peakMegabytes: Math.round(process.resourceUsage().maxRSS / 1024),
  ownMegabytes: await ownMemory,
  heapMegabytes: Math.round(heapBytes / 2 ** 20),
  stateBytes,
  indexBytes,
  writtenBytes: isSmall ? null : writtenAfter && Math.round((writtenAfter - writtenBefore!) / events),
};
process.stdout.write(JSON.stringify(report));

/** All that this process has written, but for the log. */
function writtenToState(): number | null {
  const io = '/proc/self/io';
  if (!existsSync(io)) return null;
  return Number(/^wchar: (\d+)$/m.exec(readFileSync(io, 'utf8'))?.[1]) - folderBytes(logFolder(folder!));
}

async function mostOwnMegabytes(signal: AbortSignal): Promise<number | null> {
  const status = '/proc/self/status';
  if (!existsSync(status)) return null;
  let most = 0;
  for (; !signal.aborted; await systemClock.sleep(MEMORY_LOOK_MS, signal)) {
    const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'))?.[1];
    if (kilobytes === undefined) return null;
    most = Math.max(most, Number(kilobytes) / 1024);
  }
  return Math.round(most);
}

function liveHeapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
