// What partitions cost a worker: from 4 to 64 of them in one thread, keyed by the entity or not.
//
// Measured: one worker with one thread on Kafka, exactly once, with the job "add_to_cart, no purchase in 24 hours" over
// shop events of about 400 bytes of 50,000 users: events a second, processor time of an event, the worker's and the
// broker's, and the largest resident memory. A partition is a task with a database of its own; where the source is not
// keyed by the entity there is a second one, which sends events on and tells all the others how far it has come. Also the
// processor time of a second in which nothing happens. One broker and this program are beside the worker.

import type { Figure } from './figure.ts';
import { onKafka } from './kafka-place.ts';
import { figuresOf, measureGroup } from './worker-group.ts';

const PARTITIONS = [4, 16, 64];
const EVENTS = 400_000;
const IDLE_MS = 10_000;
const SMALL_SCALE = 0.01;

/** `scale` 1 takes 400,000 events in each case. Needs Java and Maven. */
export function run({ scale }: { scale: number }): Promise<Figure[]> {
  return onKafka(scale, async (place) => {
    const figures: Figure[] = [];
    for (const keyed of [true, false]) {
      // Where it is only to be seen that all this runs, two partitions will do.
      for (const partitions of scale < SMALL_SCALE ? [2] : PARTITIONS) {
        const kind = keyed ? 'keyed' : 'not keyed';
        const application = `partitions-${partitions}-${kind.replaceAll(' ', '-')}`;
        const report = await measureGroup(
          {
            ...{ application, topic: `events.${application}`, partitions, processes: 1, threads: 1, keyed },
            events: Math.max(1_000, Math.round(EVENTS * scale)),
            idleMs: Math.max(500, Math.round(IDLE_MS * scale)),
          },
          place,
        );
        figures.push(...figuresOf(`kafka, ${partitions} partitions ${kind}`, report));
      }
    }
    return figures;
  });
}
