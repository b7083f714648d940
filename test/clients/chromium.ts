// A real browser for tests: Debian's Chromium, installed when it is missing and may be.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { type Browser, chromium } from 'playwright-core';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const INSTALL_MS = 300_000;

export async function openChromium(t: TestContext): Promise<Browser> {
  const executablePath = installed() ?? install();
  // The sandbox needs rights that containers do not give, and the pages are the tests' own.
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  t.after(() => browser.close());
  return browser;
}

function installed(): string | undefined {
  const given = process.env['CHROMIUM'];
  return given ?? PATHS.find((path) => existsSync(path));
}

function install(): string {
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    const options = { stdio: 'ignore', timeout: INSTALL_MS } as const;
    execFileSync('apt-get', ['update'], options);
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], options);
  }
  const path = installed();
  if (path !== undefined) return path;
  throw new Error('this test needs Chromium: install the package chromium, or name its path in CHROMIUM');
}
