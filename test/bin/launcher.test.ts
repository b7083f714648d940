import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const LAUNCHER = fileURLToPath(new URL('../../bin/tripline', import.meta.url));
const MAIN = 'console.log(process.execPath, ...process.argv.slice(2));\nprocess.exitCode = 3;\n';

interface Clone {
  readonly folder: string;
  /** Runs a launcher with only these folders and the system's on the PATH. */
  run(launcher: string, ...args: string[]): { status: number | null; out: string; err: string };
  /** Puts a `node` of that version into a folder: a script that only knows its version. */
  fakeNode(folder: string, version: string): void;
}

/** A clone with the launcher and a main.ts that tells how it was started; the PATH begins with its folder `path`. */
function clone(t: TestContext): Clone {
  const folder = mkdtempSync(join(tmpdir(), 'tripline launcher '));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ['bin', 'apps/cli', 'node_modules/.bin', 'path'])
    mkdirSync(join(folder, name), { recursive: true });
  copyFileSync(LAUNCHER, join(folder, 'bin/tripline'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'apps/cli/main.ts'), MAIN);
  return {
    folder,
    run: (launcher, ...args) => {
      const env = { PATH: `${join(folder, 'path')}:/usr/bin:/bin` };
      const { status, stdout, stderr } = spawnSync(join(folder, launcher), args, { env, encoding: 'utf8' });
      return { status, out: stdout, err: stderr };
    },
    fakeNode: (where, version) => {
      const file = join(folder, where, 'node');
      writeFileSync(file, `#!/bin/sh\n[ "$1" = --version ] && echo ${version} || echo fake "$@"\n`);
      chmodSync(file, 0o755);
    },
  };
}

test('with an old Node on the PATH it runs on the one in node_modules, and passes words and exit code on', (t) => {
  const { folder, run, fakeNode } = clone(t);
  fakeNode('path', 'v20.20.2');
  symlinkSync(process.execPath, join(folder, 'node_modules/.bin/node'));
  const { status, out } = run('bin/tripline', 'check', 'a b', '--json');
  assert.equal(out, `${process.execPath} check a b --json\n`);
  assert.equal(status, 3);
});

test('with a Node on the PATH that is new enough it runs on that', (t) => {
  const { run, fakeNode } = clone(t);
  fakeNode('path', 'v24.0.0');
  assert.match(run('bin/tripline', 'check').out, /^fake .*apps\/cli\/main\.ts check\n$/);
});

test('through a symlink, as npx does, it finds its own folder', (t) => {
  const { folder, run, fakeNode } = clone(t);
  fakeNode('path', 'v20.20.2');
  symlinkSync(process.execPath, join(folder, 'node_modules/.bin/node'));
  symlinkSync('../../bin/tripline', join(folder, 'node_modules/.bin/tripline'));
  symlinkSync(join(folder, 'node_modules/.bin/tripline'), join(folder, 'path/tripline'));
  assert.equal(run('path/tripline', 'x').out, `${process.execPath} x\n`);
});

test('with no Node new enough it says so and what to do, and exits 1', (t) => {
  const { run, fakeNode } = clone(t);
  fakeNode('path', 'v20.20.2');
  const { status, out, err } = run('bin/tripline', 'check');
  assert.equal(status, 1);
  assert.equal(out, '');
  assert.match(err, /needs Node 24 or newer \(on the PATH: v20\.20\.2/);
  assert.match(err, /\n {2}npm ci {4}# without --omit=dev\n$/);
  const long = err.split('\n').filter((line) => line.length > 80 && !line.startsWith('  cd '));
  assert.deepEqual(long, [], 'lines fit a terminal');
});
