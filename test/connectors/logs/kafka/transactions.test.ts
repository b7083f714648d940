// Transactions as a cluster really answers them: aborted ones, ends without an answer, other clients beside us.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Producer, stringSerializers } from '@platformatic/kafka';
import { Kafka, logLevel } from 'kafkajs';
import { KafkaAdmin } from '../../../../connectors/logs/kafka/admin.ts';
import { Cluster } from '../../../../connectors/logs/kafka/cluster.ts';
import { Feed } from '../../../../connectors/logs/kafka/feed.ts';
import { Fetcher } from '../../../../connectors/logs/kafka/fetcher.ts';
import type { FetchedPart } from '../../../../connectors/logs/kafka/wire-requests.ts';
import { systemClock } from '../../../../lib/clock.ts';
import { until } from '../../../../testing/until.ts';
import type { Log, LogWriter } from '../../../../topology/engine/ports.ts';
import { readAll, record, text, valuesOf } from '../../../contract/log-kit.ts';
import { clusterOfFile, openLog, untilVisible, untilWritten } from './kit.ts';

const cluster = await clusterOfFile();

async function topicOf(log: Log, topic: string): Promise<string> {
  await log.admin.createTopics([{ topic, partitions: 1 }]);
  return topic;
}

const text300 = (value: string): string => value.padEnd(300, '.');

/** Sends enough that it is written before it is aborted. */
async function abortWritten(writer: LogWriter, topic: string, value: string): Promise<void> {
  const filler = value.padEnd(600_000, '.');
  writer.send(Array.from({ length: 8 }, () => record(`${topic}/0`, filler)));
  await writer.abort();
}

/** Waits until every transaction of the topic is decided. */
async function settled(log: Log, topic: string, offset: number): Promise<void> {
  const message = `all is decided up to ${offset}`;
  await until(async () => (await log.admin.offsets({ topic, partition: 0 })).end >= offset, { message });
}

function ownCluster(t: TestContext): Cluster {
  const own = new Cluster({ brokers: cluster.bootstrap, clientId: 'test', clock: systemClock });
  t.after(() => own.close());
  return own;
}

test('two aborted transactions of one producer in one answer are both left out (A1)', async (t) => {
  const log = openLog(t, cluster);
  const topic = await topicOf(log, 'twice-aborted');
  const kafka = new Kafka({ brokers: [...cluster.bootstrap], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ transactionalId: 'twice', idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  t.after(() => producer.disconnect());
  for (const [value, commit] of [
    ['a1', false],
    ['c1', true],
    ['a2', false],
    ['a3', false],
    ['c2', true],
  ] as const) {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ value: `${value}-first` }, { value: `${value}-second` }] });
    await (commit ? transaction.commit() : transaction.abort());
  }
  await settled(log, topic, 15);
  assert.deepEqual(await valuesOf(log, topic), ['c1-first', 'c1-second', 'c2-first', 'c2-second']);
});

test('records whose abort marker comes in a later answer are left out (A1)', async (t) => {
  const log = openLog(t, cluster);
  const topic = await topicOf(log, 'marker-later');
  const writer = await log.openWriter('marker-later');
  await abortWritten(writer, topic, 'aborted');
  writer.send([record(`${topic}/0`, 'kept')]);
  await untilVisible(log, await writer.commit('group', []));
  // Each answer has at most a megabyte of a partition: eight records of 600 KB need several, the marker comes last.
  const answers: FetchedPart[] = [];
  const own = ownCluster(t);
  const fetcher = new Fetcher(own, new KafkaAdmin(own));
  const feed = new Feed({ topic, partition: 0, offset: 0 });
  const land = feed.land.bind(feed);
  feed.land = (part, from, asOf) => {
    answers.push(part);
    land(part, from, asOf);
  };
  for (let turn = 1; feed.fetchAt < feed.end || turn === 1; turn++) await fetcher.fetchNow([feed], turn);
  assert.ok(answers.length > 3, `${answers.length} answers`);
  assert.ok(answers.slice(0, -1).every(({ aborted }) => aborted.length === 1));
  const { records } = feed.take(10_000_000, true);
  assert.deepEqual(
    records.map(({ value }) => text(value)),
    ['kept'],
  );
});

test('an open transaction of another producer holds back what comes after it, and nothing before', async (t) => {
  const log = openLog(t, cluster);
  const topic = await topicOf(log, 'held-back');
  const early = await log.openWriter('held-early');
  early.send([record(`${topic}/0`, 'before')]);
  await untilVisible(log, await early.commit('group', []));
  const open = await log.openWriter('held-open');
  open.send(Array.from({ length: 8 }, () => record(`${topic}/0`, 'x'.repeat(600_000))));
  await untilWritten(log, topic, 3);
  early.send([record(`${topic}/0`, 'after')]);
  const ends = await early.commit('group', []);
  assert.deepEqual(await readable(log, topic), { values: ['before'], isAtEnd: false });
  await open.abort();
  await untilVisible(log, ends);
  assert.deepEqual(await readable(log, topic), { values: ['before', 'after'], isAtEnd: true });
});

