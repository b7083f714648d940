// How throughput grows with threads and processes, and what the broker pays for it.
//
// Measured: one or two threads in one process, and one thread in each of two and three processes of one group, exactly once,
// with the job "add_to_cart, no purchase in 24 hours" over shop events of about 400 bytes of 50,000 users in 12 partitions.
// The group shares out the tasks before there are events; the workers stand still while these are written, and the first
// tenth is left out. All of them, and one broker, share this machine: once its cores are busy more workers bring nothing,
// which is why the processor time of an event, the workers' and the broker's, is what tells how it grows on more machines.
// One case more has only those events that the rule has to remember. Of one process with one thread also what an event
// leaves on the broker's disk, by kind of topic. Not measured: replicas, a network.

import { changelogTopic, journalTopic } from '../topology/engine/topics.ts';
import { actionsTopic, publicTopics } from '../topology/topics.ts';
import { ENTITY_STORE } from '../topology/topology.ts';
import { topicBytes } from './broker-bytes.ts';
import { SHOP_NAMES } from './events.ts';
import type { Figure } from './figure.ts';
import { type KafkaPlace, onKafka } from './kafka-place.ts';
import { figuresOf, measureGroup, type WorkerGroup } from './worker-group.ts';

const EVENTS = 1_000_000;
const PARTITIONS = 12;
/** Those that the rule has to remember: of the shop's events one in ten. */
const REMEMBERED = { add_to_cart: 70, purchase: 30 };
/** `leaves`: of what it is measured how much room it takes on the broker. */
const CASES = [
  { processes: 1, threads: 1, names: SHOP_NAMES, name: 'one process, one thread', leaves: 'an event' },
  {
    ...{ processes: 1, threads: 1, names: REMEMBERED },
    ...{ name: 'one process, one thread, carts and purchases only', leaves: 'a remembered event' },
  },
  { processes: 1, threads: 2, names: SHOP_NAMES, name: 'one process, two threads' },
  { processes: 2, threads: 1, names: SHOP_NAMES, name: 'two processes, one thread each' },
  { processes: 3, threads: 1, names: SHOP_NAMES, name: 'three processes, one thread each' },
];
const SMALL_SCALE = 0.01;

/** `scale` 1 takes a million events in each case. Needs Java and Maven. */
export function run({ scale }: { scale: number }): Promise<Figure[]> {
  const events = Math.max(1_000, Math.round(EVENTS * scale));
  return onKafka(scale, async (place) => {
    const figures: Figure[] = [];
    // Where it is only to be seen that all this runs, the first and the last will do.
    const cases = scale < SMALL_SCALE ? [CASES[0]!, CASES.at(-1)!] : CASES;
    for (const [number, { name, leaves, ...sizes }] of cases.entries()) {
      const application = `workers-${number}`;
      const topic = `events.${application}`;
      const group = { ...sizes, application, topic, partitions: PARTITIONS, keyed: true, events, idleMs: 0 };
      figures.push(...figuresOf(`kafka, ${name}`, await measureGroup(group, place)));
      if (leaves !== undefined) figures.push(...(await measureBytes(leaves, group, place)));
    }
    return figures;
  });
}

/** What an event left on the broker's disk, with the codecs that topics have by default. */
async function measureBytes(
  what: string,
  { application, topic, events }: WorkerGroup,
  { cluster, log }: KafkaPlace,
): Promise<Figure[]> {
  const kinds: Readonly<Record<string, readonly string[]>> = {
    'as it comes in': [topic],
    'in the changelog, before it is compacted': [changelogTopic(application, ENTITY_STORE)],
    'in the journal': [journalTopic(application)],
    'in decisions and actions': [publicTopics(application).decisions, actionsTopic(application, 'webhook')],
  };
  const partitions = await log.admin.topics();
  const names = Object.values(kinds).flat();
  const bytes = await topicBytes(cluster.bootstrap, new Map(names.map((name) => [name, partitions.get(name) ?? 0])));
  return Object.entries(kinds).map(([kind, topics]) => {
    const sum = topics.reduce((all, name) => all + (bytes.get(name) ?? 0), 0);
    return { name: `kafka, ${what} ${kind}`, value: Math.max(1, Math.round(sum / events)), unit: 'bytes on disk' };
  });
}
