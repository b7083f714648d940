// Record batches without a broker: what we write, we and the library read alike.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { compressionsAlgorithms, crc32c, Reader, readRecordsBatch } from '@platformatic/kafka';
import fc from 'fast-check';
import {
  type Batch,
  BatchCursor,
  type BatchRecord,
  batchesIn,
} from '../../../../connectors/logs/kafka/batch-decoder.ts';
import { BatchBuilder } from '../../../../connectors/logs/kafka/batch-encoder.ts';
import type { Codec } from '../../../../connectors/logs/kafka/compression.ts';
import { visibleBatches } from '../../../../connectors/logs/kafka/visible-batches.ts';
import type { LogRecord, NewRecord } from '../../../../schemas/record.ts';
import { record, text } from '../../../contract/log-kit.ts';

const maybeBytes = fc.option(fc.uint8Array({ maxLength: 300 }));
const records = fc.array(
  fc.record({
    topic: fc.constant('t'),
    partition: fc.constant(0),
    timestamp: fc.integer({ min: -1_000, max: 2 ** 51 }),
    key: maybeBytes,
    value: maybeBytes,
    headers: fc.array(fc.tuple(fc.string({ maxLength: 20 }), fc.uint8Array({ maxLength: 20 })), { maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 150 },
);

function batchOf(news: readonly NewRecord[], producerId = 7n, codec: Codec = 'none'): Buffer {
  const builder = new BatchBuilder(codec);
  for (const each of news) builder.add(each);
  return builder.finish(producerId, 3, 11);
}

function recordsOf(batch: Batch, from = 0): BatchRecord[] {
  const cursor = new BatchCursor(batch);
  const read: BatchRecord[] = [];
  for (let next = cursor.next(from); next !== null; next = cursor.next(from)) read.push(next);
  return read;
}

const plain = ({ timestamp, key, value, headers }: Omit<LogRecord, 'offset'>) => [
  timestamp,
  key && [...key],
  value && [...value],
  headers.map(([name, each]) => [name, [...each]]),
];

test('records come back from a batch as they went in, whatever their sizes and times', () => {
  fc.assert(
    fc.property(records, (news) => {
      const [batch, ...rest] = [...batchesIn(batchOf(news))];
      const read = recordsOf(batch!);
      assert.equal(rest.length, 0);
      assert.deepEqual(read.map(plain), news.map(plain));
      assert.deepEqual(
        read.map(({ offset }) => offset),
        news.map((_, i) => i),
      );
    }),
  );
});

test('the library reads our batches, with checksum, producer, epoch and sequence', () => {
  fc.assert(
    fc.property(records, (news) => {
      const encoded = batchOf(news);
      const batch = readRecordsBatch(Reader.from(encoded));
      assert.deepEqual(
        [batch.producerId, batch.producerEpoch, batch.firstSequence, batch.crc, batch.length],
        [7n, 3, 11, crc32c(encoded.subarray(21)) >>> 0, encoded.length - 12],
      );
      assert.deepEqual(
        batch.records.map(({ timestampDelta, key, value }) => [
          Number(batch.firstTimestamp + timestampDelta),
          key,
          value,
        ]),
        news.map(({ timestamp, key, value }) => [timestamp, key && Buffer.from(key), value && Buffer.from(value)]),
      );
    }),
  );
});

test('a batch that is cut off at the end of an answer is left for the next', () => {
  const whole = batchOf([record('t/0', 'whole')]);
  const both = Buffer.concat([whole, batchOf([record('t/0', 'cut')])]);
  for (const length of [both.length - 1, whole.length + 61, whole.length + 3, whole.length]) {
    assert.equal([...batchesIn(both.subarray(0, length))].length, 1);
  }
});

/** With the checksum of what it says now. */
function signed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(21)) >>> 0, 17);
  return batch;
}

for (const codec of ['gzip', 'lz4', 'zstd'] as const) {
  test(`records come back from a batch packed with ${codec}, which the library reads too and which is smaller`, () => {
    const news = Array.from({ length: 200 }, (_, i) => record('t/0', `{"event":"add_to_cart","number":${i}}`));
    const packed = batchOf(news, 7n, codec);
    assert.ok(packed.length < batchOf(news).length / 2, `${packed.length} bytes`);
    const read = [...batchesIn(packed)].flatMap((batch) => recordsOf(batch));
    assert.deepEqual(read.map(plain), news.map(plain));
    const { records } = readRecordsBatch(Reader.from(packed));
    assert.deepEqual(
      records.map(({ value }) => text(value)),
      news.map(({ value }) => text(value)),
    );
  });
}

