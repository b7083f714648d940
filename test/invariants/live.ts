// A live run as a property plays it: events come into the log while time passes, and the engine keeps up, lags, dies and
// loses its disk as the plan says.
//
// Owns: the plan and playing it, reading what came out. Does not own: what must come out (the tests).
//
// Invariants:
//   L1. An event is written when the wall clock stands at the newest event time so far: on time, for events shuffled
//       within outOfOrderness; so none may be late, whatever the engine does meanwhile.
//   L2. Events of one user and one time go through one source and partition: their order in the input is told.

import fc from 'fast-check';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { Decision } from '../../schemas/decision.ts';
import { decisionCodec } from '../../schemas/framed.ts';
import type { LogRecord } from '../../schemas/record.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { readPartition } from '../../testing/journal-replay.ts';
import { MemoryLog } from '../../testing/memory-log.ts';
import { TestDriver } from '../../testing/test-driver.ts';
import { partitionKey } from '../../topology/engine/ports.ts';
import { type JobOptions, triplineTopology } from '../../topology/topology.ts';
import { messageOf, rulesOf } from '../oracle/engine.ts';
import type { OracleEvent } from '../oracle/oracle.ts';
import { START } from '../property/generators.ts';

export const APPLICATION = 'test';
export const OUT_OF_ORDERNESS_MS = 10_000;
export const DEDUPE = { dedupeWindowMs: 86_400_000, dedupeMax: 1_000 } as const;
export const HOUR = 3_600_000;

/** Rounds of a second after which nothing is left to be done. */
const LAST_ROUNDS = 4;

/** What happens to the engine at one point of the plan. */
export type Act =
  | { readonly kind: 'lag' | 'poll' | 'run' | 'crash' | 'lose' | 'clean' }
  /** Works until nothing is left to do, and dies on the way at the n-th call of log or store. */
  | { readonly kind: 'die'; readonly calls: number; readonly when: 'before' | 'after'; readonly lose: boolean };

/** Around one event: time passes in steps with an act after each, the event is written, then comes the last act. */
export interface Move {
  readonly silence: readonly Act[];
  readonly after: Act;
}

export interface Tuning {
  readonly fetchBytesMax: number;
  readonly dirtyBytesMax: number;
  readonly commitInterval: { readonly minMs: number; readonly maxMs: number };
  readonly cacheBytes: number;
  readonly writeBackMs: number;
}

export interface LiveOptions {
  readonly rules: string;
  /** The rules compiled, where more than their text belongs to them: segments, caps. */
  readonly ruleSet?: RuleSet;
  /** In the order in which they are written to the log. */
  readonly events: readonly OracleEvent[];
  /** One for each event. */
  readonly moves: readonly Move[];
  readonly tuning: Tuning;
  readonly partitions?: number;
  /** How many source topics. */
  readonly sources?: number;
  /** Whether the sources' keys are the entities; if not, all goes through the repartition topic. */
  readonly keyed?: boolean;
  /** Other records to be written before the event of that place. */
  readonly others?: ReadonlyMap<number, { readonly key: string | null; readonly value: string | null }>;
}

export const PLAIN: Tuning = {
  fetchBytesMax: 1_000_000,
  dirtyBytesMax: 10_000_000,
  commitInterval: { minMs: 0, maxMs: 0 },
  cacheBytes: 1_000_000,
  writeBackMs: 0,
};

const die = fc.record({
  kind: fc.constant('die' as const),
  calls: fc.nat({ max: 12 }),
  when: fc.constantFrom('before', 'after'),
  lose: fc.boolean(),
});
const plainAct = fc.record({ kind: fc.constantFrom('lag', 'poll', 'run', 'crash', 'lose', 'clean') });
/** Anything may happen; shrinks to lagging. */
export const anyAct: fc.Arbitrary<Act> = fc.oneof({ weight: 3, arbitrary: plainAct }, { weight: 1, arbitrary: die });
/** Long stretches in which much is written and little is read. */
export const mostlyLag: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('lag' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('poll' as const) }) },
  { weight: 1, arbitrary: anyAct },
);
/** All that was written is processed and committed before time goes on. */
export const keepingUp: fc.Arbitrary<Act> = fc.oneof(fc.record({ kind: fc.constant('run' as const) }), die);

export function moves(count: number, act: fc.Arbitrary<Act>): fc.Arbitrary<Move[]> {
  const move = fc.record({ silence: fc.array(act, { maxLength: 2 }), after: act });
  return fc.array(move, { minLength: count, maxLength: count });
}

export const tuning: fc.Arbitrary<Tuning> = fc.record({
  fetchBytesMax: fc.constantFrom(1_000_000, 1, 500, 3_000),
  dirtyBytesMax: fc.constantFrom(10_000_000, 1, 4_000),
  commitInterval: fc.constantFrom(PLAIN.commitInterval, { minMs: 0, maxMs: 60_000 }, { minMs: 20_000, maxMs: 100_000 }),
  cacheBytes: fc.constantFrom(1_000_000, 1, 10_000),
  writeBackMs: fc.constantFrom(0, 3_000, 1e12),
});

/** A run that is over. */
export interface Finished {
  readonly driver: TestDriver;
  readonly stores: ReadonlyMap<string, MemoryStore>;
  readonly topology: () => ReturnType<typeof triplineTopology>;
  /** All deadlines up to here have passed. */
  readonly endOfTime: number;
}

