// `tripline ready`: waits until a worker that was started beside is ready, so that scripts need not guess how long that takes.

import { systemClock } from '../../../lib/clock.ts';
import { parseDuration } from '../../../lib/duration.ts';
import type { Config } from '../../../services/config/index.ts';
import { findWorker } from '../../../services/live/client.ts';
import { defineCommand, usageError } from '../command.ts';
import { CONFIG_OPTION } from '../options.ts';
import { projectSettings } from '../settings.ts';

const PATIENCE = '60s';
const POLL_MS = 100;
/** One question about its health; the next comes soon. */
const ASK_MS = 2_000;

export const ready = defineCommand({
  name: 'ready',
  summary: 'Waits until the worker is ready, and says where',
  usage: '[-c tripline.yaml] [--timeout DURATION]',
  options: {
    config: CONFIG_OPTION,
    timeout: { type: 'string', value: 'DURATION', description: `How long at most; default: ${PATIENCE}` },
  },
  run: async ({ values }, io) => {
    const { timeout = PATIENCE } = values;
    const patienceMs = parseDuration(timeout);
    if (patienceMs === null) throw usageError(`ready: --timeout ${timeout} is not a duration such as 60s`);
    const { config } = projectSettings({ file: values.config, paths: [] }, io);
    const url = urlOf(config);
    const deadline = systemClock.now() + patienceMs;
    for (;;) {
      if (await isReady(config, url)) {
        io.stdout.write(`ready${url === null ? '' : ` on ${url}`}\n`);
        return 0;
      }
      if (io.signal.aborted || systemClock.now() >= deadline) break;
      await systemClock.sleep(POLL_MS, io.signal);
    }
    io.stderr.write(
      `no worker of ${config.application} is ready${url === null ? '' : ` on ${url}`} after ${timeout}\n`,
    );
    return 1;
  },
});

/** Null where there is no HTTP, or on a port that only the worker knows. */
function urlOf({ http }: Config): string | null {
  if (http === null || http.port === 0) return null;
  const host = http.host === '0.0.0.0' ? '127.0.0.1' : http.host === '::' ? '::1' : http.host;
  return `http://${host.includes(':') ? `[${host}]` : host}:${http.port}`;
}

/** Another program may listen on the port, or another worker: the one on the data folder is meant. */
async function isReady({ dataDir, application }: Config, url: string | null): Promise<boolean> {
  if ((await findWorker({ dataDir, application, clock: systemClock })) === null) return false;
  if (url === null) return true;
  try {
    return (await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(ASK_MS) })).ok;
  } catch {
    return false;
  }
}
