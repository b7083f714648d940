// A process that produces the scenario's events into an embedded log and evaluates them meanwhile, to be killed at any
// moment and started again: `node engine-process.ts FOLDER`. Prints a line for each batch produced, `done` at the end.
//
// Time is the scenario's: it stands where production stands, in every life, so that what must be decided is known.

import { join } from 'node:path';
import { openEmbeddedLog } from '../../connectors/logs/embedded/index.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { Counters } from '../../lib/counters.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import { seededRng } from '../../lib/rng.ts';
import type { NewRecord } from '../../schemas/record.ts';
import { LevelStore } from '../../state/store/level-store.ts';
import { openEngine } from '../../topology/engine/open-engine.ts';
import { requiredTopics } from '../../topology/topics.ts';
import { messageOf } from '../oracle/engine.ts';
import {
  APPLICATION,
  lastWall,
  OUT_OF_ORDERNESS_MS,
  PARTITIONS,
  producedEvents,
  START,
  TOPIC,
  topology,
  wallTimes,
} from './scenario.ts';

/** Rounds without work after which all is done. */
const IDLE_ROUNDS = 3;
const PRODUCER = 'producer';
const PROGRESS = { topic: TOPIC, partition: 0 };

const folder = process.argv[2]!;
const events = producedEvents();
const walls = wallTimes(events);
let wall = START;
const clock: Clock = { ...systemClock, now: () => wall };

const log = await openEmbeddedLog({ dir: join(folder, 'log'), clock: systemClock });
const parts = topology().subTopologies();
await log.admin.createTopics([
  { topic: TOPIC, partitions: PARTITIONS },
  ...requiredTopics(APPLICATION, parts, PARTITIONS),
]);

/** Writes all events from where the last life stopped: records and progress are one transaction. */
async function produce(): Promise<void> {
  const rng = seededRng(process.pid);
  const writer = await log.openWriter(PRODUCER);
  const [position] = await log.admin.committed(PRODUCER, [PROGRESS]);
  for (let next = position?.offset ?? 0; next < events.length; ) {
    wall = walls[next]!;
    const batch = events.slice(next, next + 1 + Math.floor(rng.next() * 20));
    writer.send(
      batch.map((event): NewRecord => {
        const key = Buffer.from(event.userId);
        const value = Buffer.from(messageOf(event));
        return { topic: TOPIC, partition: partitionOf(key, PARTITIONS), timestamp: wall, key, value, headers: [] };
      }),
    );
    next += batch.length;
    await writer.commit(PRODUCER, [{ ...PROGRESS, offset: next, metadata: '' }]);
    console.log(next);
  }
  await writer.close();
  wall = lastWall(events);
}

async function evaluate(produced: () => boolean): Promise<void> {
  const engine = await openEngine({
    log,
    topology: topology(),
    application: APPLICATION,
    clock,
    counters: new Counters(),
    takes: () => true,
    transactionalId: APPLICATION,
    // One that was killed while it was opened is begun anew, as a worker does.
    openStore: (task) => LevelStore.open(join(folder, 'state', task), () => {}),
    outOfOrdernessMs: OUT_OF_ORDERNESS_MS,
    commitInterval: { minMs: 0, maxMs: 20_000 },
    fetchBytesMax: 4_000,
    dirtyBytesMax: 50_000,
  });
  for (let idle = 0; idle < IDLE_ROUNDS; ) {
    const over = produced();
    const active = await engine.poll(5);
    idle = over && !active ? idle + 1 : 0;
  }
  await engine.drain(0);
  await engine.close();
}

let isProduced = false;
await Promise.all([produce().then(() => (isProduced = true)), evaluate(() => isProduced)]);
await log.close();
console.log('done');
