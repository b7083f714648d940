import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTopic } from '../../../services/topics/read-topic.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { MemoryLog } from '../../../testing/memory-log.ts';

const RECORDS = 2_500;

async function filled(): Promise<MemoryLog> {
  const log = new MemoryLog(new FakeClock());
  await log.admin.createTopics([{ topic: 't', partitions: 2 }]);
  const writer = await log.openWriter('w');
  writer.send(
    Array.from({ length: RECORDS }, (_, i) => {
      return { topic: 't', partition: i % 2, timestamp: i, key: null, value: Buffer.from(String(i)), headers: [] };
    }),
  );
  await writer.commit('w', []);
  await writer.close();
  return log;
}

test('who reads a topic pauses once in a thousand records, over all partitions', async (t) => {
  const log = await filled();
  t.after(() => log.close());
  let records = 0;
  const pausedAt: number[] = [];
  const pause = async (): Promise<void> => void pausedAt.push(records);
  for await (const _ of readTopic(log, 't', pause)) records++;
  assert.deepEqual([records, pausedAt], [RECORDS, [999, 1_999]]);
});

test('a pause that throws, as when nobody wants the answer any more, ends the reading', async (t) => {
  const log = await filled();
  t.after(() => log.close());
  const gone = new Error('gone');
  let records = 0;
  await assert.rejects(async () => {
    for await (const _ of readTopic(log, 't', () => Promise.reject(gone))) records++;
  }, gone);
  assert.equal(records, 999);
});
