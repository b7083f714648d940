// Brokers that die, come back, move leadership or are not there at all.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cluster } from '../../../../connectors/logs/kafka/cluster.ts';
import { systemClock } from '../../../../lib/clock.ts';
import { until } from '../../../../testing/until.ts';
import type { GroupOptions, Log } from '../../../../topology/engine/ports.ts';
import { Follower } from '../../../contract/group-kit.ts';
import { record, text, valuesOf } from '../../../contract/log-kit.ts';
import { clusterOfFile, openLog, untilVisible, untilWritten } from './kit.ts';

const cluster = await clusterOfFile({ brokers: 3 });
/** Leaders are elected anew, and a transaction left open must time out first. */
const PATIENCE_MS = 90_000;

/** Seldom enough that a test under way for seconds writes thousands at most. */
const COMMIT_EVERY_MS = 2;

/** Commits numbers until told to stop; returns those whose commit was answered, in order. */
async function writeOn(log: Log, topic: string, signal: AbortSignal): Promise<{ sure: number[]; unsure: number[] }> {
  const sure: number[] = [];
  const unsure: number[] = [];
  let writer = await log.openWriter(`writer-of-${topic}`);
  for (let i = 0; !signal.aborted; i++) {
    try {
      writer.send([record(`${topic}/${i % 3}`, `${i}`)]);
      await writer.commit('group', [{ topic, partition: 0, offset: i + 1, metadata: '' }]);
      sure.push(i);
    } catch (error) {
      const { code } = error as { code?: string };
      assert.ok(
        code === 'TRG_LOG_UNCLEAR_COMMIT' || code === 'TRG_LOG_UNREACHABLE' || code === 'TRG_LOG_FENCED',
        `${error}`,
      );
      writer = await log.openWriter(`writer-of-${topic}`);
      const [position] = await log.admin.committed('group', [{ topic, partition: 0 }]);
      if (position?.offset === i + 1) sure.push(i);
      else unsure.push(i);
    }
    await systemClock.sleep(COMMIT_EVERY_MS);
  }
  return { sure, unsure };
}

test('brokers killed and restarted amid writing and reading lose nothing, repeat nothing, and show no torn commit', async (t) => {
  const log = openLog(t, cluster);
  const topic = 'bounced';
  await log.admin.createTopics([{ topic, partitions: 3 }]);
  const stop = new AbortController();
  const writing = writeOn(log, topic, stop.signal);
  const reader = log.openReader();
  reader.assign([0, 1, 2].map((partition) => ({ topic, partition, offset: 0 })));
  const seen: number[] = [];
  const readTo = [0, 0, 0];
  const over = new AbortController();
  const reading = (async () => {
    while (!over.signal.aborted) {
      for (const { partition, records, nextOffset } of await reader.read({ maxBytes: 100_000, waitMs: 50 })) {
        seen.push(...records.map(({ value }) => Number(text(value))));
        readTo[partition] = nextOffset;
      }
    }
  })();
  const moreAreSeen = async (when: string): Promise<void> => {
    const before = seen.length;
    await until(() => seen.length >= before + 20, { message: `reading goes on ${when}`, deadlineMs: PATIENCE_MS });
  };
  for (const broker of [0, 1]) {
    await moreAreSeen(`before broker ${broker} is killed`);
    await cluster.kill(broker);
    await moreAreSeen(`without broker ${broker}`);
    await cluster.restart(broker);
  }
  await moreAreSeen('with all brokers');
  stop.abort();
  const { sure, unsure } = await writing;
  const written = await Promise.all(
    readTo.map(async (_, partition) => (await log.admin.offsets({ topic, partition })).written),
  );
  const isAllRead = (): boolean => written.every((end, partition) => readTo[partition]! >= end);
  await until(isAllRead, { message: `all is read up to ${written}`, deadlineMs: PATIENCE_MS, seen: () => readTo });
  over.abort();
  await reading;
  assert.ok(sure.length > 80, `${sure.length} commits`);
  assert.deepEqual(
    [...seen].sort((a, b) => a - b),
    sure,
  );
  assert.equal(
    unsure.some((value) => seen.includes(value)),
    false,
  );
  t.diagnostic(`${sure.length} commits, ${unsure.length} without effect`);
});

