// Python programs for tests, in an environment of their own that is made once for each list of versions.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/python/', import.meta.url));

/**
 * The folder of the programs of an environment with what `requirements` lists, such as test/clients/segment.txt, and, unless it
 * `listsAll`, what that depends on.
 */
export async function pythonPrograms(requirements: URL, { listsAll = false } = {}): Promise<string> {
  const list = fileURLToPath(requirements);
  const folder = join(CACHE, createHash('sha256').update(readFileSync(list)).digest('hex').slice(0, 12));
  if (existsSync(join(folder, 'complete'))) return join(folder, 'bin');
  mkdirSync(CACHE, { recursive: true });
  // What another process made meanwhile, or left behind half made, is made anew.
  rmSync(folder, { recursive: true, force: true });
  try {
    await run('python3', ['-m', 'venv', folder]);
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
    await run(join(folder, 'bin/python'), [...install, ...(listsAll ? ['--no-deps'] : []), '-r', list]);
    mkdirSync(join(folder, 'complete'));
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true });
    throw new Error(`this test needs python3 with venv on the PATH, and a package index: ${String(cause)}`, { cause });
  }
  return join(folder, 'bin');
}
