// I1: the same with one worker and with several, which share the partitions.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Counters } from '../../lib/counters.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import { openEngine } from '../../topology/engine/open-engine.ts';
import { decisionOf, sorted } from '../oracle/engine.ts';
import { decide } from '../oracle/oracle.ts';
import {
  APPLICATION,
  DEDUPE,
  decisionsOf,
  HOUR,
  type LiveOptions,
  OUT_OF_ORDERNESS_MS,
  openRun,
  outputsOf,
  produce,
} from './live.ts';
import { anySources, plans, sending } from './plans.ts';
import { holds } from './property.ts';

/** Rounds after which what one worker wrote for another has come through the repartition topic and been acted upon. */
const LAST_ROUNDS = 4;

/** Plays the plan with so many workers, each with a writer and partitions of its own. The caller closes the driver. */
async function playBy(workers: number, options: LiveOptions) {
  const { driver, log, clock, topology } = await openRun(options);
  const engines = await Promise.all(
    Array.from({ length: workers }, (_, index) =>
      openEngine({
        log,
        topology: topology(),
        application: APPLICATION,
        clock,
        counters: new Counters(),
        takes: (_part, partition) => partition % workers === index,
        transactionalId: `${APPLICATION}-${index}`,
        openStore: async () => new MemoryStore(),
        outOfOrdernessMs: OUT_OF_ORDERNESS_MS,
        ...options.tuning,
      }),
    ),
  );
  const work = async (): Promise<void> => {
    for (const engine of engines) {
      while (await engine.poll(0));
      await engine.commit();
    }
  };
  for (const [place, event] of options.events.entries()) {
    await clock.advance(Math.max(0, event.time - clock.now()));
    await produce(driver, options, event);
    // Now and then several events wait.
    if (options.moves[place]!.after.kind !== 'lag') await work();
  }
  await work();
  const endOfTime = clock.now() + HOUR;
  await clock.advance(HOUR + OUT_OF_ORDERNESS_MS + 1);
  for (let round = 0; round < LAST_ROUNDS; round++) {
    await clock.advance(1_000);
    await work();
  }
  return { driver, stores: new Map<string, MemoryStore>(), topology, endOfTime };
}

const act = fc.record({ kind: fc.constantFrom('run' as const, 'lag' as const) });
const keyed = fc.record({ partitions: fc.integer({ min: 2, max: 4 }) });
const written = (topic: string): boolean => /^(tripline\.(decisions|late)|actions\..*)$/.test(topic);

holds(
  'several workers write the same bytes into each partition as one does (I1)',
  30,
  fc.tuple(plans({ act, shuffle: 'beyond', shape: keyed }), fc.integer({ min: 2, max: 3 })),
  async ([plan, workers]) => {
    const one = await playBy(1, sending(plan));
    const several = await playBy(workers, sending(plan));
    assert.deepEqual(await outputsOf(several.driver, written), await outputsOf(one.driver, written));
    await one.driver.close();
    await several.driver.close();
  },
);

holds(
  'several workers, events between them repartitioned or not, decide as the oracle does (I2, I3)',
  30,
  plans({ rules: { order: 'event-time' }, act, shuffle: 'within', shape: anySources }),
  async (plan) => {
    const finished = await playBy(2, sending(plan));
    const { rules, events } = plan;
    const { endOfTime } = finished;
    const expected = decide({ rules, events, endOfTime, outOfOrdernessMs: OUT_OF_ORDERNESS_MS, ...DEDUPE });
    assert.deepEqual(sorted((await decisionsOf(finished)).map(decisionOf)), expected.decisions);
    await finished.driver.close();
  },
);
