// One run of a peer over an input that was written before it started.
//
// Measured: events a second from the first look at which a tenth was done until all were, and seconds from the start of its
// process; processor time of its processes, and of the broker, over the same span as the rate; the largest memory of its
// processes; and which actions it wrote.

import { systemClock } from '../../lib/clock.ts';
import type { KafkaPlace } from '../kafka-place.ts';
import { WrittenActions } from './actions.ts';
import type { ActionCount, Expected } from './expected.ts';
import type { Input } from './input.ts';
import type { Peer, RunningPeer } from './peer.ts';
import { startPeer } from './place.ts';
import { cpuSeconds, ownMegabytes, peakMegabytes } from './usage.ts';

export interface Throughput {
  readonly eventsPerSecond: number;
  /** From the start of its process to the last event. */
  readonly seconds: number;
  /** Seconds of processor time a million events; null where the system does not tell. */
  readonly cpuPerMillion: number | null;
  readonly brokerCpuPerMillion: number | null;
  /** Resident, files that it maps included; and its own alone, of looks taken now and then. */
  readonly peakMegabytes: number | null;
  readonly ownMegabytes: number | null;
  /** Null: it writes none. */
  readonly actions: ActionCount | null;
}

/** Of the events, before the clock is started. */
const WARM_UP = 0.1;
/** A peer that commits now and then may have done all that is left by the next look: that is too little to time. */
const TIMED_MS = 100;
const LOOK_MS = 20;
/** Looking at memory goes through all processes: so seldom that it costs nothing. */
const MEMORY_MS = 500;
/** A peer that takes nothing for so long has failed. */
const PATIENCE_MS = 120_000;
/** The actions are all there when nothing new came for so long. */
const SETTLE_MS = 3_000;

/** `application`: a name that no other run has. Throws when the peer ends, or gets no further. */
export async function measureThroughput(
  peer: Peer,
  input: Input,
  application: string,
  place: KafkaPlace,
): Promise<Throughput> {
  const { events, partitions, expected } = input;
  const brokerPid = place.cluster.pids[0]!;
  const start: Look = { time: systemClock.now(), done: 0, cpu: 0, brokerCpu: cpuSeconds(brokerPid) };
  const running = await startPeer(peer, { ...input, application, job: 'absence' }, place);
  const actionsOf = peer.actionsOf(application);
  const actions = actionsOf === null ? null : new WrittenActions(place.log, actionsOf, partitions);
  try {
    const memory = new OwnMemory(running.pid);
    const first = lookAt(running, brokerPid, await untilDone(events * WARM_UP, running, memory));
    const last = lookAt(running, brokerPid, await untilDone(events, running, memory));
    const peak = peakMegabytes(running.pid);
    if (actions !== null) await settle(actions, expected);
    // Whatever it still writes as it ends is its own as well.
    await running.stop();
    await actions?.readOn();
    return {
      // Of what was done at one go, a rate can only be told with the start: too low, but not made up.
      ...rates(last.time - first.time < TIMED_MS ? start : first, last),
      seconds: (last.time - start.time) / 1_000,
      peakMegabytes: peak,
      ownMegabytes: memory.megabytes,
      actions: actions === null ? null : expected.compare(actions.all),
    };
  } finally {
    await running.stop();
    await actions?.close();
  }
}

interface Look {
  readonly time: number;
  readonly done: number;
  readonly cpu: number | null;
  readonly brokerCpu: number | null;
}

function lookAt(running: RunningPeer, brokerPid: number, done: number): Look {
  return { time: systemClock.now(), done, cpu: cpuSeconds(running.pid), brokerCpu: cpuSeconds(brokerPid) };
}

/** The largest that was seen. */
class OwnMemory {
  readonly #pid: number;
  #lookAt = 0;
  megabytes: number | null = null;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** Looks, unless it did just now. */
  look(): void {
    const now = systemClock.now();
    if (now < this.#lookAt) return;
    this.#lookAt = now + MEMORY_MS;
    const seen = ownMegabytes(this.#pid);
    if (seen !== null) this.megabytes = Math.max(seen, this.megabytes ?? 0);
  }
}

/** Returns how many were done when there were as many. Throws when the peer ends before, or stands still. */
async function untilDone(bound: number, running: RunningPeer, memory: OwnMemory): Promise<number> {
  let movedAt = systemClock.now();
  for (let before = 0; ; await systemClock.sleep(LOOK_MS)) {
    const done = await running.done();
    if (done >= bound) return done;
    memory.look();
    if (done > before) movedAt = systemClock.now();
    before = done;
    if (!running.isUp) throw new Error(`it ended:\n${running.logTail()}`);
    if (systemClock.now() - movedAt > PATIENCE_MS) {
      throw new Error(`it stands still at ${done} of ${bound} events:\n${running.logTail()}`);
    }
  }
}

function rates(from: Look, to: Look): Pick<Throughput, 'eventsPerSecond' | 'cpuPerMillion' | 'brokerCpuPerMillion'> {
  const events = to.done - from.done;
  const perMillion = (before: number | null, after: number | null): number | null =>
    before === null || after === null ? null : ((after - before) * 1e6) / events;
  return {
    eventsPerSecond: (events * 1_000) / Math.max(LOOK_MS, to.time - from.time),
    cpuPerMillion: perMillion(from.cpu, to.cpu),
    brokerCpuPerMillion: perMillion(from.brokerCpu, to.brokerCpu),
  };
}

async function settle(actions: WrittenActions, expected: Expected): Promise<void> {
  let cameAt = systemClock.now();
  for (let before = -1; systemClock.now() - cameAt < SETTLE_MS; await systemClock.sleep(LOOK_MS)) {
    await actions.readOn();
    if (actions.all.length === before) continue;
    before = actions.all.length;
    cameAt = systemClock.now();
    if (expected.compare(actions.all).missing === 0) return;
  }
}
