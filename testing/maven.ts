// Programs on Java that tests run beside themselves: resolved by Maven once and kept in .cache.
//
// Owns: finding Java and Maven, and saying what is missing. Does not own: which programs (kafka/, registry/).

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What is downloaded for tests; not part of the repository. */
export const CACHE = join(fileURLToPath(new URL('..', import.meta.url)), '.cache');
const JAVA_MIN = 17;

export interface Resolvable {
  /** For messages: `a Kafka broker`. */
  readonly what: string;
  readonly pom: string;
  /** Names what it holds, with its version, so that another version is resolved anew. */
  readonly folder: string;
  /** Goals and options of Maven that fill `into`. */
  readonly goals: (into: string) => readonly string[];
}

/** Fills the folder unless it is there. Throws when Java or Maven is missing, or Maven fails. */
export async function resolveByMaven(resolvable: Resolvable): Promise<string> {
  const { what, folder } = resolvable;
  requireJava(what);
  if (existsSync(folder)) return folder;
  // Test files run side by side: each resolves into a folder of its own, and the first to be done counts.
  const own = `${folder}.${process.pid}`;
  mkdirSync(own, { recursive: true });
  try {
    await runMaven(resolvable, own);
    renameSync(own, folder);
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** Of the Java sources and poms below the folders: names what was built of them, so that others are built anew. */
export function sourcesHash(...folders: readonly string[]): string {
  const hash = createHash('sha256');
  for (const folder of folders) {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
    for (const name of names) if (/\.(java|xml)$/.test(name)) hash.update(readFileSync(join(folder, name)));
  }
  return hash.digest('hex').slice(0, 12);
}

function requireJava(what: string): void {
  const { stderr, error } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const major = Number(/version "(\d+)/.exec(stderr ?? '')?.[1] ?? 0);
  if (error !== undefined || major < JAVA_MIN) {
    const found = error === undefined ? `found version ${major}` : 'no java on the PATH';
    throw new Error(`${what} needs Java ${JAVA_MIN} or later: ${found}`);
  }
}

async function runMaven({ what, pom, goals }: Resolvable, into: string): Promise<void> {
  const child = spawn('mvn', ['-q', '-B', '-f', pom, ...goals(into)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', (cause) => reject(new Error(`${what} needs Maven (mvn) on the PATH`, { cause })));
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`Maven could not make ${what}:\n${output.trim()}`);
}
