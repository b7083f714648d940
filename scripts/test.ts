// `npm test`: all tests, or those of the paths given. `npm test -- test/rules` runs a folder, `-- --test-name-pattern=x`
// passes options of `node --test` on.

import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Test files at a time: some measure memory or kill processes, and more would disturb each other. */
const CONCURRENCY = 2;

const given = process.argv.slice(2);
const options = given.filter((word) => word.startsWith('-'));
const paths = given.filter((word) => !word.startsWith('-'));
const patterns = (paths.length === 0 ? ['test'] : paths).map((path) =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? `${path}/**/*.test.ts` : path,
);
const args = ['--test', `--test-concurrency=${CONCURRENCY}`, '--test-reporter=spec', ...options, ...patterns];
const root = dirname(dirname(fileURLToPath(import.meta.url)));
// Every file is a process that loads much of the same code: compiled once, it costs the others half the processor time.
const env = { NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/tripline'), ...process.env };
const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env });
child.on('exit', (code, signal) => {
  process.exitCode = signal === null ? (code ?? 1) : 1;
});
