import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counters } from '../../../lib/counters.ts';
import { partitionOf } from '../../../lib/murmur2.ts';
import type { LogRecord } from '../../../schemas/record.ts';
import { FAKE_START, FakeClock } from '../../../testing/fake-clock.ts';
import { EngineMonitor } from '../../../topology/engine/monitor.ts';
import { PartitionerCheck } from '../../../topology/engine/partitioner-check.ts';
import { reminderTopology } from './kit.ts';

const PARTITIONS = 4;

function checkOf() {
  const [part] = reminderTopology().subTopologies();
  const task = { part: part!, inputs: [{ topic: 'wishes', partition: 0, upstream: null }] };
  const counters = new Counters();
  const warnings: string[] = [];
  const logger = { info: () => {}, warn: (fields: object) => warnings.push(JSON.stringify(fields)), error: () => {} };
  const monitor = new EngineMonitor({ clock: new FakeClock(), logger: logger as never });
  const check = new PartitionerCheck({ counters, monitor, partitions: new Map([['wishes', PARTITIONS]]) });
  const look = (partition: number, key: string | null): void => {
    const record: LogRecord = {
      offset: 7,
      timestamp: FAKE_START,
      key: key === null ? null : Buffer.from(key),
      value: null,
      headers: [],
    };
    const fetched = { topic: 'wishes', partition, records: [record], nextOffset: 8, endOffset: 8 };
    check.look(task, 0, fetched);
  };
  return { counters, warnings, look };
}

test('keys where Java clients put them are fine, and so are records without a key', () => {
  const { counters, warnings, look } = checkOf();
  for (let i = 0; i < 100; i++) look(partitionOf(Buffer.from(`u${i}`), PARTITIONS), `u${i}`);
  look(3, null);
  assert.equal(counters.total('misplaced'), 0);
  assert.deepEqual(warnings, []);
});

test('a key in another partition is counted each time, and told of once with its topic', () => {
  const { counters, warnings, look } = checkOf();
  const elsewhere = (partitionOf(Buffer.from('u1'), PARTITIONS) + 1) % PARTITIONS;
  look(elsewhere, 'u1');
  look(elsewhere, 'u1');
  assert.deepEqual(counters.toJSON(), { 'misplaced{topic=wishes}': 2 });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /"topic":"wishes"/);
});
