// Groups on a real broker: the contract, and what only a cluster does.

import assert from 'node:assert/strict';
import { openKafkaLog } from '../../../connectors/kafka/index.ts';
import { type Clock, systemClock } from '../../../lib/clock.ts';
import { groupSuite } from '../../contract/group.suite.ts';
import type { Worker } from '../../contract/group-kit.ts';
import type { Cleanup } from '../../contract/log-kit.ts';
import { clusterOfFile, openLog } from './kit.ts';

const cluster = await clusterOfFile({ properties: { 'group.min.session.timeout.ms': '500' } });
const PATIENCE_MS = 30_000;
let groups = 0;

/** The system's clock, but whoever sleeps when it stands still wakes only once it goes on: as in a stopped process. */
class StoppableClock implements Clock {
  #going = Promise.withResolvers<void>();

  constructor() {
    this.#going.resolve();
  }

  now(): number {
    return systemClock.now();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await systemClock.sleep(ms, signal);
    await this.#going.promise;
  }

  stop(): void {
    this.#going = Promise.withResolvers();
  }

  go(): void {
    this.#going.resolve();
  }
}

function workerOf(t: Cleanup): Worker {
  const clock = new StoppableClock();
  const log = openKafkaLog({ brokers: cluster.bootstrap, clientId: 'test', clock });
  t.after(() => {
    clock.go();
    return log.close();
  });
  return { log, openMember: (options) => log.openMember(options), freeze: () => clock.stop(), thaw: () => clock.go() };
}

async function until(what: string, condition: () => boolean): Promise<number> {
  const start = systemClock.now();
  while (!condition()) {
    assert.ok(systemClock.now() - start < PATIENCE_MS, `not within ${PATIENCE_MS} ms: ${what}`);
    await systemClock.sleep(5);
  }
  return systemClock.now() - start;
}

groupSuite('kafka, classic', async (t) => {
  const group = `group-${groups++}`;
  const topic = `${group}-events`;
  await openLog(t, cluster).admin.createTopics([{ topic, partitions: 4 }]);
  return { group, topic, worker: () => workerOf(t), until, pass: (ms) => systemClock.sleep(ms) };
});
