// How fast the embedded log appends and reads, on a real disk, with one writer and one reader.
//
// Measured: what log-load.ts says, each commit synced, checksums checked. Not measured: other topics in the same commit,
// reading from a cold disk cache.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedLog } from '../connectors/logs/embedded/index.ts';
import { systemClock } from '../lib/clock.ts';
import type { Figure } from './figure.ts';
import { measureLog } from './log-load.ts';

/** `scale` 1 writes and reads a million records. */
export async function run(options: { scale: number }): Promise<Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), 'tripline-log-bench-'));
  const log = await openEmbeddedLog({ dir, clock: systemClock });
  try {
    return await measureLog('embedded log', log, options.scale);
  } finally {
    await log.close();
    await rm(dir, { recursive: true, force: true });
  }
}
