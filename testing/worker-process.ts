// A worker as a process of its own, `bin/tripline run`: started, killed, held and stopped, with its log kept.
//
// Owns: the process and its folder. Does not own: when what is done to it.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../lib/clock.ts';
import { until } from './until.ts';

const LAUNCHER = fileURLToPath(new URL('../bin/tripline', import.meta.url));
const STOP_MS = 30_000;

export interface WorkerProcessOptions {
  readonly number: number;
  /** Its own; the configuration is written there, the data folder lies in it. */
  readonly folder: string;
  /** The text of tripline.yaml. */
  readonly config: string;
  /** Over the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A line of its log. */
export interface LogLine {
  readonly worker: number;
  readonly level: number;
  readonly time: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export class WorkerProcess {
  readonly number: number;
  readonly folder: string;
  readonly #logFile: string;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | null = null;
  #exited: Promise<void> = Promise.resolve();
  /** What came of it when nobody asked it to end. */
  readonly failures: string[] = [];
  #isEnding = false;
  /** Lines of its log before the present life. */
  #linesBefore = 0;

  constructor({ number, folder, config, env = {} }: WorkerProcessOptions) {
    this.#env = { ...process.env, ...env };
    this.number = number;
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'tripline.yaml'), config);
    this.#logFile = join(folder, 'worker.log');
  }

  get isUp(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  start(): void {
    if (this.isUp) return;
    this.#isEnding = false;
    this.#linesBefore = this.log().length;
    const log = openSync(this.#logFile, 'a');
    const child = spawn(LAUNCHER, ['run', '-c', join(this.folder, 'tripline.yaml')], {
      stdio: ['ignore', log, log],
      cwd: this.folder,
      env: this.#env,
    });
    closeSync(log);
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        if (!this.#isEnding) this.failures.push(`worker ${this.number} ended by itself (${code ?? signal})`);
        resolve();
      });
    });
  }

  /** SIGKILL; resolves once it is gone. */
  async kill(): Promise<void> {
    this.#isEnding = true;
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  /** SIGTERM; a worker that does not end in time, or not with 0, failed. */
  async stop(): Promise<void> {
    if (!this.isUp) return;
    this.#isEnding = true;
    const child = this.#child!;
    child.kill('SIGTERM');
    const timedOut = new AbortController();
    const late = systemClock.sleep(STOP_MS, timedOut.signal).then(() => !timedOut.signal.aborted);
    const isLate = await Promise.race([this.#exited.then(() => false), late]);
    timedOut.abort();
    if (isLate) {
      this.failures.push(`worker ${this.number} did not stop within ${STOP_MS / 1_000} s:\n${this.logTail()}`);
      await this.kill();
    } else if (child.exitCode !== 0) {
      this.failures.push(
        `worker ${this.number} stopped with ${child.exitCode ?? child.signalCode}:\n${this.logTail()}`,
      );
    }
  }

  /** SIGSTOP: it holds all it has, and nobody hears of it. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Until it has said that it runs. Throws when it is gone, or too slow. */
  async untilRunning(boundMs: number): Promise<void> {
    const isRunning = (): boolean => {
      const lines = this.log().slice(this.#linesBefore);
      if (lines.some(({ msg }) => msg === 'running')) return true;
      if (!this.isUp) throw new Error(`worker ${this.number} ended before it ran:\n${this.logTail()}`);
      return false;
    };
    await until(isRunning, {
      message: `worker ${this.number} runs`,
      deadlineMs: boundMs,
      seen: () => this.logTail(),
    });
  }

  /** The largest resident memory so far, MB; null where the system does not tell (it is asked in Linux's way). */
  peakMegabytes(): number | null {
    const status = `/proc/${this.pid}/status`;
    if (!this.isUp || !existsSync(status)) return null;
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'))?.[1];
    return kilobytes === undefined ? null : Math.round(Number(kilobytes) / 1024);
  }

  log(): LogLine[] {
    return this.#text()
      .split('\n')
      .flatMap((text) => lineOf(text, this.number));
  }

  logTail(): string {
    return this.#text().split('\n').slice(-20).join('\n');
  }

  #text(): string {
    return existsSync(this.#logFile) ? readFileSync(this.#logFile, 'utf8') : '';
  }
}

/** None for a line that was cut off by a kill; what is no JSON, such as a stack, comes as an error. */
function lineOf(text: string, worker: number): LogLine[] {
  if (text === '') return [];
  try {
    return [{ ...(JSON.parse(text) as Omit<LogLine, 'worker'>), worker } as LogLine];
  } catch {
    return text.startsWith('{') ? [] : [{ worker, level: 50, time: 0, msg: text }];
  }
}
