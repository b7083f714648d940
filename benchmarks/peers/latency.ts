// One run of a peer over events that come at a fixed rate whatever becomes of them (open loop).
//
// Measured: the time from when an event was due to be sent until a client that reads committed records has the action
// that came of it, so that sending, the broker, the peer and reading all count; and the time from when an event was due
// until it was in the log, which no peer can be faster than. One event in ten is a purchase, and fires (job `each`).

import { systemClock } from '../../lib/clock.ts';
import type { KafkaPlace } from '../kafka-place.ts';
import { liveLoad, percentile } from '../live-load.ts';
import { PARTITIONS } from './input.ts';
import type { Peer } from './peer.ts';
import { startPeer } from './place.ts';
import { cpuSeconds, peakMegabytes } from './usage.ts';

export interface Latency {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  /** Of those from due to in the log, ms. */
  readonly sentP50: number;
  readonly sentP99: number;
  /** Of one core, by the peer; null where the system does not tell. */
  readonly cpuShare: number | null;
  readonly peakMegabytes: number | null;
}

const USERS = 50_000;
const FIRES_EACH = 10;
/** So long a peer gets to be at its best before anything counts: Java compiles meanwhile. */
const WARM_UP_MS = 15_000;
const MEASURED_MS = 30_000;
const LEAST_MS = 1_000;

/** `scale` 1 takes three quarters of a minute. Throws when an action is missing, or came twice. */
export async function measureLatency(
  peer: Peer,
  eventsPerSecond: number,
  application: string,
  place: KafkaPlace,
): Promise<Latency> {
  const { log, scale } = place;
  const topic = `${application}-events`;
  await log.admin.createTopics([{ topic, partitions: PARTITIONS }]);
  const running = await startPeer(peer, { job: 'each', application, topic, partitions: PARTITIONS }, place);
  try {
    const sent: number[] = [];
    const load = {
      ...{ log, topic, partitions: PARTITIONS, users: USERS, eventsPerSecond, firesEach: FIRES_EACH },
      ...{ actions: peer.actionsOf(application)!, onSent: (delayMs: number) => sent.push(delayMs) },
    };
    await liveLoad(load, AbortSignal.timeout(msOf(WARM_UP_MS, scale)));
    sent.length = 0;
    const before = { time: systemClock.now(), cpu: cpuSeconds(running.pid) };
    const seen = await liveLoad(load, AbortSignal.timeout(msOf(MEASURED_MS, scale)));
    const after = { time: systemClock.now(), cpu: cpuSeconds(running.pid) };
    const latencies = seen.map(({ due, read }) => read - due).sort((a, b) => a - b);
    sent.sort((a, b) => a - b);
    const seconds = (after.time - before.time) / 1_000;
    return {
      p50: percentile(latencies, 0.5),
      p95: percentile(latencies, 0.95),
      p99: percentile(latencies, 0.99),
      max: latencies.at(-1)!,
      sentP50: percentile(sent, 0.5),
      sentP99: percentile(sent, 0.99),
      cpuShare: before.cpu === null || after.cpu === null ? null : (after.cpu - before.cpu) / seconds,
      peakMegabytes: peakMegabytes(running.pid),
    };
  } finally {
    await running.stop();
  }
}

function msOf(atFullScale: number, scale: number): number {
  return Math.max(LEAST_MS, Math.round(atFullScale * scale));
}
