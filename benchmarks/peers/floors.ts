// The floors: what reading, and reading and parsing, costs in Node alone (floor.ts), as peers like the others.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Peer, PeerRun, RunningPeer } from './peer.ts';
import { PeerProcess } from './peer-process.ts';

const PROGRAM = fileURLToPath(new URL('./floor.ts', import.meta.url));
const READY_MS = 30_000;

export const FLOORS: readonly Peer[] = [
  floor('fetch', 'Node that only reads'),
  floor('parse', 'Node that reads, parses and looks up the user'),
];

function floor(kind: 'fetch' | 'parse', label: string): Peer {
  return {
    name: `floor-${kind}`,
    label,
    guarantee: null,
    threads: 1,
    prepare: async () => `Node ${process.versions.node}`,
    actionsOf: () => null,
    start: (run) => startFloor(kind, run),
  };
}

async function startFloor(kind: 'fetch' | 'parse', run: PeerRun): Promise<RunningPeer> {
  const { brokers, topic, partitions, folder } = run;
  const started = new PeerProcess({
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', PROGRAM, brokers.join(','), topic, String(partitions), kind],
    logFile: join(folder, 'floor.log'),
  });
  return started.running(READY_MS);
}
