// `npm run verify`: all checks that need no test run. All of them run even if one fails; each says PASS or FAIL.

import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const BIN = join(ROOT, 'node_modules', '.bin');

const CHECKS: readonly { name: string; command: string; args: readonly string[] }[] = [
  { name: 'format and lint', command: join(BIN, 'biome'), args: ['check', '--error-on-warnings'] },
  { name: 'types', command: join(BIN, 'tsc'), args: ['-p', '.'] },
  { name: 'imports', command: process.execPath, args: ['scripts/check-imports.ts'] },
  { name: 'edges', command: process.execPath, args: ['scripts/edges.ts'] },
  { name: 'unused code', command: join(BIN, 'knip'), args: ['--no-progress'] },
];

const failed = CHECKS.filter(({ name, command, args }) => {
  const start = performance.now();
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' });
  const passed = status === 0;
  if (!passed) process.stdout.write(`${stdout ?? ''}${stderr ?? ''}${error === undefined ? '' : `${error.message}\n`}`);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${passed ? 'PASS' : 'FAIL'} ${name} (${seconds} s)`);
  return !passed;
});
console.log(
  failed.length === 0 ? 'verify: all passed' : `verify: failed: ${failed.map(({ name }) => name).join(', ')}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
