// `make bench-peers`: the same job over the same events by Tripline, by others, and by Node with no engine at all.
//
// Runs one after the other, round by round, on one broker on this machine, prints tables with medians and ratios, and
// writes them to benchmarks/results.md. `--scale 0.1` makes it smaller, `--rounds 1` shorter, `--only streams,tripline`
// takes the peers whose names begin so, `--parts shop,carts` some of the tables, `--out FILE` writes elsewhere.
// Ends with 1 when a peer failed, or Tripline did not write exactly the actions it had to.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type KafkaPlace, onKafka } from '../kafka-place.ts';
import { machineLines } from '../machine.ts';
import { FLOORS } from './floors.ts';
import { type Input, type InputName, makeInput, PARTITIONS, whatIsIn } from './input.ts';
import { FLINKS, STREAMS } from './java-peers.ts';
import type { Peer } from './peer.ts';
import { deleteTopics } from './place.ts';
import { areExact, throughputTable } from './report.ts';
import { measureThroughput, type Throughput } from './throughput.ts';
import { TRIPLINES } from './tripline.ts';

const PEERS: readonly Peer[] = [...FLOORS, ...TRIPLINES, ...STREAMS, ...FLINKS];

/** Which peers read which input: those whose names begin so. */
const PARTS: Readonly<Record<InputName, readonly string[]>> = {
  shop: ['floor', 'tripline', 'streams', 'flink-heap', 'quix'],
  part: ['flink-rocksdb'],
  carts: ['floor-parse', 'tripline', 'streams'],
  users: ['tripline-exactly-once', 'streams-exactly-once'],
};

const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    parts: { type: 'string', default: Object.keys(PARTS).join(',') },
    out: { type: 'string', default: join(import.meta.dirname, '..', 'results.md') },
  },
});
const scale = numberOf('scale');
const rounds = Math.ceil(numberOf('rounds'));
const parts = values.parts.split(',').map((part) => {
  if (!(part in PARTS)) throw new Error(`--parts must be some of ${Object.keys(PARTS).join(',')}, not ${part}`);
  return part as InputName;
});
const chosen = PEERS.filter(({ name }) => values.only === undefined || beginsWith(name, values.only.split(',')));
if (chosen.length === 0) throw new Error(`--only must be some of ${PEERS.map(({ name }) => name).join(',')}`);

const failures: string[] = [];
const programs = new Set<string>();
for (const peer of chosen) programs.add(await peer.prepare());
const lines = [
  '# Tripline and others, side by side',
  '',
  [...machineLines(), `Scale ${scale}, ${rounds} rounds; ${[...programs].join(', ')}`].join('  \n'),
];
console.log(lines.join('\n'));
await onKafka(scale, async (place) => {
  for (const part of parts) {
    const peers = chosen.filter(({ name }) => beginsWith(name, PARTS[part]));
    if (peers.length === 0) continue;
    const input = await makeInput(place.log, part, scale);
    if (part === parts[0]) await warmUp(peers, input, place);
    const table = await measurePart(input, peers, place);
    console.log(table.join('\n'));
    lines.push(...table);
    writeFileSync(values.out, `${lines.join('\n')}\n`);
  }
});
for (const failure of failures) console.error(failure);
process.exitCode = failures.length > 0 ? 1 : 0;

/** The broker is slower at first: a run that does not count takes that. */
async function warmUp(peers: readonly Peer[], input: Input, place: KafkaPlace): Promise<void> {
  const peer = peers.find(({ guarantee }) => guarantee === 'exactly_once') ?? peers[0]!;
  await measureThroughput(peer, input, 'warm-up', place);
  await deleteTopics(place, 'warm-up');
}

async function measurePart(input: Input, peers: readonly Peer[], place: KafkaPlace): Promise<string[]> {
  const { name: part, events, users } = input;
  const runs = new Map(peers.map((peer): [Peer, (Throughput | undefined)[]] => [peer, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const [peer, done] of runs) {
      const application = `${peer.name}-${part}-${round}`;
      const run = await measureThroughput(peer, input, application, place).catch((error: unknown) => {
        failures.push(`${application} failed: ${String(error)}`);
        return undefined;
      });
      await deleteTopics(place, application);
      done.push(run);
      if (run === undefined) continue;
      console.log(
        `${application.padEnd(40)} ${Math.round(run.eventsPerSecond).toLocaleString('en').padStart(10)} events/s`,
      );
      if (peer.label === 'Tripline' && !areExact(run.actions!)) {
        failures.push(`${application} did not write the actions it had to: ${JSON.stringify(run.actions)}`);
      }
    }
  }
  const size = `${events.toLocaleString('en')} events of ${users.toLocaleString('en')} users in ${PARTITIONS} partitions`;
  return ['', `## ${whatIsIn(part)}`, '', `${size}.`, '', ...throughputTable(runs)];
}

function beginsWith(name: string, starts: readonly string[]): boolean {
  return starts.some((start) => name.startsWith(start));
}

function numberOf(option: 'scale' | 'rounds'): number {
  const value = Number(values[option]);
  if (!(value > 0)) throw new Error(`--${option} must be a number above 0, not ${values[option]}`);
  return value;
}
