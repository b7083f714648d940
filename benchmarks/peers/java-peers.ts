// The peers on Java, streams/ and flink/: built by Maven once, then each run a process of its own.
//
// Owns: building them, their command lines. Does not own: how they do the job; their README.md says that.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE, resolveByMaven, sourcesHash } from '../../testing/maven.ts';
import { committedRecords } from '../worker-load.ts';
import { jsonActions } from './json-actions.ts';
import type { Guarantee, Peer, PeerRun, RunningPeer } from './peer.ts';
import { PeerProcess } from './peer-process.ts';

interface Program {
  /** Its folder here, and how the names of its peers begin. */
  readonly folder: 'streams' | 'flink';
  readonly name: string;
  readonly main: string;
  /** The library whose version is that of the program. */
  readonly library: string;
}

const KAFKA_STREAMS: Program = {
  folder: 'streams',
  name: 'Kafka Streams',
  main: 'tripline.peers.StreamsPeer',
  library: 'kafka-streams',
};
const FLINK_CEP: Program = {
  folder: 'flink',
  name: 'Flink CEP',
  main: 'tripline.peers.FlinkPeer',
  library: 'flink-cep',
};

const THREADS = 2;
/** As Tripline at most, and what Streams uses by default under exactly once. */
const COMMIT_MS = 100;
/** An action under exactly once waits for the commit; Tripline commits sooner by itself when little is waiting. */
const COMMIT_SOON_MS = 20;
const READY_MS = 180_000;

export const STREAMS: readonly Peer[] = [streams('at_least_once'), streams('exactly_once')];
/** For latency. */
export const STREAMS_SOON = streams('exactly_once', COMMIT_SOON_MS);
export const FLINKS: readonly Peer[] = [
  flink('at_least_once', 'heap'),
  flink('exactly_once', 'heap'),
  flink('exactly_once', 'rocksdb'),
];

function streams(guarantee: Guarantee, commitMs = COMMIT_MS): Peer {
  const isUsual = commitMs === COMMIT_MS;
  return javaPeer(KAFKA_STREAMS, {
    name: `streams-${guarantee.replaceAll('_', '-')}${isUsual ? '' : `-${commitMs}`}`,
    label: isUsual ? KAFKA_STREAMS.name : `${KAFKA_STREAMS.name}, a commit every ${commitMs} ms`,
    guarantee,
    options: ['--commit-ms', String(commitMs), '--cache-mb', '0'],
  });
}

function flink(guarantee: Guarantee, backend: 'heap' | 'rocksdb'): Peer {
  const name = `flink-${backend}-${guarantee.replaceAll('_', '-')}`;
  const label = `${FLINK_CEP.name}, state ${backend === 'heap' ? 'in memory' : 'in RocksDB'}`;
  return javaPeer(FLINK_CEP, { name, label, guarantee, options: ['--backend', backend] });
}

interface Variant {
  readonly name: string;
  readonly label: string;
  readonly guarantee: Guarantee;
  readonly options: readonly string[];
}

function javaPeer(program: Program, { name, label, guarantee, options }: Variant): Peer {
  return {
    name,
    label,
    guarantee,
    threads: THREADS,
    prepare: async () => {
      const jar = new RegExp(`^${program.library}-(.+)\\.jar$`);
      const versions = readdirSync(await libraries(program)).flatMap((file) => jar.exec(file)?.[1] ?? []);
      return `${program.name} ${versions[0]}`;
    },
    actionsOf: jsonActions,
    start: (run) => start(program, ['--guarantee', guarantee, ...options], run),
  };
}

/** Its jars, with those of the sources that both programs share. */
function libraries({ folder, name }: Program): Promise<string> {
  const sources = ['streams', folder].map((each) => join(import.meta.dirname, each));
  return resolveByMaven({
    what: `the job in ${name}`,
    pom: join(import.meta.dirname, folder, 'pom.xml'),
    folder: join(CACHE, `peer-${folder}-${sourcesHash(...sources)}`),
    goals: (into) => ['package', `-DoutputDirectory=${into}`],
  });
}

async function start(program: Program, options: readonly string[], run: PeerRun): Promise<RunningPeer> {
  const { job, application, log, brokers, topic, partitions, folder } = run;
  const started = new PeerProcess({
    command: 'java',
    args: [
      `@${join(import.meta.dirname, program.folder, 'jvm.options')}`,
      ...['-cp', `${await libraries(program)}/*`, program.main],
      ...['--brokers', brokers.join(','), '--input', topic, '--output', jsonActions(application).topic],
      ...['--application', application, '--threads', String(THREADS), '--state-dir', join(folder, 'state')],
      ...['--job', job, ...options],
    ],
    logFile: join(folder, 'peer.log'),
  });
  return started.running(READY_MS, () => committedRecords(log, application, topic, partitions));
}
