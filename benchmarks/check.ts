// `make bench-check`: whether something became slower. Two minutes, for a developer who changed what all events go through.
//
// Ratios of Tripline to what Node does without it, taken side by side and round by round; their medians are compared with
// check-baseline.json. Ends with 1 when one became worse by more than is allowed there; on a machine that is busy only
// processor time is judged. `--accept` writes the ratios of
// this run as the baseline, when that is meant. `--scale 0.1 --rounds 1 --baseline FILE`: smaller, shorter, another file.

import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readOnly, replay, rulesOf } from './backtest.bench.ts';
import { type Baseline, CHECKS, type CheckId, compare, type Ratios } from './check-compare.ts';
import { writeEvents } from './events.ts';
import { elapsed } from './figure.ts';
import { type KafkaPlace, onKafka } from './kafka-place.ts';
import { machineLines } from './machine.ts';
import { FLOORS } from './peers/floors.ts';
import { type Input, makeInput } from './peers/input.ts';
import { removeTraces } from './peers/place.ts';
import { undisturbed } from './peers/standstill.ts';
import { median } from './peers/table.ts';
import { measureThroughput, type Throughput } from './peers/throughput.ts';
import { TRIPLINES } from './peers/tripline.ts';
import { run as runRestore } from './restore.bench.ts';
import { benchmarkRulesFile } from './rules.ts';

/** Of the inputs of the full benchmarks: enough for each to run a second or more. */
const INPUT_SCALE = 0.2;
const RESTORE_SCALE = 0.2;
const BACKTEST_EVENTS = 200_000;
const BACKTEST_USERS = 10_000;
const BACKTEST_SPAN_MS = 30 * 86_400_000;
/** What noise may do to a median of three on a machine that does other things too. */
const ALLOWED = 0.2;
/** Load of the machine before, in parts of its cores, above which it counts as busy. */
const BUSY = 0.5;

const { values } = parseArgs({
  options: {
    accept: { type: 'boolean', default: false },
    scale: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    baseline: { type: 'string', default: join(import.meta.dirname, 'check-baseline.json') },
  },
});
const scale = Number(values.scale);

const taken = machineLines();
const isBusy = loadavg()[0]! > BUSY * availableParallelism();
for (const line of taken) console.log(line);
const rounds = await onKafka(scale, measureRounds);
const ratios = Object.fromEntries(
  CHECKS.flatMap(({ id }) => {
    const all = rounds.flatMap((round) => round[id] ?? []);
    return all.length === 0 ? [] : [[id, Number(median(all).toPrecision(4))]];
  }),
) as Ratios;
if (values.accept) accept();
else judge();

function accept(): void {
  const baseline: Baseline = { taken: taken.join('; '), allowed: ALLOWED, ratios };
  writeFileSync(values.baseline, `${JSON.stringify(baseline, null, 2)}\n`);
  console.log(`Accepted: ${JSON.stringify(ratios)}`);
  if (isBusy) console.error('The machine is busy: what is judged by the clock is better accepted when it is not.');
}

function judge(): void {
  const { lines, worse } = compare(ratios, JSON.parse(readFileSync(values.baseline, 'utf8')) as Baseline, isBusy);
  for (const line of lines) console.log(line);
  for (const line of worse) console.error(`Too slow: ${line}.`);
  if (worse.length === 0) return;
  console.error('If that is meant: make bench-check ACCEPT=1 makes the ratios of a new run those that are allowed.');
  process.exitCode = 1;
}

async function measureRounds(place: KafkaPlace): Promise<readonly Ratios[]> {
  const input = await makeInput(place.log, 'shop', INPUT_SCALE * scale);
  const file = join(place.root, 'events.jsonl');
  const events = Math.max(1_000, Math.round(BACKTEST_EVENTS * scale));
  await writeEvents(file, { events, users: BACKTEST_USERS, spanMs: BACKTEST_SPAN_MS });
  const play = playerOf(input, place);
  // The broker's program is slower until it has been compiled.
  await play('tripline-exactly-once-1');
  const rounds: Ratios[] = [];
  while (rounds.length < Number(values.rounds)) {
    rounds.push({ ...(await workerRatios(play, scale)), ...(await backtestRatio(file, place)) });
  }
  return rounds;
}

type Play = (name: string) => Promise<Throughput>;

function playerOf(input: Input, place: KafkaPlace): Play {
  const peers = [...FLOORS, ...TRIPLINES];
  let runs = 0;
  return (name) =>
    undisturbed(async () => {
      const application = `${name}-check-${runs++}`;
      const result = await measureThroughput(peers.find((peer) => peer.name === name)!, input, application, place);
      await removeTraces(place, application);
      return result;
    });
}

/** One thread each: what a second one brings depends on who else uses the machine. */
async function workerRatios(play: Play, scale: number): Promise<Ratios> {
  const reading = await play('floor-fetch');
  const parsing = await play('floor-parse');
  const atLeastOnce = await play('tripline-at-least-once-1');
  const exactlyOnce = await play('tripline-exactly-once-1');
  const [, restored] = await runRestore({ scale: RESTORE_SCALE * scale });
  return {
    worker: exactlyOnce.eventsPerSecond / parsing.eventsPerSecond,
    guarantee: exactlyOnce.eventsPerSecond / atLeastOnce.eventsPerSecond,
    ...timeRatio('workerTime', exactlyOnce.cpuPerMillion, parsing.cpuPerMillion),
    ...timeRatio('guaranteeTime', exactlyOnce.cpuPerMillion, atLeastOnce.cpuPerMillion),
    ...timeRatio('restoreTime', 1e6 / restored!.value, reading.cpuPerMillion),
  };
}

/** None where the system does not tell processor time of other processes. */
function timeRatio(id: CheckId, time: number | null, other: number | null): Ratios {
  return time === null || other === null ? {} : { [id]: time / other };
}

async function backtestRatio(file: string, { root }: KafkaPlace): Promise<Ratios> {
  const before = await elapsed(() => readOnly(file));
  const replaying = await elapsed(() => replay(file, rulesOf(benchmarkRulesFile(10)), join(root, 'backtest')));
  const after = await elapsed(() => readOnly(file));
  return { backtestTime: (2 * replaying.cpu) / (before.cpu + after.cpu) };
}
