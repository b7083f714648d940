// Shows a page in the browser of whoever called a command: a file that is theirs alone, and the platform's opener.
//
// Owns: both. Does not own: what is on the page (message-page.ts).

import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../services/config/index.ts';

/** What it shows is somebody's data. */
const FILE_MODE = 0o600;

export interface OpenedPage {
  readonly file: string;
  /** Null: the browser was asked to show it; else why not. */
  readonly trouble: string | null;
}

/** `platform`: as process.platform has it. The file stays, as the browser reads it when it likes. */
export async function openPage(
  html: string,
  env: Environment,
  platform: string = process.platform,
): Promise<OpenedPage> {
  const file = join(mkdtempSync(join(tmpdir(), 'tripline-preview-')), 'preview.html');
  writeFileSync(file, html, { mode: FILE_MODE });
  const opener = openerOf(platform, env);
  if (opener === null) return { file, trouble: 'there is no display here' };
  const [command, ...words] = opener;
  return { file, trouble: (await started(command, [...words, file], env)) ? null : `${command} could not be started` };
}

/** Null: there is no display to open anything on. */
export function openerOf(platform: string, env: Environment): readonly [string, ...string[]] | null {
  if (platform === 'darwin') return ['open'];
  // `start` takes its first quoted word for a title.
  if (platform === 'win32') return ['cmd', '/c', 'start', '""'];
  const hasDisplay = (env['DISPLAY'] ?? '') !== '' || (env['WAYLAND_DISPLAY'] ?? '') !== '';
  return hasDisplay ? ['xdg-open'] : null;
}

/** It goes on by itself when the command has ended. */
function started(command: string, words: readonly string[], env: Environment): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, words, { detached: true, stdio: 'ignore', env: env as NodeJS.ProcessEnv });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}
