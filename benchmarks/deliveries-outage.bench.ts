// A provider that is down for an hour with a million actions queued for it: memory, the other channel, and how it recovers.
//
// Measured: one engine thread on the embedded log, time by hand; a channel whose provider answers nothing but "later" for an hour and
// takes everything after it, at a rate of 2,000/s; another channel beside it whose provider is well. Not measured: the network and
// the fence of what is asked before sending (deliveries.bench.ts).

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Breaker } from '../connectors/channels/delivery/breaker.ts';
import type { DeliveryDesk } from '../connectors/channels/delivery/desk.ts';
import type { ChannelSender, SendResult } from '../connectors/channels/delivery/sender.ts';
import { addConnector } from '../connectors/channels/delivery/topology.ts';
import { openEmbeddedLog } from '../connectors/logs/embedded/index.ts';
import { systemClock } from '../lib/clock.ts';
import { Counters } from '../lib/counters.ts';
import { partitionOf } from '../lib/murmur2.ts';
import { seededRng } from '../lib/rng.ts';
import { actionCodec } from '../schemas/framed.ts';
import { LevelStore } from '../state/store/level-store.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { Topology } from '../topology/engine/builder.ts';
import { openEngine } from '../topology/engine/open-engine.ts';
import type { Log } from '../topology/engine/ports.ts';
import { requiredTopics } from '../topology/topics.ts';
import { benchAction } from './deliveries-load.ts';
import type { Figure } from './figure.ts';

const ACTIONS = 1_000_000;
const OTHERS = 10_000;
const PARTITIONS = 4;
const RATE_PER_SECOND = 2_000;
const HOUR_MS = 3_600_000;
/** Of the outage, and of the recovery. */
const OUTAGE_STEP_MS = 10_000;
const RECOVERY_STEP_MS = 250;

/** A provider that answers at once. */
class Provider implements ChannelSender {
  sends = 0;
  readonly #isUp: () => boolean;

  constructor(isUp: () => boolean) {
    this.#isUp = isUp;
  }

  render() {
    return { outcome: 'rendered', message: { address: null, content: {} } } as const;
  }

  send(): Promise<SendResult> {
    this.sends++;
    return Promise.resolve(
      this.#isUp() ? { outcome: 'delivered', providerId: null } : { outcome: 'retry', reason: 'HTTP 503' },
    );
  }

  async close(): Promise<void> {}
}

/** `scale` 1 queues a million actions. */
export async function run({ scale }: { scale: number }): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tripline-outage-bench-'));
  const log = await openEmbeddedLog({ dir: join(folder, 'log'), clock: systemClock, fsync: 'never', cleanEveryMs: 0 });
  const clock = new FakeClock();
  let isUp = false;
  const down = new Provider(() => isUp);
  const well = new Provider(() => true);
  const topology = new Topology();
  for (const [channel, sender] of [
    ['webhook', down],
    ['other', well],
  ] as const) {
    addConnector(topology, {
      application: 'bench',
      channel,
      prefix: 'tripline',
      sender,
      rng: seededRng(1),
      desk: deskOf(clock),
      archives: false,
      tellsSent: false,
      alertsTo: null,
    });
  }
  const count = Math.max(1_000, Math.round(ACTIONS * scale));
  const others = Math.max(100, Math.round(OTHERS * scale));
  const parts = topology.subTopologies();
  await log.admin.createTopics([
    { topic: 'actions.webhook', partitions: PARTITIONS },
    { topic: 'actions.other', partitions: PARTITIONS },
    ...requiredTopics('bench', parts, PARTITIONS),
  ]);
  await append(log, 'webhook', count, clock.now());
  await append(log, 'other', others, clock.now());
  const counters = new Counters();
  const engine = await openEngine({
    log,
    topology,
    application: 'bench',
    clock,
    counters,
    transactionalId: 'bench-0',
    openStore: (task) => LevelStore.open(join(folder, 'state', task)),
    outOfOrdernessMs: 5_000,
    commitInterval: { minMs: 5, maxMs: 100 },
  });
  try {
    let peak = 0;
    const settle = async (): Promise<void> => {
      while (await engine.poll(0)) peak = Math.max(peak, process.memoryUsage.rss());
    };
    const delivered = (): number => counters.by('delivery', 'channel').get('webhook') ?? 0;
    const start = clock.now();
    let othersAfterMs = 0;
    while (clock.now() - start < HOUR_MS) {
      await settle();
      if (othersAfterMs === 0 && well.sends >= others) othersAfterMs = clock.now() - start + 1;
      await clock.advance(OUTAGE_STEP_MS);
    }
    const tried = down.sends;
    isUp = true;
    const upAt = clock.now();
    while (delivered() < count) {
      await settle();
      await clock.advance(RECOVERY_STEP_MS);
    }
    const seconds = (clock.now() - upAt) / 1_000;
    return [
      { name: 'outage of an hour: actions queued', value: count, unit: 'actions' },
      { name: 'outage of an hour: attempts made meanwhile', value: tried, unit: 'attempts' },
      {
        name: 'outage of an hour: the other channel was done after',
        value: Math.floor(othersAfterMs / 1_000),
        unit: 's',
      },
      { name: 'outage of an hour: most memory of the process', value: Math.round(peak / 2 ** 20), unit: 'MiB' },
      { name: 'outage of an hour: all delivered after', value: Math.round(seconds), unit: 's (simulated)' },
      {
        name: 'outage of an hour: of a rate of 2,000/s',
        value: Math.round((100 * count) / seconds / RATE_PER_SECOND),
        unit: '%',
      },
    ];
  } finally {
    await engine.close();
    await log.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function deskOf(clock: FakeClock): DeliveryDesk {
  return {
    clock,
    guard: { current: () => Promise.resolve(true), refusal: () => null, disable: () => {} },
    attempts: { note: () => Promise.resolve(), begun: () => 0, forget: () => {} },
    breaker: new Breaker(clock, seededRng(2)),
    pace: { perSecond: RATE_PER_SECOND, warmUp: null },
    partitions: PARTITIONS,
    fallbackAfterMs: 900_000,
    archives: false,
    tellsSent: false,
    alerts: null,
    suppression: () => undefined,
    onFailed: () => {},
  };
}

async function append(log: Log, channel: string, count: number, timestamp: number): Promise<void> {
  const writer = await log.openWriter('feed');
  for (let first = 0; first < count; first += 5_000) {
    const length = Math.min(5_000, count - first);
    writer.send(
      Array.from({ length }, (_, i) => {
        const action = { ...benchAction(first + i, timestamp), channel };
        const key = Buffer.from(action.entity.id);
        const value = actionCodec.encode(action);
        return {
          topic: `actions.${channel}`,
          partition: partitionOf(key, PARTITIONS),
          timestamp,
          key,
          value,
          headers: [],
        };
      }),
    );
    await writer.commit('feed', []);
  }
  await writer.close();
}
