// The process around a command: its streams, signals and exit code. bin/tripline runs this.
//
// Edge `start`: a command runs, or a worker starts, and something that it needs is not there.
//   throws: it ends with exit code 1 and a message that says what, where and how to mend it; a bug says to report it
//   rejects: as a throw
//   hangs: a worker that waits for its log says so every half minute and is live, not ready; Ctrl-C ends any command
//   too large: as a throw
//   behind: apps/cli/, apps/demo/, lib/, schemas/codec.ts, services/

import { readFileSync } from 'node:fs';
import { PACKAGE_FOLDER } from '../../lib/package-folder.ts';
import type { Io } from './command.ts';
import { COMMANDS } from './commands/index.ts';
import { runCommandLine } from './dispatch.ts';

const INTERRUPTED = 130;
const LINGER_MS = 2_000;

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // The first asks the command to end well; whoever asks again wants it gone.
    if (stop.signal.aborted) process.exit(INTERRUPTED);
    stop.abort(signal);
  });
}
// `tripline decisions | head` closes the pipe early: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const io: Io = {
  stdout: process.stdout,
  stderr: process.stderr,
  isTerminal: process.stdout.isTTY === true,
  signal: stop.signal,
  onHangup: (listener) => process.on('SIGHUP', listener),
  env: process.env,
  folder: process.cwd(),
};
const words = process.argv.slice(2);
if (words[0] === '--version') process.stdout.write(`${version()}\n`);
else process.exitCode = await runCommandLine(words, COMMANDS, io);
// A socket that a library left open, to a broker that no longer answers, must not keep a process whose work is done. The
// timer itself keeps nothing; output that a slow reader has not taken yet does.
AbortSignal.timeout(LINGER_MS).addEventListener('abort', () => {
  if (process.stdout.writableLength === 0) process.exit();
});

function version(): string {
  return JSON.parse(readFileSync(new URL('package.json', PACKAGE_FOLDER), 'utf8')).version;
}