test('members of a group go on, and go on committing, when its coordinator dies and another broker takes over', async (t) => {
  const log = openLog(t, cluster);
  const topic = 'coordinated';
  const group = 'coordinated';
  await log.admin.createTopics([{ topic, partitions: 4 }]);
  const worker = { log, openMember: (options: GroupOptions) => log.openMember(options), freeze() {}, thaw() {} };
  const times = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 20_000 };
  const members = [1, 2].map(() => new Follower(worker, { group, topics: [topic], ...times }));
  const shares = (): unknown => members.map(({ member, has }) => [member.state, has]);
  const areShared = (): boolean =>
    members.every(({ isSettled, has }) => isSettled && has!.length > 0) &&
    members.flatMap(({ has }) => has!).length === 4;
  await until(areShared, { message: 'they share all partitions', deadlineMs: PATIENCE_MS, seen: shares });
  const own = new Cluster({ brokers: cluster.bootstrap, clientId: 'test', clock: systemClock });
  t.after(() => own.close());
  const coordinator = await own.coordinator('group', group);
  await cluster.kill(coordinator);
  const holder = members.find(({ has }) => has!.includes(0))!;
  const writer = await log.openWriter('of-coordinated');
  writer.send([record(`${topic}/0`, 'during')]);
  const ends = await writer.commit(group, [{ topic, partition: 0, offset: 1, metadata: '' }], holder.member.identity!);
  await untilVisible(log, ends);
  assert.deepEqual(await valuesOf(log, topic), ['during']);
  members.push(new Follower(worker, { group, topics: [topic], ...times }));
  await until(areShared, { message: 'they share all partitions', deadlineMs: PATIENCE_MS, seen: shares });
  assert.equal(
    members.some(({ states }) => states.includes('failed')),
    false,
  );
  for (const { member } of members) await member.close({ leave: true });
  await cluster.restart(coordinator);
});

test('a writer left behind by a dead process is fenced, and its open transaction is rolled back at once', async (t) => {
  const log = openLog(t, cluster);
  const topic = 'left-behind';
  await log.admin.createTopics([{ topic, partitions: 1 }]);
  const dead = await log.openWriter('left-behind');
  dead.send(Array.from({ length: 8 }, () => record(`${topic}/0`, 'x'.repeat(600_000))));
  await untilWritten(log, topic, 1);
  const next = await log.openWriter('left-behind');
  next.send([record(`${topic}/0`, 'next')]);
  await untilVisible(log, await next.commit('group', []));
  await assert.rejects(dead.commit('group', []), { name: 'FencedError', code: 'TRG_LOG_FENCED' });
  assert.deepEqual(await valuesOf(log, topic), ['next']);
});

test('an address where nobody listens is said to be unreachable, and may be tried again', async (t) => {
  const log = openLog(t, cluster, { brokers: ['127.0.0.1:1'], patienceMs: 200 });
  await assert.rejects(log.admin.topics(), { name: 'RetryableError', code: 'TRG_LOG_UNREACHABLE' });
  await assert.rejects(log.openWriter('w'), { name: 'RetryableError', code: 'TRG_LOG_UNREACHABLE' });
});

test('a position below the first kept record goes on there; one beyond the end is an error', async (t) => {
  const log = openLog(t, cluster);
  const topic = 'cut';
  await log.admin.createTopics([{ topic, partitions: 1 }]);
  const writer = await log.openWriter('cut');
  for (const value of ['a', 'b', 'c']) {
    writer.send([record(`${topic}/0`, value)]);
    await untilVisible(log, await writer.commit('group', []));
  }
  const { Admin } = await import('@platformatic/kafka');
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...cluster.bootstrap] });
  t.after(() => admin.close());
  await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 2n }] }] });
  assert.deepEqual(await log.admin.offsets({ topic, partition: 0 }), { first: 2, end: 6, written: 6 });
  assert.deepEqual(await valuesOf(log, topic), ['b', 'c']);
  await assert.rejects(valuesOf(log, topic, 0, 7), { name: 'FatalError', code: 'TRG_LOG_TRUNCATED' });
});

test('topics are made as asked: compacted, kept for ever or for a time, stamped by the broker when they expire', async (t) => {
  const log = openLog(t, cluster);
  await log.admin.createTopics([
    { topic: 'made-plain', partitions: 1 },
    { topic: 'made-compacted', partitions: 1, compacted: true },
    { topic: 'made-expiring', partitions: 1, retentionMs: 60_000 },
  ]);
  const { Admin } = await import('@platformatic/kafka');
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...cluster.bootstrap] });
  t.after(() => admin.close());
  const asked = ['cleanup.policy', 'retention.ms', 'message.timestamp.type'];
  const described = await admin.describeConfigs({
    resources: ['made-plain', 'made-compacted', 'made-expiring'].map((resourceName) => {
      return { resourceType: TOPIC, resourceName, configurationKeys: asked };
    }),
  });
  const settings = described.map(({ configs }) =>
    asked.map((name) => configs.find((each) => each.name === name)!.value),
  );
  assert.deepEqual(settings, [
    ['delete', '-1', 'CreateTime'],
    ['compact', '-1', 'CreateTime'],
    ['delete', '60000', 'LogAppendTime'],
  ]);
});

const TOPIC = 2;
