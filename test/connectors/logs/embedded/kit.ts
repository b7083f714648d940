// A data folder that goes with the test, and logs opened in it.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type EmbeddedLog,
  type EmbeddedLogOptions,
  openEmbeddedLog,
} from '../../../../connectors/logs/embedded/embedded-log.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import type { Cleanup } from '../../../contract/log-kit.ts';

export async function temporaryFolder(t: Cleanup): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tripline-log-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Opens a log that is closed with the test, and cleaned only by the test. */
export async function openLog(
  t: Cleanup,
  dir: string,
  options: Partial<EmbeddedLogOptions> = {},
): Promise<EmbeddedLog> {
  const log = await openEmbeddedLog({ dir, clock: new FakeClock(), cleanEveryMs: 0, ...options });
  t.after(() => log.close());
  return log;
}

export interface Notice {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A logger that remembers. */
export function recordingLogger(): { notices: Notice[]; logger: NonNullable<EmbeddedLogOptions['logger']> } {
  const notices: Notice[] = [];
  const at = (level: Notice['level']) => (fields: Notice['fields'], message: string) => {
    notices.push({ level, fields, message });
  };
  return { notices, logger: { info: at('info'), warn: at('warn'), error: at('error') } };
}
