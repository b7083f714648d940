// Runs one case of memory.bench.ts in a process of its own, so that its peak is not somebody else's:
// `node benchmarks/memory-child.ts USERS TIMERS` prints a MemoryReport.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { channelTraits } from '../connectors/channels/index.ts';
import { checkRules } from '../rules/index.ts';
import type { LogRecord } from '../schemas/record.ts';
import { LevelStore } from '../state/store/level-store.ts';
import { Replay } from '../topology/replay.ts';
import { eventLines } from './events.ts';
import { elapsed } from './figure.ts';

export interface MemoryReport {
  readonly peakMegabytes: number;
  readonly timersPerSecond: number;
}

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 1);
const NEWLINE = 0x0a;

const users = Number(process.argv[2]);
const timers = Number(process.argv[3]);
const folder = await mkdtemp(join(tmpdir(), 'tripline-memory-bench-'));
try {
  const store = await LevelStore.open(join(folder, 'state'));
  const { wall } = await elapsed(() => armAll(store));
  await store.close();
  const report: MemoryReport = {
    peakMegabytes: Math.round(process.resourceUsage().maxRSS / 1024),
    timersPerSecond: Math.round((users * timers) / wall),
  };
  process.stdout.write(JSON.stringify(report));
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Every user puts something into the cart within one hour, for which each rule waits a day and some. */
async function armAll(store: LevelStore): Promise<void> {
  const rules = Array.from({ length: timers }, (_, i) => rule(i)).join('---\n');
  const { ruleSet } = checkRules([{ file: 'rules.yaml', text: rules }], {
    outOfOrdernessMs: 5_000,
    entities: [],
    channels: channelTraits({}),
  });
  let decisions = 0;
  const replay = await Replay.open({
    rules: ruleSet,
    inputs: [{ format: 'segment', entity: 'user' }],
    store,
    outOfOrdernessMs: 5_000,
    dedupeWindowMs: 24 * HOUR_MS,
    dedupeMax: 1_000,
    recordBytesMax: 1_048_576,
    maxClockSkewMs: 300_000,
    wall: Date.UTC(2027, 0, 1),
    outputs: { decisions: () => decisions++ },
  });
  const options = { events: users, users, userOrder: 'in-turn', names: { add_to_cart: 1 } } as const;
  let offset = 0;
  for (const chunk of eventLines({ ...options, spanMs: HOUR_MS, startMs: START_MS })) {
    const records = recordsOf(chunk, offset);
    offset += records.length;
    await replay.feed(records);
  }
  await replay.complete(START_MS + HOUR_MS);
  if (decisions > 0) throw new Error('a timer fired, so not all of them were pending');
  replay.close();
}

function rule(index: number): string {
  return `id: cart-${index}
when: { absence: { after: { event: add_to_cart, as: cart }, of: { event: purchase }, within: ${24 + index}h } }
if: 'cart.properties.quantity > 0.0'
`;
}

function recordsOf(chunk: Buffer, firstOffset: number): LogRecord[] {
  const records: LogRecord[] = [];
  for (let from = 0, end = chunk.indexOf(NEWLINE); end !== -1; from = end + 1, end = chunk.indexOf(NEWLINE, from)) {
    const value = chunk.subarray(from, end);
    records.push({ offset: firstOffset + records.length, timestamp: 0, key: null, value, headers: [] });
  }
  return records;
}
