// How many events a second a backtest takes, by the number of rules, and what merely reading the file costs.
//
// Measured: the whole `backtest()` of services/backtest, from the file on disk to decisions.jsonl, without compiling the
// rules; each case ROUNDS times in turn, of which the fastest counts, since whatever else the machine does only slows.
// Not measured: packed files, CSV, the firing of what is pending at the end.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { channelTraits } from '../connectors/channels/index.ts';
import { readEvents } from '../connectors/sources/files/index.ts';
import { checkRules, type RulesCheck } from '../rules/index.ts';
import { backtest } from '../services/backtest/backtest.ts';
import { FileSource } from '../services/backtest/file-source.ts';
import { writeEvents } from './events.ts';
import { type Elapsed, elapsed, type Figure } from './figure.ts';
import { benchmarkRulesFile, RULE_FOR_ALL_EVENTS } from './rules.ts';

const EVENTS = 1_000_000;
const USERS = 50_000;
const DAY_MS = 86_400_000;
const SPAN_MS = 30 * DAY_MS;
const ROUNDS = 2;
/** What is measured, by name, and the rules of each. */
const CASES: ReadonlyMap<string, string> = new Map([
  ['1 rule', benchmarkRulesFile(1)],
  ['10 rules', benchmarkRulesFile(10)],
  ['100 rules', benchmarkRulesFile(100)],
  ['1000 rules', benchmarkRulesFile(1_000)],
  ['10000 rules', benchmarkRulesFile(10_000)],
  ['10 rules and one that every event concerns', `${benchmarkRulesFile(10)}---\n${RULE_FOR_ALL_EVENTS}`],
]);

/** `scale` 1 replays a million events of 50,000 users over 30 days. */
export async function run(options: { scale: number }): Promise<Figure[]> {
  const events = Math.max(100, Math.round(EVENTS * options.scale));
  const users = Math.max(10, Math.round(USERS * options.scale));
  const folder = await mkdtemp(join(tmpdir(), 'tripline-backtest-bench-'));
  try {
    const file = join(folder, 'events.jsonl');
    await writeEvents(file, { events, users, spanMs: SPAN_MS });
    const reading = await elapsed(() => readOnly(file));
    const fastest = new Map<string, Elapsed>();
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, text] of CASES) {
        const rules = rulesOf(text);
        const took = await elapsed(() => replay(file, rules, join(folder, 'out')));
        if (took.wall < (fastest.get(name)?.wall ?? Infinity)) fastest.set(name, took);
      }
    }
    return figuresOf(events, reading, fastest);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function figuresOf(events: number, reading: Elapsed, fastest: ReadonlyMap<string, Elapsed>): Figure[] {
  const rate = (seconds: number): number => Math.round(events / seconds);
  const figures = [{ name: 'baseline: read lines and JSON.parse', value: rate(reading.wall), unit: 'events/s' }];
  for (const [rules, { wall, cpu }] of fastest) {
    const name = `backtest, ${rules}`;
    figures.push({ name, value: rate(wall), unit: 'events/s' });
    figures.push({ name, value: rate(cpu), unit: 'events/s of processor time' });
  }
  const ratio = Math.round((100 * fastest.get('10 rules')!.wall) / fastest.get('10000 rules')!.wall);
  figures.push({ name: 'backtest, speed with 10000 rules of that with 10', value: ratio, unit: '%' });
  return figures;
}

/** Reads the lines and makes JSON of them: no backtest can be faster. */
export async function readOnly(file: string): Promise<void> {
  for await (const entries of readEvents(file)) {
    for (const { bytes } of entries)
      JSON.parse(Buffer.from(bytes!.buffer, bytes!.byteOffset, bytes!.length).toString());
  }
}

/** A backtest of the file; what it decides is written below `out`. */
export function replay(file: string, rules: RulesCheck, out: string): Promise<unknown> {
  const sources = [new FileSource({ name: file, path: file, input: { format: 'segment', entity: 'user' } })];
  const pass = {
    sources,
    order: 'auto',
    from: -Infinity,
    to: Infinity,
    advanceTo: 'stay',
    outOfOrdernessMs: 5_000,
    dedupeWindowMs: DAY_MS,
    dedupeMax: 1_000,
    recordBytesMax: 1_048_576,
    maxClockSkewMs: 300_000,
    wall: Date.UTC(2027, 0, 1),
  } as const;
  return backtest(pass, { rules, out });
}

export function rulesOf(text: string): RulesCheck {
  const options = { outOfOrdernessMs: 5_000, entities: [], channels: channelTraits({}) };
  return checkRules([{ file: 'rules.yaml', text }], options);
}
