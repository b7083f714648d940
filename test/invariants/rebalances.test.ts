// I1, I2, I4, I5: the same, whatever workers come, go, die or wake up late, and however often tasks move.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { LogRecord } from '../../schemas/record.ts';
import { Cluster, SESSION_MS } from './cluster.ts';
import { HOUR, type LiveOptions, openRun, outputsOf, produce } from './live.ts';
import { plans, sending } from './plans.ts';
import { holds } from './property.ts';

/** What happens to the workers before an event. */
type Change =
  | { readonly kind: 'none' | 'add' | 'thaw' }
  | { readonly kind: 'stop' | 'kill' | 'wipe' | 'lose' | 'freeze'; readonly worker: number };

/** Longer than all the rebalances between two events take together, so that none is late on their account. */
const OUT_OF_ORDERNESS_MS = 600_000;
const WORKERS_MAX = 4;

async function playBy(options: LiveOptions, changes: readonly Change[], turns: readonly number[], standbys: number) {
  const { driver, log, clock, topology } = await openRun(options);
  const { tuning } = options;
  const outOfOrdernessMs = OUT_OF_ORDERNESS_MS;
  const cluster = new Cluster({ log, clock, topology, tuning, standbyReplicas: standbys, outOfOrdernessMs });
  cluster.add();
  for (const [place, event] of options.events.entries()) {
    await change(cluster, changes[place] ?? { kind: 'none' });
    await clock.advance(Math.max(0, event.time - clock.now()));
    await produce(driver, options, event);
    await cluster.run(turns[place] ?? 1);
  }
  cluster.thaw();
  await cluster.settle();
  await clock.advance(HOUR + OUT_OF_ORDERNESS_MS);
  for (let round = 0; round < 4; round++) await cluster.settle();
  await cluster.close();
  return { driver, counters: cluster.counters };
}

async function change(cluster: Cluster, what: Change): Promise<void> {
  if (what.kind === 'add' && cluster.size < WORKERS_MAX) cluster.add();
  if (what.kind === 'thaw') cluster.thaw();
  if (what.kind === 'kill' || what.kind === 'wipe') await cluster.kill(what.worker, what.kind === 'wipe');
  if (what.kind === 'freeze') cluster.freeze(what.worker);
  // One is left to do the work, also when those that were told to stop have not had their turns.
  if (cluster.staying < 2) return;
  if (what.kind === 'stop') cluster.stop(what.worker);
  if (what.kind === 'lose') await cluster.lose(what.worker);
}

const worker = fc.nat({ max: WORKERS_MAX });
const changes: fc.Arbitrary<Change> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('none' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('add' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('thaw' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('stop', 'kill', 'wipe', 'lose', 'freeze'), worker }),
  },
);
/** From less than a rebalance takes to longer than a session. */
const turns = fc.integer({ min: 0, max: Math.ceil((1.5 * SESSION_MS) / 250) });
const act = fc.constant({ kind: 'run' as const });
const shape = fc.record({ partitions: fc.integer({ min: 1, max: 4 }), keyed: fc.boolean() });
const written = (topic: string): boolean => /^(tripline\.(decisions|late)|actions\..*)$/.test(topic);

/** What was written, whatever the order in which partitions of a repartition topic came in. */
function contents(outputs: ReadonlyMap<string, readonly LogRecord[]>): Record<string, string[]> {
  const texts = [...outputs].map(([partition, records]) => {
    const rows = records.map(
      ({ key, value }) => `${Buffer.from(key!).toString()} ${Buffer.from(value!).toString('hex')}`,
    );
    return [partition, rows.sort()] as const;
  });
  return Object.fromEntries(texts.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

holds(
  'workers that come, go, die and wake up late write what one worker writes (I1, I2, I4)',
  25,
  fc.tuple(
    plans({ act, shuffle: 'none', shape }),
    fc.array(changes, { minLength: 25, maxLength: 25 }),
    fc.array(turns, { minLength: 25, maxLength: 25 }),
    fc.integer({ min: 0, max: 2 }),
  ),
  async ([plan, what, when, standbys]) => {
    const options = sending(plan);
    const one = await playBy(options, [], [], 0);
    const many = await playBy(options, what, when, standbys);
    assert.deepEqual(contents(await outputsOf(many.driver, written)), contents(await outputsOf(one.driver, written)));
    await one.driver.close();
    await many.driver.close();
  },
);
