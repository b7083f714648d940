import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryableError } from '../../../lib/errors.ts';
import { deadLetter } from '../../../schemas/dead-letter.ts';
import { deadLetterCodec } from '../../../schemas/framed.ts';
import { deadLetters, replayLetters } from '../../../services/dead-letters/dead-letters.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { MemoryLog } from '../../../testing/memory-log.ts';
import type { LogWriter } from '../../../topology/engine/ports.ts';

const LETTERS = 2_500;
const DLQ = 'tripline.dead-letter';
const OPTIONS = { topic: DLQ, group: 'shop-dlq', filter: {} };

/** A log with LETTERS dead letters of `events.shop`, whose values are their numbers. */
async function logWithLetters(): Promise<MemoryLog> {
  const log = new MemoryLog(new FakeClock());
  await log.admin.createTopics([
    { topic: 'events.shop', partitions: 1 },
    { topic: DLQ, partitions: 1 },
  ]);
  const writer = await log.openWriter('test');
  for (let offset = 0; offset < LETTERS; offset++) {
    const record = { offset, key: null, value: Buffer.from(String(offset)), headers: [] };
    const letter = deadLetter({ topic: 'events.shop', partition: 0, record }, 'TRG_RECORD_INVALID', 'no key', 0);
    const value = deadLetterCodec.encode(letter);
    writer.send([{ topic: DLQ, partition: 0, timestamp: 0, key: null, value, headers: [] }]);
  }
  await writer.commit('test', []);
  return log;
}

async function replayedValues(log: MemoryLog): Promise<number[]> {
  const reader = log.openReader();
  reader.assign([{ topic: 'events.shop', partition: 0, offset: 0 }]);
  const [fetched] = await reader.read({ maxBytes: 100_000_000, waitMs: 0 });
  return fetched!.records.map(({ value }) => Number(Buffer.from(value!).toString()));
}

/** The writer, with one commit that fails. */
function failingAt(writer: LogWriter, failing: number): LogWriter & { commits: number } {
  return {
    commits: 0,
    send: (records) => writer.send(records),
    async commit(group, positions) {
      if (this.commits++ === failing) throw new RetryableError('TRG_LOG_FULL', 'no room');
      return writer.commit(group, positions);
    },
    abort: () => writer.abort(),
    close: () => writer.close(),
  };
}

test('a replay that was broken off goes on where it was, and no letter is replayed twice (R1)', async () => {
  const log = await logWithLetters();
  const failing = failingAt(await log.openWriter('dlq'), 1);
  await assert.rejects(replayLetters(log, failing, OPTIONS), { code: 'TRG_LOG_FULL' });
  const before = await replayedValues(log);
  assert.ok(before.length > 0 && before.length < LETTERS, `${before.length} replayed before it failed`);

  const { replayed } = await replayLetters(log, await log.openWriter('dlq'), OPTIONS);
  assert.equal(replayed, LETTERS - before.length);
  assert.deepEqual(
    await replayedValues(log),
    Array.from({ length: LETTERS }, (_, i) => i),
  );
  const letters: boolean[] = [];
  for await (const found of deadLetters(log, DLQ, {})) letters.push(found.replayed);
  assert.deepEqual(letters, Array(LETTERS).fill(true));
});

test('many letters are replayed in transactions of a bounded size (R3)', async () => {
  const log = await logWithLetters();
  const counted = failingAt(await log.openWriter('dlq'), Infinity);
  const { replayed } = await replayLetters(log, counted, OPTIONS);
  assert.equal(counted.commits, Math.ceil(LETTERS / 1_000));
  assert.equal(replayed, LETTERS);
  assert.deepEqual(
    await replayedValues(log),
    Array.from({ length: LETTERS }, (_, i) => i),
  );
});