/** What can be read of a partition, and whether it was then read to its end. */
async function readable(log: Log, topic: string): Promise<{ values: readonly string[]; isAtEnd: boolean }> {
  const { end } = await log.admin.offsets({ topic, partition: 0 });
  const reader = log.openReader();
  reader.assign([{ topic, partition: 0, offset: 0 }]);
  const values: string[] = [];
  const last = await until(
    async () => {
      const [fetched] = await reader.read({ maxBytes: 1_000_000, waitMs: 0 });
      values.push(...fetched!.records.map(({ value }) => text(value)!));
      return fetched!.nextOffset >= end && fetched!;
    },
    { message: `${topic} is read up to ${end}` },
  );
  await reader.close();
  return { values, isAtEnd: last.nextOffset >= last.endOffset };
}

test('what is written ahead and then aborted leaves the writer usable, and its sequence whole', async (t) => {
  const log = openLog(t, cluster);
  const topic = await topicOf(log, 'ahead');
  const writer = await log.openWriter('ahead');
  for (let round = 0; round < 3; round++) {
    await abortWritten(writer, topic, `aborted-${round}`);
    writer.send([record(`${topic}/0`, `kept-${round}`)]);
    await untilVisible(log, await writer.commit('group', []));
  }
  assert.deepEqual(await valuesOf(log, topic), ['kept-0', 'kept-1', 'kept-2']);
});

test('a record larger than the broker takes fails the commit for good, and nothing of it is seen', async (t) => {
  const log = openLog(t, cluster);
  const topic = await topicOf(log, 'too-large');
  const writer = await log.openWriter('too-large');
  writer.send([record(`${topic}/0`, 'small'), record(`${topic}/0`, 'x'.repeat(1_100_000))]);
  await assert.rejects(writer.commit('group', []), { name: 'FatalError', code: 'TRG_RECORD_TOO_LARGE' });
  const next = await log.openWriter('too-large');
  next.send([record(`${topic}/0`, 'next')]);
  await untilVisible(log, await next.commit('group', []));
  assert.deepEqual(await valuesOf(log, topic), ['next']);
});

test('kafkajs reads what was committed, with headers, keys and times, and not what was aborted', async (t) => {
  const log = openLog(t, cluster);
  const topic = await topicOf(log, 'for-others');
  const writer = await log.openWriter('for-others');
  await abortWritten(writer, topic, 'aborted');
  const sent = Array.from({ length: 50 }, (_, i) => ({
    ...record(`${topic}/0`, text300(`value-${i}`), `key-${i}`),
    timestamp: 1_767_225_600_000 + i,
    headers: [['traceparent', Buffer.from(`00-${i}`)]] as const,
  }));
  writer.send(sent);
  await untilVisible(log, await writer.commit('group', []));
  const seen = await readWithKafkajs(t, topic, 50);
  assert.deepEqual(
    seen,
    sent.map(({ key, value, timestamp, headers }) => [text(key), text(value), timestamp, text(headers[0]![1])]),
  );
});

async function readWithKafkajs(t: TestContext, topic: string, count: number): Promise<unknown[][]> {
  const kafka = new Kafka({ brokers: [...cluster.bootstrap], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `kafkajs-${topic}`, readUncommitted: false });
  await consumer.connect();
  t.after(() => consumer.disconnect());
  await consumer.subscribe({ topic, fromBeginning: true });
  const seen: unknown[][] = [];
  await consumer.run({
    eachMessage: async ({ message: { key, value, timestamp, headers } }) => {
      const trace = headers?.['traceparent'];
      seen.push([text(key), text(value), Number(timestamp), String(trace)]);
    },
  });
  await until(() => seen.length >= count, { message: `kafkajs reads ${count} records`, seen: () => seen.length });
  return seen;
}

for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
  test(`records that others compressed with ${compression} are read`, async (t) => {
    const log = openLog(t, cluster);
    const topic = await topicOf(log, `packed-${compression}`);
    const producer = new Producer({
      clientId: 'other',
      bootstrapBrokers: [...cluster.bootstrap],
      serializers: stringSerializers,
    });
    t.after(() => producer.close());
    const messages = Array.from({ length: 20 }, (_, i) => ({ topic, partition: 0, value: text300(`${i}`) }));
    await producer.send({ messages, compression, acks: -1 });
    const records = await readAll(log, { topic, partition: 0 });
    assert.deepEqual(
      records.map(({ value }) => text(value)),
      messages.map(({ value }) => value),
    );
  });
}
