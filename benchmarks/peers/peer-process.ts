// A peer as a process of its own: it says READY on a line of its stdout, and may say there how far it has come.
//
// Owns: the process and its log. Does not own: which there are, and what they are told.
//
// Invariants:
//   C1. It does not outlive this process.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock } from '../../lib/clock.ts';
import { until } from '../../testing/until.ts';
import type { RunningPeer } from './peer.ts';

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  /** Where its stderr goes. */
  readonly logFile: string;
  readonly cwd?: string;
}

const READY = 'READY';
const LOOK_MS = 20;
const STOP_MS = 30_000;
const TAIL_LINES = 30;

export class PeerProcess {
  readonly #child: ChildProcess;
  readonly #logFile: string;
  readonly #exited: Promise<void>;
  /** Its last lines on stdout. */
  readonly #lines: string[] = [];
  #isReady = false;
  #isGone = false;
  /** The last line that was a number: how many events it has taken. */
  count = 0;

  constructor({ command, args, logFile, cwd }: Command) {
    mkdirSync(dirname(logFile), { recursive: true });
    const log = openSync(logFile, 'a');
    this.#logFile = logFile;
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', log], cwd: cwd ?? dirname(logFile) });
    closeSync(log);
    const kill = (): boolean => this.#child.kill('SIGKILL');
    process.once('exit', kill);
    this.#exited = new Promise((resolve) => {
      const gone = (): void => {
        this.#isGone = true;
        process.removeListener('exit', kill);
        resolve();
      };
      this.#child.once('exit', gone);
      this.#child.once('error', (error) => {
        this.#note(String(error));
        gone();
      });
    });
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#note(line));
  }

  /** Once it is ready. `done`: how many events it has taken; left out: as it says itself. */
  async running(readyMs: number, done = async (): Promise<number> => this.count): Promise<RunningPeer> {
    try {
      await this.untilReady(readyMs);
    } catch (error) {
      await this.stop();
      throw error;
    }
    const isUp = (): boolean => this.isUp;
    return {
      pid: this.pid,
      get isUp() {
        return isUp();
      },
      done,
      logTail: () => this.logTail(),
      stop: () => this.stop(),
    };
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get isUp(): boolean {
    return !this.#isGone;
  }

  /** Throws when it is gone, or too slow. */
  async untilReady(boundMs: number): Promise<void> {
    const isReady = (): boolean => {
      if (!this.#isReady && !this.isUp) throw new Error(`it ended before it was ready:\n${this.logTail()}`);
      return this.#isReady;
    };
    await until(isReady, { message: 'it is ready', deadlineMs: boundMs, everyMs: LOOK_MS, seen: () => this.logTail() });
  }

  /** SIGTERM, and SIGKILL when that takes too long. */
  async stop(): Promise<void> {
    if (!this.isUp) return;
    this.#child.kill('SIGTERM');
    const over = new AbortController();
    void systemClock.sleep(STOP_MS, over.signal).then(() => over.signal.aborted || this.#child.kill('SIGKILL'));
    await this.#exited;
    over.abort();
  }

  logTail(): string {
    const errors = readFileSync(this.#logFile, 'utf8').split('\n').slice(-TAIL_LINES);
    return [...this.#lines, ...errors].join('\n');
  }

  #note(line: string): void {
    if (line === READY) this.#isReady = true;
    else if (/^\d+$/.test(line)) this.count = Number(line);
    else this.#lines.push(line);
    if (this.#lines.length > TAIL_LINES) this.#lines.shift();
  }
}
