// A case of scale-users.bench.ts or scale-timers.bench.ts: the log is written here, read by scale-child.ts.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { EventOptions } from './events.ts';
import type { Figure } from './figure.ts';
import { LOCAL_PARTITIONS, LOCAL_TOPIC, openLocalLog } from './local-engine.ts';
import type { ScaleReport } from './scale-child.ts';
import { writeAhead } from './worker-load.ts';

const CHILD = fileURLToPath(new URL('./scale-child.ts', import.meta.url));

/** Events that make the state, then those that are measured: `inputs` one after the other, the first `filled` of all. */
export async function measureCase(inputs: readonly EventOptions[], filled: number): Promise<ScaleReport> {
  const folder = await mkdtemp(join(tmpdir(), 'tripline-scale-bench-'));
  try {
    const log = await openLocalLog(folder);
    for (const input of inputs) await writeAhead(log, LOCAL_TOPIC, LOCAL_PARTITIONS, input);
    await log.close();
    const records = inputs.reduce((sum, { events }) => sum + events, 0);
    const args = [...process.execArgv, CHILD, folder, String(filled), String(records)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return JSON.parse(stdout) as ScaleReport;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What of the peak memory is the process's own, where the system tells. */
export function ownMemory(name: string, { ownMegabytes }: ScaleReport): Figure[] {
  const what = `${name}: memory of its own, without mapped files`;
  return ownMegabytes === null ? [] : [{ name: what, value: ownMegabytes, unit: 'MB' }];
}