/** Plays the plan to its end, an hour after the last event. The caller closes the driver. */
export async function play(options: LiveOptions): Promise<Finished> {
  const { events, moves, partitions = 1 } = options;
  const { driver, clock, log, stores, topology } = await openRun(options);
  const act = actor(driver, log);
  for (const [place, event] of events.entries()) {
    const { silence, after } = moves[place]!;
    for (const [index, each] of silence.entries()) {
      const rest = Math.max(0, event.time - clock.now());
      await clock.advance(Math.floor(rest / (silence.length + 1 - index)));
      await act(each);
    }
    await clock.advance(Math.max(0, event.time - clock.now()));
    const other = options.others?.get(place);
    // What has a key lies in the partition of that key, as with any sender: another would have a task of its own decide.
    const anywhere = other?.key === null ? { partition: place % partitions } : {};
    if (other !== undefined) await driver.pipe(topicOf(0), { ...other, ...anywhere });
    await produce(driver, options, event);
    await act(after);
  }
  await driver.run();
  const endOfTime = clock.now() + HOUR;
  // Watermarks travel with commits, so tasks behind a repartition topic learn of the time one round later.
  await clock.advance(HOUR + OUT_OF_ORDERNESS_MS + 1);
  for (let round = 0; round < LAST_ROUNDS; round++) await driver.advanceWallClock(1_000);
  await driver.drain();
  return { driver, stores, topology, endOfTime };
}

/** A log with all topics and a driver on it that has not started yet. */
export async function openRun(options: LiveOptions) {
  const clock = new FakeClock(START);
  const log = new MemoryLog(clock);
  const stores = new Map<string, MemoryStore>();
  const topology = topologyOf(options);
  const driver = await TestDriver.open({
    topology,
    application: APPLICATION,
    partitions: options.partitions ?? 1,
    clock,
    log,
    outOfOrdernessMs: OUT_OF_ORDERNESS_MS,
    ...options.tuning,
    openStore: async (task) => {
      const store = new MemoryStore();
      stores.set(task, store);
      return store;
    },
  });
  return { driver, clock, log, stores, topology };
}

/** Writes the event to the source and partition that are its own (L2). */
export async function produce(driver: TestDriver, options: LiveOptions, event: OracleEvent): Promise<void> {
  const { partitions = 1, sources = 1, keyed = true } = options;
  const way = scatter(`${event.userId} ${event.time}`);
  const topic = topicOf(way % sources);
  const value = messageOf(event);
  if (keyed) await driver.pipe(topic, { key: event.userId, value });
  else await driver.pipe(topic, { key: null, value, partition: (way >>> 8) % partitions });
}

function actor(driver: TestDriver, log: MemoryLog): (act: Act) => Promise<void> {
  return async (act) => {
    if (act.kind === 'poll') await driver.poll();
    if (act.kind === 'run') await driver.run();
    if (act.kind === 'crash' || act.kind === 'lose') await driver.crash();
    if (act.kind === 'lose') driver.loseStores();
    if (act.kind === 'clean') log.clean();
    if (act.kind !== 'die') return;
    driver.crashes.arm(act.calls, act.when);
    await driver.run();
    if (act.lose) {
      await driver.crash();
      driver.loseStores();
      await driver.run();
    }
    driver.crashes.arm(Number.POSITIVE_INFINITY, 'before');
  };
}

function topologyOf({ rules, sources = 1, keyed = true, tuning, ...options }: LiveOptions) {
  const ruleSet = options.ruleSet ?? rulesOf(rules, OUT_OF_ORDERNESS_MS);
  const job: JobOptions = {
    application: APPLICATION,
    prefix: 'tripline',
    sources: Array.from({ length: sources }, (_, index) => {
      return { topic: topicOf(index), format: 'segment' as const, keyed, entity: 'user' };
    }),
    rules: () => ruleSet,
    channels: ['webhook'],
    maxClockSkewMs: 300_000,
    ...DEDUPE,
    recordBytesMax: 10_000,
    useRecordTime: true,
    cacheBytes: tuning.cacheBytes,
  };
  return () => triplineTopology(job);
}

export function topicOf(source: number): string {
  return `events.${source}`;
}

/** A number that differs between texts, the same in every run. */
function scatter(text: string): number {
  let sum = 7;
  for (const char of text) sum = (Math.imul(sum, 31) + char.charCodeAt(0)) >>> 0;
  return sum;
}

/** The decisions that were written, partition after partition. */
export async function decisionsOf({ driver }: Finished): Promise<Decision[]> {
  const records = [...(await outputsOf(driver, (topic) => topic === 'tripline.decisions')).values()].flat();
  return records.map(({ value }) => decisionCodec.decode(value!));
}

/** The records of these topics, by `${topic}/${partition}`; partitions without records are left out. */
export async function outputsOf(
  driver: TestDriver,
  wanted: (topic: string) => boolean,
): Promise<Map<string, LogRecord[]>> {
  const found = new Map<string, LogRecord[]>();
  for (const [topic, count] of await driver.log.admin.topics()) {
    if (!wanted(topic)) continue;
    for (let partition = 0; partition < count; partition++) {
      const records = await readPartition(driver.log, { topic, partition });
      if (records.length > 0) found.set(partitionKey({ topic, partition }), records);
    }
  }
  return found;
}
