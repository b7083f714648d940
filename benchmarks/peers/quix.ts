// Quix Streams as a peer: quix/job.py in a Python environment of its own, as many processes as others have threads.
//
// Owns: installing it, its command line. Does not own: how it does the job; quix/README.md says that.

import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CACHE } from '../../testing/maven.ts';
import { committedRecords } from '../worker-load.ts';
import { jsonActions } from './json-actions.ts';
import type { Guarantee, Peer, PeerRun, RunningPeer } from './peer.ts';
import { PeerProcess } from './peer-process.ts';

const FOLDER = join(import.meta.dirname, 'quix');
const REQUIREMENTS = join(FOLDER, 'requirements.txt');
const VERSION = /^quixstreams==(.+)$/m.exec(readFileSync(REQUIREMENTS, 'utf8'))![1]!;
const ENVIRONMENT = join(CACHE, `quix-${VERSION}`);
const PYTHON = join(ENVIRONMENT, 'bin', 'python');
const PROCESSES = 2;
const COMMIT_MS = 100;
const READY_MS = 60_000;

export const QUIXES: readonly Peer[] = (['at_least_once', 'exactly_once'] as const).map((guarantee) => ({
  name: `quix-${guarantee.replaceAll('_', '-')}`,
  label: 'Quix Streams',
  guarantee,
  threads: PROCESSES,
  prepare: install,
  actionsOf: jsonActions,
  start: (run) => start(guarantee, run),
}));

/** Throws when there is no Python that can make an environment, or nothing to install from. */
async function install(): Promise<string> {
  const program = `Quix Streams ${VERSION}`;
  if (existsSync(PYTHON)) return program;
  try {
    await promisify(execFile)('python3', ['-m', 'venv', ENVIRONMENT]);
    const quietly = ['--quiet', '--disable-pip-version-check'];
    await promisify(execFile)(PYTHON, ['-m', 'pip', 'install', ...quietly, '-r', REQUIREMENTS]);
  } catch (cause) {
    rmSync(ENVIRONMENT, { recursive: true, force: true });
    throw new Error(`${program} needs python3 with venv on the PATH, and a package index: ${String(cause)}`, { cause });
  }
  return program;
}

async function start(guarantee: Guarantee, run: PeerRun): Promise<RunningPeer> {
  const { application, log, brokers, topic, partitions, folder } = run;
  const started = new PeerProcess({
    command: PYTHON,
    args: [
      join(FOLDER, 'job.py'),
      ...['--brokers', brokers.join(','), '--input', topic, '--output', jsonActions(application).topic],
      ...['--application', application, '--guarantee', guarantee, '--commit-ms', String(COMMIT_MS)],
      ...['--processes', String(PROCESSES), '--state-dir', join(folder, 'state')],
    ],
    logFile: join(folder, 'peer.log'),
  });
  return started.running(READY_MS, () => committedRecords(log, application, topic, partitions));
}
