// The job of a worker, as it is: rules of a folder, channels of a configuration, what is known for deliveries, on a log in memory and
// a clock of the test's, whose engine starts again after faults as a worker's does.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Counters } from '../../lib/counters.ts';
import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { Delivery } from '../../schemas/delivery.ts';
import { deadLetterCodec, decisionCodec, deliveryCodec } from '../../schemas/framed.ts';
import { loadConfig } from '../../services/config/index.ts';
import { openDelivery } from '../../services/job/delivery.ts';
import { jobOf, plannedTopology } from '../../services/job/job.ts';
import { loadFlawlessProject } from '../../services/project/load-project.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { MemoryLog } from '../../testing/memory-log.ts';
import { type PipedRecord, TestDriver, type TestDriverOptions } from '../../testing/test-driver.ts';
import { until } from '../../testing/until.ts';
import type { Topology } from '../../topology/engine/builder.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { folderWith } from '../apps/cli/kit.ts';
import { recordingLogger } from '../connectors/logs/embedded/kit.ts';
import { scripts } from './faulty-channel.ts';

export const HOUR = 3_600_000;

const CONFIG = `application: shop
dataDir: ./data
sources: [{ topic: events, keyed: true }]
rules: ./rules
validFor: { operational: forever, marketing: forever }
channels:
  one: { type: faulty, label: one }
  two: { type: faulty, label: two }
`;
/** Two rules over two channels for every purchase; what else a test wants comes beside them. */
const RULES = `id: first
when: { event: bought }
then: [{ send: { channel: one } }]
---
id: second
when: { event: bought }
then: [{ send: { channel: two } }]
`;

export interface JobOptions {
  readonly rules?: string;
  readonly config?: string;
  readonly files?: Readonly<Record<string, string>>;
  /** Puts something around the log of the engine. */
  readonly around?: (log: Log) => Log;
  /** Puts something around the log by which what is known for deliveries is read. */
  readonly aroundKnown?: (log: Log) => Log;
  readonly recordBytesMax?: number;
  readonly openStore?: TestDriverOptions['openStore'];
}

export interface OpenJob {
  readonly driver: TestDriver;
  readonly clock: FakeClock;
  readonly faults: readonly unknown[];
  readonly decisions: readonly Decision[];
  readonly deliveries: readonly Delivery[];
  readonly deadLetters: readonly DeadLetter[];
  readonly notices: ReturnType<typeof recordingLogger>['notices'];
  event(user: string, name: string, properties?: object): PipedRecord;
  send(...records: readonly PipedRecord[]): Promise<void>;
  /** Processes, with the clock going on by little, until the condition holds. */
  until(holds: () => boolean, message: string): Promise<void>;
  /** What became of the messages of an entity, as `channel outcome`, in order of text. */
  outcomes(user: string): string[];
  /** Somebody else buys something: both rules fire and both channels deliver. */
  goesOn(): Promise<void>;
}

let made = 0;

