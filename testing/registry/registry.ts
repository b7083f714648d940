// A real schema registry, Apicurio with its records in memory, without containers, for tests.
//
// Owns: the program, its port, waiting until it serves.
//
// Invariants:
//   R1. When startRegistry has resolved, it serves; when it has thrown, no process is left.
//   R2. A process of a test that ends takes its registry along.
//   R3. A registry that was stopped forgets everything; one that is held (SIGSTOP) keeps it and answers nothing.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CACHE, resolveByMaven } from '../maven.ts';
import { until } from '../until.ts';

export interface SchemaRegistry {
  /** Of the API that Confluent's clients speak. */
  readonly url: string;
  readonly pid: number;
  /** It answers nothing until released, and its port takes connections all the same. */
  hold(): void;
  release(): void;
  /** SIGKILL; resolves once the process is gone. */
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const VERSION = '2.6.13.Final';
/** It is small, and runs beside a broker. */
const HEAP = '256m';
const READY_MS = 60_000;
const LOG_TAIL_LINES = 40;

/** `port`: where an earlier one was; left out: a free one. Throws when Java or Maven is missing, or it does not come up. */
export async function startRegistry(options: { readonly port?: number } = {}): Promise<SchemaRegistry> {
  const folder = await program();
  const port = options.port ?? (await freePort());
  const logFolder = mkdtempSync(join(tmpdir(), 'tripline-registry-'));
  const logFile = join(logFolder, 'registry.log');
  const child = start(folder, port, logFile);
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const registry: SchemaRegistry = {
    url: `http://${HOST}:${port}/apis/ccompat/v7`,
    pid: child.pid!,
    hold: () => void child.kill('SIGSTOP'),
    release: () => void child.kill('SIGCONT'),
    stop: async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null && child.signalCode === null) {
        kill();
        await gone;
      }
      process.removeListener('exit', kill);
      rmSync(logFolder, { recursive: true, force: true });
    },
  };
  try {
    await untilReady(registry.url, child);
  } catch (error) {
    const tail = readFileSync(logFile, 'utf8').split('\n').slice(-LOG_TAIL_LINES).join('\n');
    await registry.stop();
    throw new Error(`the schema registry did not come up:\n${tail}`, { cause: error });
  }
  return registry;
}

function program(): Promise<string> {
  return resolveByMaven({
    what: 'a schema registry',
    pom: fileURLToPath(new URL('./pom.xml', import.meta.url)),
    folder: join(CACHE, 'registry', `apicurio-${VERSION}`),
    goals: (into) => ['dependency:unpack-dependencies', `-DoutputDirectory=${into}`, `-DmarkersDirectory=${into}`],
  });
}

function start(folder: string, port: number, logFile: string): ChildProcess {
  const log = openSync(logFile, 'a');
  const java = [`-Xmx${HEAP}`, '-XX:+UseSerialGC', `-Dquarkus.http.port=${port}`, `-Dquarkus.http.host=${HOST}`];
  const jar = join(folder, `apicurio-registry-app-${VERSION}-runner.jar`);
  const child = spawn('java', [...java, '-jar', jar], { cwd: tmpdir(), stdio: ['ignore', log, log] });
  closeSync(log);
  return child;
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  let last: unknown = 'not asked';
  const isReady = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    try {
      const answer = await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(READY_MS) });
      last = answer.status;
      return answer.ok;
    } catch (error) {
      last = error;
      return false;
    }
  };
  await until(isReady, { message: 'the registry is ready', deadlineMs: READY_MS, seen: () => last });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