test('a batch that other producers packed with snappy is read, in either framing', () => {
  const news = Array.from({ length: 50 }, (_, i) => record('t/0', `value ${i}`));
  const whole = batchOf(news);
  const raw = Buffer.from(compressionsAlgorithms.snappy.compressSync(whole.subarray(61)));
  // Java's: a magic with two versions, then blocks, each after its length.
  const head = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  const length = Buffer.alloc(4);
  length.writeInt32BE(raw.length);
  for (const body of [raw, Buffer.concat([head, length, raw])]) {
    const batch = Buffer.concat([whole.subarray(0, 61), body]);
    batch.writeInt32BE(batch.length - 12, 8);
    batch.writeInt16BE(batch.readInt16BE(21) | 2, 21);
    const read = [...batchesIn(signed(batch))].flatMap((each) => recordsOf(each));
    assert.deepEqual(read.map(plain), news.map(plain));
  }
});

test('a few records, and records that do not shrink, are not packed', () => {
  const noise = Buffer.from(Array.from({ length: 4_000 }, (_, i) => ((i * i * 7_919) % 251) ^ (i >> 3)));
  const random = { ...record('t/0', ''), value: gzipSync(noise) };
  for (const news of [[record('t/0', 'one')], [random]]) {
    assert.deepEqual(batchOf(news, 7n, 'zstd'), batchOf(news));
  }
});

test('one wrong bit anywhere in a batch is noticed, and nothing of it is handed out (D1)', () => {
  const whole = batchOf([record('t/0', 'money')]);
  for (let byte = 17; byte < whole.length; byte++) {
    const damaged = Buffer.from(whole);
    damaged[byte]! ^= 1 << (byte % 8);
    assert.throws(() => [...batchesIn(damaged)], { name: 'RetryableError', code: 'TRG_LOG_DAMAGED' });
  }
});

/** A batch as a broker keeps it: at an offset. */
function at(offset: number, batch: Buffer): Buffer {
  batch.writeBigInt64BE(BigInt(offset), 0);
  return batch;
}

function marker(offset: number, producerId: bigint, type: 'abort' | 'commit'): Buffer {
  const key = Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1]);
  const batch = batchOf([{ ...record('t/0', '......'), key }], producerId);
  batch.writeInt16BE(batch.readInt16BE(21) | (1 << 5), 21);
  return at(offset, signed(batch));
}

const data = (offset: number, producerId: bigint, ...values: string[]) =>
  at(
    offset,
    batchOf(
      values.map((value) => record('t/0', value)),
      producerId,
    ),
  );

function seen(batches: Buffer[], aborted: [bigint, number][], from = 0): (string | null)[] {
  const part = {
    topicId: '',
    partition: 0,
    errorCode: 0,
    highWatermark: 100,
    logStartOffset: 0,
    aborted: aborted.map(([producerId, firstOffset]) => ({ producerId, firstOffset })),
    batches: Buffer.concat(batches),
  };
  const { batches: visible } = visibleBatches(part, from);
  return visible.flatMap((batch) => recordsOf(batch, from)).map(({ value }) => text(value));
}

test('of one producer, two aborted transactions are left out and the committed ones around them are not (A1)', () => {
  const batches = [
    data(0, 1n, 'c1'),
    marker(1, 1n, 'commit'),
    data(2, 1n, 'a1'),
    marker(3, 1n, 'abort'),
    data(4, 1n, 'c2'),
    marker(5, 1n, 'commit'),
    data(6, 1n, 'a2'),
    marker(7, 1n, 'abort'),
    data(8, 1n, 'c3'),
    marker(9, 1n, 'commit'),
  ];
  const aborted: [bigint, number][] = [
    [1n, 6],
    [1n, 2],
  ];
  assert.deepEqual(seen(batches, aborted), ['c1', 'c2', 'c3']);
});

test('records of another producer between those of an aborted one are delivered (A1)', () => {
  const batches = [
    data(0, 1n, 'a'),
    data(1, 2n, 'b'),
    data(2, 1n, 'a'),
    marker(3, 2n, 'commit'),
    marker(4, 1n, 'abort'),
  ];
  assert.deepEqual(seen(batches, [[1n, 0]]), ['b']);
});

test('an aborted transaction that began before the answer, and one whose marker is not in it, are left out (A1)', () => {
  assert.deepEqual(seen([data(5, 1n, 'a'), marker(6, 1n, 'abort'), data(7, 1n, 'c')], [[1n, 2]], 5), ['c']);
  assert.deepEqual(seen([data(5, 1n, 'a', 'b'), data(7, 1n, 'c')], [[1n, 5]]), []);
});

test('records before the offset asked for are not delivered, though their batch comes', () => {
  assert.deepEqual(seen([data(0, 1n, 'a', 'b', 'c'), marker(3, 1n, 'commit')], [], 2), ['c']);
});
