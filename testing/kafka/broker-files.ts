// The broker's programs, resolved by Maven once and kept in .cache/kafka.
//
// Owns: finding Java and Maven, and saying what is missing. Does not own: running brokers (cluster.ts).

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const KAFKA_CACHE = join(ROOT, '.cache', 'kafka');
const POM = fileURLToPath(new URL('./pom.xml', import.meta.url));
/** Names what the folder holds, so that another version is resolved anew. */
const LIBRARIES = join(KAFKA_CACHE, 'lib-4.1.1');
const JAVA_MIN = 17;

/** Folder with the broker's jars. Throws when Java or Maven is missing, or Maven fails. */
export async function brokerLibraries(): Promise<string> {
  requireJava();
  if (existsSync(LIBRARIES)) return LIBRARIES;
  // Test files run side by side: each resolves into a folder of its own, and the first to be done counts.
  const folder = `${LIBRARIES}.${process.pid}`;
  mkdirSync(folder, { recursive: true });
  try {
    await resolveInto(folder);
    renameSync(folder, LIBRARIES);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    if (!existsSync(LIBRARIES)) throw error;
  }
  return LIBRARIES;
}

function requireJava(): void {
  const { stderr, error } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const major = Number(/version "(\d+)/.exec(stderr ?? '')?.[1] ?? 0);
  if (error !== undefined || major < JAVA_MIN) {
    const found = error === undefined ? `found version ${major}` : 'no java on the PATH';
    throw new Error(`a Kafka broker needs Java ${JAVA_MIN} or later: ${found}`);
  }
}

async function resolveInto(folder: string): Promise<void> {
  const child = spawn('mvn', ['-q', '-B', '-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', (cause) => reject(new Error('a Kafka broker needs Maven (mvn) on the PATH', { cause })));
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`Maven could not resolve the Kafka broker:\n${output.trim()}`);
}
