// The browser of the tests: Debian's Chromium, installed when it is missing and this user may.
//
// `node scripts/chromium.ts` prints where it is.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Path of the program. Throws an Error that says what to install when there is none. */
export function chromiumPath(): string {
  const given = process.env['CHROMIUM'];
  if (given !== undefined) return given;
  const found = PATHS.find((path) => existsSync(path));
  if (found !== undefined) return found;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    apt('update');
    apt('install', '-y', '--no-install-recommends', 'chromium');
    const installed = PATHS.find((path) => existsSync(path));
    if (installed !== undefined) return installed;
  }
  throw new Error('the tests need Chromium: install it (apt-get install chromium), or set CHROMIUM to its path');
}

function apt(...words: string[]): void {
  const { status, stderr } = spawnSync('apt-get', words, {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status !== 0) throw new Error(`apt-get ${words.join(' ')} failed:\n${stderr}`);
}

if (import.meta.main) console.log(chromiumPath());