export async function openJob(t: TestContext, options: JobOptions = {}): Promise<OpenJob> {
  scripts.clear();
  const { rules = '', config: more = '', files = {}, around = (log) => log, aroundKnown = (log) => log } = options;
  const folder = folderWith(t, {
    'tripline.yaml': CONFIG + more,
    'rules/both.yaml': RULES,
    ...(rules !== '' && { 'rules/own.yaml': rules }),
    ...files,
  });
  const loaded = loadConfig({ file: 'tripline.yaml', env: {}, folder }).config;
  const config = { ...loaded, dataDir: join(folder, 'data') };
  const project = loadFlawlessProject({ paths: ['rules'], folder, config, isLive: true });
  const clock = new FakeClock();
  const { notices, logger } = recordingLogger();
  const counters = new Counters();
  const faults: unknown[] = [];
  const memory = Object.assign(new MemoryLog(clock), { recordBytesMax: options.recordBytesMax ?? Infinity });
  let topology: Topology = plannedTopology(config, project.rules.ruleSet);
  const driver = await TestDriver.open({
    topology: () => topology,
    application: config.application,
    clock,
    log: around(memory),
    outOfOrdernessMs: config.outOfOrdernessMs,
    onFault: (error) => faults.push(error),
    // As a worker: a commit that is under way holds nothing up.
    writeBackMs: 5_000,
    ...(options.openStore !== undefined && { openStore: options.openStore }),
  });
  const known = aroundKnown(memory);
  const delivery = await withTime(clock, openDelivery({ config, log: known, clock, logger, counters, index: 0 }));
  const job = jobOf(config, project, clock, { logger, delivery });
  topology = job.topology;
  t.after(async () => {
    await withTime(clock, Promise.all([job.close(), delivery?.close(), driver.close()]));
  });
  const decisions: Decision[] = [];
  const deliveries: Delivery[] = [];
  const deadLetters: DeadLetter[] = [];
  const look = async (): Promise<void> => {
    for (const { value } of await driver.read('tripline.decisions')) decisions.push(decisionCodec.decode(value!));
    for (const { value } of await driver.read('tripline.deliveries')) deliveries.push(deliveryCodec.decode(value!));
    for (const { value } of await driver.read('tripline.dead-letter')) deadLetters.push(deadLetterCodec.decode(value!));
  };
  const opened: OpenJob = {
    driver,
    clock,
    faults,
    decisions,
    deliveries,
    deadLetters,
    notices,
    event(user, name, properties = {}) {
      const timestamp = clock.now();
      const message = { type: 'track', messageId: `m${made++}`, userId: user, event: name, properties };
      return { key: user, value: JSON.stringify({ ...message, timestamp: new Date(timestamp) }), timestamp };
    },
    send: (...records) => driver.pipe('events', ...records),
    async until(holds, message) {
      const step = async (): Promise<boolean> => {
        await driver.run();
        await clock.advance(5);
        await look();
        return holds();
      };
      const seen = () => ({ decisions: decisions.length, deliveries, deadLetters, faults: faults.map(String) });
      await until(step, { message, seen, deadlineMs: 20_000 });
    },
    outcomes: (user) =>
      deliveries
        .filter(({ entity }) => entity.id === user)
        .map(({ channel, outcome }) => `${channel} ${outcome}`)
        .sort(),
    async goesOn() {
      const user = `next-${made++}`;
      await opened.send(opened.event(user, 'bought'));
      await opened.until(() => opened.outcomes(user).length === 2, 'somebody else is served by both channels');
      assert.deepEqual(opened.outcomes(user), ['one delivered', 'two delivered']);
    },
  };
  return opened;
}

/** Lets the clock go on while something waits by it. */
async function withTime<Result>(clock: FakeClock, work: Promise<Result>): Promise<Result> {
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  work.then(over, over);
  await until(
    async () => {
      await clock.advance(100);
      return isOver;
    },
    { message: 'what waits by the clock ends' },
  );
  return work;
}

/** Replaces a method for one who meets a fault: the real one is called for all others. */
export function inMethod<Target extends object>(
  t: TestContext,
  target: Target,
  name: keyof Target & string,
  meets: (self: unknown, args: readonly unknown[]) => void,
): void {
  const real = target[name] as unknown as (...args: unknown[]) => unknown;
  const injected = function (this: unknown, ...args: unknown[]): unknown {
    meets(this, args);
    return real.apply(this, args);
  };
  t.mock.method(target as never, name as never, injected as never);
}

/** A log whose writers or readers do something else first, where the test says so. */
export function logAround(
  log: Log,
  meets: {
    commit?: () => Promise<void> | undefined;
    read?: () => Promise<void> | undefined;
    offsets?: () => Promise<void> | undefined;
  },
): Log {
  return {
    ...(log.recordBytesMax !== undefined && { recordBytesMax: log.recordBytesMax }),
    admin: {
      topics: () => log.admin.topics(),
      createTopics: (specs) => log.admin.createTopics(specs),
      committed: (...args) => log.admin.committed(...args),
      offsets: async (place) => {
        await meets.offsets?.();
        return log.admin.offsets(place);
      },
    },
    openReader: () => {
      const reader = log.openReader();
      return {
        assign: (positions) => reader.assign(positions),
        read: async (options) => {
          await meets.read?.();
          return reader.read(options);
        },
        pause: (place) => reader.pause(place),
        resume: (place) => reader.resume(place),
        close: () => reader.close(),
      };
    },
    openWriter: async (id) => {
      const writer = await log.openWriter(id);
      return {
        send: (records) => writer.send(records),
        commit: async (...args) => {
          if (id !== 'pipe' && !id.startsWith('pipe-')) await meets.commit?.();
          return writer.commit(...args);
        },
        abort: () => writer.abort(),
        close: () => writer.close(),
      };
    },
    close: () => log.close(),
  };
}
