import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../apps/cli/main.ts', import.meta.url));
/** Keeps a process alive for good. */
const LEFT_OPEN = "data:text/javascript,import{createServer}from'node:net';createServer().listen(0,'127.0.0.1')";

test('a command that is over ends its process with its exit code, whatever was left open', () => {
  for (const [words, code] of [
    [['help'], 0],
    [['nothing'], 2],
  ] as const) {
    const ended = spawnSync(process.execPath, ['--import', LEFT_OPEN, MAIN, ...words], { timeout: 60_000 });
    assert.deepEqual([ended.status, ended.signal], [code, null]);
  }
});
