// `make bench-peers`: the same job over the same events by Tripline, by others, and by Node with no engine at all.
//
// Runs one after the other, round by round, on one broker on this machine, prints tables with medians and ratios, and
// writes them to benchmarks/results.md. `--scale 0.1` makes it smaller, `--rounds 1` shorter, `--only streams,tripline`
// takes the peers whose names begin so, `--parts shop,latency` some of the tables, `--out FILE` writes elsewhere.
// Ends with 1 when a peer failed, or Tripline did not write exactly the actions it had to.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type KafkaPlace, onKafka } from '../kafka-place.ts';
import { machineLines } from '../machine.ts';
import { FLOORS } from './floors.ts';
import { type Input, type InputName, makeInput, PARTITIONS, whatIsIn } from './input.ts';
import { FLINKS, STREAMS, STREAMS_SOON } from './java-peers.ts';
import { measureLatency } from './latency.ts';
import { type LatencyCase, latencyTable } from './latency-table.ts';
import type { Peer } from './peer.ts';
import { removeTraces } from './place.ts';
import { QUIXES } from './quix.ts';
import { playRounds } from './rounds.ts';
import { numberText } from './table.ts';
import { measureThroughput } from './throughput.ts';
import { areExact, throughputTable } from './throughput-table.ts';
import { TRIPLINES } from './tripline.ts';

const PEERS: readonly Peer[] = [...FLOORS, ...TRIPLINES, ...STREAMS, STREAMS_SOON, ...FLINKS, ...QUIXES];

/** Which peers read which input. */
const READERS: Readonly<Record<InputName, readonly string[]>> = {
  shop: [
    ...['floor-fetch', 'floor-parse', 'tripline-at-least-once', 'tripline-exactly-once'],
    ...['tripline-at-least-once-1', 'tripline-exactly-once-1', 'streams-at-least-once', 'streams-exactly-once'],
    ...['flink-heap-at-least-once', 'flink-heap-exactly-once'],
    ...['quix-at-least-once', 'quix-exactly-once'],
  ],
  part: ['tripline-exactly-once', 'flink-rocksdb-exactly-once'],
  carts: [
    ...['floor-parse', 'tripline-at-least-once', 'tripline-exactly-once'],
    ...['streams-at-least-once', 'streams-exactly-once'],
  ],
  users: ['tripline-exactly-once', 'streams-exactly-once'],
};

/** Which peers answer events at which rates. */
const RATES: Readonly<Record<string, readonly number[]>> = {
  'tripline-at-least-once': [500, 2_000, 10_000],
  'tripline-exactly-once': [500, 2_000, 10_000],
  'streams-at-least-once': [2_000],
  'streams-exactly-once': [2_000],
  [STREAMS_SOON.name]: [2_000],
};

const PARTS = [...Object.keys(READERS), 'latency'];

const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    parts: { type: 'string', default: PARTS.join(',') },
    out: { type: 'string', default: join(import.meta.dirname, '..', 'results.md') },
  },
});
const scale = numberOf('scale');
const rounds = Math.ceil(numberOf('rounds'));
const parts = values.parts.split(',');
const unknown = parts.filter((part) => !PARTS.includes(part));
if (unknown.length > 0) throw new Error(`--parts must be some of ${PARTS.join(',')}, not ${unknown}`);
const chosen = PEERS.filter(({ name }) => values.only.split(',').some((start) => name.startsWith(start)));
if (chosen.length === 0) throw new Error(`--only must be some of ${PEERS.map(({ name }) => name).join(',')}`);

const failures: string[] = [];
const onFailure = (text: string): void => {
  failures.push(text);
};
const programs = new Set<string>();
const ready: Peer[] = [];
for (const peer of chosen) {
  try {
    programs.add(await peer.prepare());
    ready.push(peer);
  } catch (error) {
    onFailure(`${peer.name} is left out: ${String(error)}`);
  }
}
const setting = [...machineLines(), `Scale ${scale}, ${rounds} rounds; ${[...programs].join(', ')}`];
const lines = ['# Tripline and others, side by side', '', setting.join('  \n')];
console.log(lines.join('\n'));
await onKafka(scale, async (place) => {
  for (const part of parts) {
    const section = part === 'latency' ? await latencySection(place) : await inputSection(part as InputName, place);
    console.log(section.join('\n'));
    lines.push(...section);
    writeFileSync(values.out, `${lines.join('\n')}\n`);
  }
});
for (const failure of failures) console.error(failure);
process.exitCode = failures.length > 0 ? 1 : 0;

async function inputSection(part: InputName, place: KafkaPlace): Promise<string[]> {
  const peers = ready.filter(({ name }) => READERS[part].includes(name));
  if (peers.length === 0) return [];
  const input = await makeInput(place.log, part, scale);
  await warmUp(peers[0]!, input, place);
  const runs = await playRounds(peers, {
    ...{ place, rounds, onFailure },
    nameOf: ({ name }) => `${name}-${part}`,
    measure: async (peer, application) => {
      const run = await measureThroughput(peer, input, application, place);
      if (peer.name.startsWith('tripline') && !areExact(run.actions!)) {
        onFailure(`${application} did not write the actions it had to: ${JSON.stringify(run.actions)}`);
      }
      return run;
    },
    say: ({ eventsPerSecond }) => `${numberText(eventsPerSecond)} events/s`,
  });
  const { events, users } = input;
  const size = `${numberText(events)} events of ${numberText(users)} users in ${PARTITIONS} partitions.`;
  return ['', `## ${whatIsIn(part)}`, '', size, '', ...throughputTable(runs)];
}

/** The broker, and what it has of the input in memory, are slower at first: a run that does not count takes that. */
async function warmUp(peer: Peer, input: Input, place: KafkaPlace): Promise<void> {
  const application = `warm-up-${input.name}`;
  await measureThroughput(peer, input, application, place).catch((error: unknown) => onFailure(String(error)));
  await removeTraces(place, application);
}

async function latencySection(place: KafkaPlace): Promise<string[]> {
  const cases = ready.flatMap((peer) =>
    (RATES[peer.name] ?? []).map((eventsPerSecond): LatencyCase => ({ peer, eventsPerSecond })),
  );
  if (cases.length === 0) return [];
  const runs = await playRounds(cases, {
    ...{ place, rounds, onFailure },
    nameOf: ({ peer, eventsPerSecond }) => `${peer.name}-at-${eventsPerSecond}`,
    measure: ({ peer, eventsPerSecond }, application) => measureLatency(peer, eventsPerSecond, application, place),
    say: ({ p50, p99 }) => `p50 ${p50} ms, p99 ${p99} ms`,
  });
  const title = '## From event to action';
  return ['', title, '', ...latencyTable(runs)];
}

function numberOf(option: 'scale' | 'rounds'): number {
  const value = Number(values[option]);
  if (!(value > 0)) throw new Error(`--${option} must be a number above 0, not ${values[option]}`);
  return value;
}
