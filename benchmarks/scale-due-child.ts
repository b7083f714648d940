// Runs scale-due.bench.ts in a process of its own, whose memory is then the engine's: `node benchmarks/scale-due-child.ts
// FOLDER TIMERS` prints a DueReport.
//
// Owns: the clock, which jumps to the deadline, and the commits, which are watched from between the engine and its log.
//
// Invariants:
//   U1. A timer's lateness is counted from when stream time could pass it, which is the jump of the clock, and an event's
//       from when it was due to be sent, whatever held the sender up; both until the commit that has the action.

import { type Clock, systemClock } from '../lib/clock.ts';
import { partitionOf } from '../lib/murmur2.ts';
import type { NewRecord } from '../schemas/record.ts';
import type { Log, LogWriter } from '../topology/engine/ports.ts';
import { eventLines } from './events.ts';
import { elapsed } from './figure.ts';
import { percentile } from './live-load.ts';
import {
  CART_RULE,
  LOCAL_PARTITIONS,
  LOCAL_TOPIC,
  LocalEngine,
  OUT_OF_ORDERNESS_MS,
  openLocalLog,
} from './local-engine.ts';

export interface DueReport {
  /** From the jump of the clock to the last commit of an action of a timer. */
  readonly timersPerSecond: number;
  readonly processorNanoseconds: number;
  readonly latenessMs: { readonly p50: number; readonly p99: number; readonly longest: number };
  /** Longest times from event to action meanwhile: in tasks that have timers, and in the one that has none. */
  readonly longestWaitMs: { readonly beside: number; readonly elsewhere: number };
  readonly peakMegabytes: number;
}

/** An action that was committed: its time, which is its event's or its timer's, and when that was. */
interface Committed {
  readonly partition: number;
  readonly at: number;
  readonly committed: number;
}

const ACTIONS = 'actions.webhook';
/** The one without timers. */
const FREE_PARTITION = LOCAL_PARTITIONS - 1;
const DAY_MS = 86_400_000;
const LIVE_EVENT = 'checked_in';
const RULES = `${CART_RULE}---\nid: live\nwhen: { event: ${LIVE_EVENT} }\nthen: [{ send: { channel: webhook } }]\n`;
const LIVE_USERS = 1_000;
/** So often every partition gets an event. */
const LIVE_STEP_MS = 10;
/** Those whose names fall to it, by partition. */
const LIVE_NAMES = Map.groupBy(
  Array.from({ length: LIVE_USERS }, (_, number) => `live_${number}`),
  (name) => partitionOf(Buffer.from(name), LOCAL_PARTITIONS),
);
/** Live events before the jump: compiled code is what is measured. */
const WARM_UP_MS = 2_000;
/** By then all must have fired. */
const FIRED_MS = 600_000;

const [folder, count] = process.argv.slice(2);
const timers = Number(count);
const log = await openLocalLog(folder!);
const actions: Committed[] = [];
let fired = 0;
let aheadMs = 0;
const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
const startMs = systemClock.now();
const deadline = startMs + DAY_MS;
const written = await writeCarts();
const engine = await LocalEngine.open({ folder: folder!, log: watched(log), clock, rules: RULES });
await engine.runUntil(written);
const over = new AbortController();
const sending = sendLive(over.signal);
const warmUpMs = Math.min(WARM_UP_MS, timers);
for (const until = systemClock.now() + warmUpMs; systemClock.now() < until; ) await engine.poll();

aheadMs = deadline + OUT_OF_ORDERNESS_MS + 1 - systemClock.now();
const jumpedAt = systemClock.now();
const { cpu } = await elapsed(async () => {
  const until = jumpedAt + FIRED_MS;
  while (fired < written && systemClock.now() < until) await engine.poll();
});
const endedAt = systemClock.now();
for (const until = endedAt + warmUpMs; systemClock.now() < until; ) await engine.poll();
over.abort();
await sending;
await engine.close();
await log.close();
if (fired !== written) throw new Error(`of ${written} timers ${fired} fired`);

const lateness = actions.flatMap(({ at, committed }) => (at === deadline ? [committed - jumpedAt] : []));
lateness.sort((a, b) => a - b);
const live = actions.filter(({ at }) => at !== deadline);
const report: DueReport = {
  timersPerSecond: Math.round((written * 1_000) / Math.max(1, lateness.at(-1)!)),
  processorNanoseconds: Math.round((cpu * 1e9) / written),
  latenessMs: { p50: percentile(lateness, 0.5), p99: percentile(lateness, 0.99), longest: lateness.at(-1)! },
  longestWaitMs: {
    beside: longestWait(live.filter(({ partition }) => partition !== FREE_PARTITION)),
    elsewhere: longestWait(live.filter(({ partition }) => partition === FREE_PARTITION)),
  },
  peakMegabytes: Math.round(process.resourceUsage().maxRSS / 1024),
};
process.stdout.write(JSON.stringify(report));

/** Of events that were due once the clock had jumped. */
function longestWait(live: readonly Committed[]): number {
  return live.reduce((longest, { at, committed }) => {
    const due = at - aheadMs;
    return due < jumpedAt ? longest : Math.max(longest, committed - due);
  }, 0);
}

/** Carts of that many people, all of one moment, none in the free partition; returns how many. */
async function writeCarts(): Promise<number> {
  const writer = await log.openWriter('bench-carts');
  const all = Math.round((timers * LOCAL_PARTITIONS) / (LOCAL_PARTITIONS - 1));
  let sent = 0;
  for (const chunk of eventLines({
    events: all,
    users: all,
    spanMs: 0,
    startMs,
    userOrder: 'scattered',
    names: { add_to_cart: 1 },
  })) {
    const records = chunk
      .toString('latin1')
      .trimEnd()
      .split('\n')
      .map((line) => recordOf(/"userId":"([^"]*)"/.exec(line)![1]!, line))
      .filter(({ partition }) => partition !== FREE_PARTITION);
    sent += records.length;
    writer.send(records);
    await writer.commit('bench-carts', []);
  }
  await writer.close();
  return sent;
}

/** Sends to every partition, each event stamped with the time at which it was due, until `signal` aborts. */
async function sendLive(signal: AbortSignal): Promise<void> {
  const writer = await log.openWriter('bench-live');
  const began = systemClock.now();
  for (let next = 0; !signal.aborted; await systemClock.sleep(LIVE_STEP_MS)) {
    const records: NewRecord[] = [];
    for (; began + next * LIVE_STEP_MS <= systemClock.now(); next++) {
      const timestamp = began + next * LIVE_STEP_MS + aheadMs;
      for (const names of LIVE_NAMES.values()) {
        const userId = names[next % names.length]!;
        const event = { messageId: `live-${next}`, type: 'track', userId, event: LIVE_EVENT, timestamp };
        records.push(recordOf(userId, JSON.stringify(event)));
      }
    }
    if (records.length === 0) continue;
    writer.send(records);
    await writer.commit('bench-live', []);
  }
  await writer.close();
}

function recordOf(userId: string, line: string): NewRecord {
  const key = Buffer.from(userId);
  const partition = partitionOf(key, LOCAL_PARTITIONS);
  return { topic: LOCAL_TOPIC, partition, timestamp: clock.now(), key, value: Buffer.from(line), headers: [] };
}

/** The same log, of which every commit adds its actions to `actions`. */
function watched(inner: Log): Log {
  return {
    admin: inner.admin,
    openReader: () => inner.openReader(),
    openWriter: async (id) => watchedWriter(await inner.openWriter(id)),
    close: () => inner.close(),
  };
}

function watchedWriter(inner: LogWriter): LogWriter {
  let sent: Omit<Committed, 'committed'>[] = [];
  return {
    send(records) {
      for (const { topic, partition, timestamp } of records)
        if (topic === ACTIONS) sent.push({ partition, at: timestamp });
      inner.send(records);
    },
    async commit(group, positions, member) {
      const ends = await inner.commit(group, positions, member);
      const committed = systemClock.now();
      for (const each of sent) {
        actions.push({ ...each, committed });
        if (each.at === deadline) fired++;
      }
      sent = [];
      return ends;
    },
    abort: () => inner.abort(),
    close: () => inner.close(),
  };
}
