// Groups on a real broker, by both protocols: the contract, and what only a cluster does.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { type KafkaLog, type KafkaOptions, openKafkaLog } from '../../../../connectors/logs/kafka/index.ts';
import { type Clock, systemClock } from '../../../../lib/clock.ts';
import { brokerLibraries } from '../../../../testing/kafka/broker-files.ts';
import { API_KEYS } from '../../../../testing/kafka/proxy.ts';
import { until as untilTrue } from '../../../../testing/until.ts';
import type { MemberIdentity, TopicPartition } from '../../../../topology/engine/ports.ts';
import { type GroupUnderTest, groupSuite, leaderSuite } from '../../../contract/group.suite.ts';
import { Follower, type Worker } from '../../../contract/group-kit.ts';
import { at, type Cleanup, record, valuesOf } from '../../../contract/log-kit.ts';
import { clusterOfFile, openLog } from './kit.ts';

const cluster = await clusterOfFile({
  proxied: true,
  properties: {
    'group.min.session.timeout.ms': '500',
    'group.consumer.min.session.timeout.ms': '500',
    'group.consumer.session.timeout.ms': '3000',
    'group.consumer.min.heartbeat.interval.ms': '100',
    'group.consumer.heartbeat.interval.ms': '250',
  },
});
/** By the protocol's number. */
const CONSUMER_GROUP_HEARTBEAT = 68;
let groups = 0;

/** The system's clock, but whoever sleeps when it stands still wakes only once it goes on: as in a stopped process. */
class StoppableClock implements Clock {
  #going = Promise.withResolvers<void>();
  /** How often someone has gone to sleep: a member does so after each answer, and before each further try. */
  sleeps = 0;

  constructor() {
    this.#going.resolve();
  }

  now(): number {
    return systemClock.now();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.sleeps++;
    await systemClock.sleep(ms, signal);
    await this.#going.promise;
  }

  after(ms: number, then: () => void): () => void {
    const ended = new AbortController();
    void this.sleep(ms, ended.signal).then(() => ended.signal.aborted || then());
    return () => ended.abort();
  }

  stop(): void {
    this.#going = Promise.withResolvers();
  }

  go(): void {
    this.#going.resolve();
  }
}

type Protocol = 'classic' | 'consumer';

interface KafkaWorker extends Worker {
  readonly log: KafkaLog;
  /** Until its members have heard from the brokers, or tried in vain, so many more times. */
  untilHeard(times: number): Promise<void>;
}

function workerOf(t: Cleanup, protocol: Protocol, options: Partial<KafkaOptions> = {}): KafkaWorker {
  const clock = new StoppableClock();
  const log = openKafkaLog({ brokers: cluster.bootstrap, clientId: 'test', clock, ...options });
  t.after(() => {
    clock.go();
    return log.close();
  });
  return {
    log,
    openMember: (group) => log.openMember({ ...group, protocol }),
    freeze: () => clock.stop(),
    thaw: () => clock.go(),
    untilHeard: async (times) => {
      const before = clock.sleeps;
      await until(`it has heard ${times} times`, () => clock.sleeps >= before + times);
    },
  };
}

/** As the suite asks for it: returns how long it took, ms. */
async function until(what: string, condition: () => boolean): Promise<number> {
  const start = systemClock.now();
  await untilTrue(condition, { message: what });
  return systemClock.now() - start;
}

async function open(t: Cleanup, protocol: Protocol): Promise<GroupUnderTest> {
  const group = `group-${groups++}`;
  const topic = `${group}-events`;
  await openLog(t, cluster).admin.createTopics([{ topic, partitions: 4 }]);
  return { group, topic, worker: () => workerOf(t, protocol), until, pass: (ms) => systemClock.sleep(ms) };
}

const PROTOCOLS: readonly Protocol[] = ['classic', 'consumer'];

for (const protocol of PROTOCOLS) groupSuite(`kafka, ${protocol}`, (t) => open(t, protocol));
leaderSuite('kafka, classic', (t) => open(t, 'classic'));

/** Commits 1, 2, 3… of partition 0 as whoever `member` is just then, until told to stop. Returns the last. */
async function commitOn(
  { log }: Worker,
  { group, topic }: GroupUnderTest,
  member: () => MemberIdentity,
  signal: AbortSignal,
): Promise<number> {
  const writer = await log.openWriter(`commit-on-of-${group}`);
  for (let i = 1; ; i++) {
    writer.send([record(`${topic}/0`, `${i}`)]);
    await writer.commit(group, [{ ...at(topic, 0, i), metadata: '' }], member());
    if (signal.aborted) return i;
  }
}

for (const guarantee of ['exactly_once', 'at_least_once'] as const) {
  test(`kafka, consumer: commits go on while members come and go, and none is refused (${guarantee}; N2)`, async (t) => {
    const under = await open(t, 'consumer');
    const { group, topic } = under;
    const first = new Follower(workerOf(t, 'consumer', { guarantee }), { group, topics: [topic] });
    await until('the first has all', () => first.has?.length === 4);
    const stop = new AbortController();
    const committing = commitOn(first.worker, under, () => first.member.identity!, stop.signal);
    for (let i = 0; i < 3; i++) {
      const other = new Follower(under.worker(), { group, topics: [topic] });
      await until('both share', () => first.has!.length === 2 && other.has?.length === 2);
      await other.member.close({ leave: true });
      await until('the first has all', () => first.has!.length === 4);
    }
    stop.abort();
    const last = await committing;
    assert.ok(first.member.identity!.generation > 3, `epoch ${first.member.identity!.generation}`);
    const [committed] = await first.worker.log.admin.committed(group, [{ topic, partition: 0 }]);
    assert.equal(committed!.offset, last);
    t.diagnostic(`${last} commits`);
  });
}

test('kafka, consumer: partitions that belong together go to one member', async (t) => {
  const under = await open(t, 'consumer');
  const { group } = under;
  const topics = [`${group}-orders`, `${group}-payments`];
  await openLog(t, cluster).admin.createTopics(topics.map((topic) => ({ topic, partitions: 4 })));
  const members = [1, 2, 3].map(() => new Follower(under.worker(), { group, topics }));
  await until('all are dealt out', () => {
    const counts = members.map(({ has }) => has?.length ?? 0);
    return counts.every((count) => count > 0) && counts.reduce((a, b) => a + b) === 8;
  });
  for (const { member } of members) {
    const of = (topic: string | undefined) =>
      member.assignment!.partitions.flatMap((each) => (each.topic === topic ? each.partition : [])).sort();
    assert.ok(of(topics[0]).length > 0);
    assert.deepEqual(of(topics[0]), of(topics[1]));
  }
});

test('kafka, consumer: nobody is dealt a partition before the one who has it says that it gave it up (N1)', async (t) => {
  const under = await open(t, 'consumer');
  const { group, topic } = under;
  const slow = { rebalanceTimeoutMs: 20_000 };
  const first = new Follower(under.worker(), { group, topics: [topic], ...slow, onChange: () => {} });
  first.join();
  await until('the first has all', () => first.has?.length === 4);
  const worker = workerOf(t, 'consumer');
  const second = new Follower(worker, { group, topics: [topic], ...slow });
  await until('the first is asked to give up two', () => first.has!.length === 2);
  assert.equal(first.member.state, 'settled');
  await worker.untilHeard(3);
  assert.deepEqual(second.has, []);
  const kept: readonly TopicPartition[] = first.member.assignment!.partitions;
  first.member.join(kept, new Uint8Array());
  assert.equal(first.member.state, 'joining');
  await until('the second has the two', () => second.has!.length === 2 && first.isSettled);
  assert.equal(first.has!.length, 2);
});

test('kafka, consumer: a static member that was killed is replaced once its session has ended', async (t) => {
  const under = await open(t, 'consumer');
  const { group, topic } = under;
  const killed = new Follower(under.worker(), { group, topics: [topic], instanceId: 'a' });
  await until('it has all', () => killed.has?.length === 4);
  killed.worker.freeze();
  const worker = workerOf(t, 'consumer');
  const next = new Follower(worker, { group, topics: [topic], instanceId: 'a' });
  await worker.untilHeard(2);
  assert.equal(next.member.state, 'joining');
  await until('its place is free', () => next.has?.length === 4);
  killed.worker.thaw();
  await until('the killed one would have noticed', () => killed.member.state === 'failed');
});

test('at least once: records are seen as they are written, positions follow, and no offset is lost to markers', async (t) => {
  const under = await open(t, 'classic');
  const { group, topic } = under;
  const worker = workerOf(t, 'classic', { guarantee: 'at_least_once' });
  const first = new Follower(worker, { group, topics: [topic] });
  await until('it has all', () => first.isSettled);
  const writer = await worker.log.openWriter('any');
  for (let i = 1; i <= 3; i++) {
    writer.send([record(`${topic}/0`, `${i}`), record(`${topic}/1`, `${i}`)]);
    const ends = await writer.commit(group, [{ ...at(topic, 0, i), metadata: `note ${i}` }], first.member.identity!);
    assert.deepEqual([...ends.values()], [i, i]);
    assert.deepEqual((await valuesOf(worker.log, topic)).length, i);
  }
  const [committed] = await worker.log.admin.committed(group, [{ topic, partition: 0 }]);
  assert.deepEqual([committed!.offset, committed!.metadata], [3, 'note 3']);
  // Enough to be written ahead: an abort takes back only what was not.
  writer.send(Array.from({ length: 8 }, () => record(`${topic}/2`, 'x'.repeat(600_000))));
  await writer.abort();
  writer.send([record(`${topic}/2`, 'after')]);
  await writer.commit(group, []);
  assert.equal((await valuesOf(worker.log, topic, 2)).at(-1), 'after');
});

test('at least once: a lost member’s records are there, but its positions are not', async (t) => {
  const under = await open(t, 'classic');
  const { group, topic } = under;
  const worker = workerOf(t, 'classic', { guarantee: 'at_least_once' });
  const first = new Follower(worker, { group, topics: [topic] });
  await until('it has all', () => first.isSettled);
  const earlier = first.member.identity!;
  const second = new Follower(under.worker(), { group, topics: [topic] });
  await until('both share', () => (second.has?.length ?? 0) > 0);
  const writer = await worker.log.openWriter('any');
  writer.send([record(`${topic}/0`, 'twice')]);
  await assert.rejects(writer.commit(group, [{ ...at(topic, 0, 7), metadata: '' }], earlier), {
    name: 'FencedError',
    code: 'TRG_MEMBER_LOST',
  });
  assert.deepEqual(await valuesOf(worker.log, topic), ['twice']);
  assert.deepEqual(await worker.log.admin.committed(group, [{ topic, partition: 0 }]), [undefined]);
});

test('at least once: what recalls an event as processed is written only after what came of it (U2)', async (t) => {
  const under = await open(t, 'classic');
  const { group, topic } = under;
  const { log } = workerOf(t, 'classic', { guarantee: 'at_least_once', isStateTopic: (name) => name.endsWith('log') });
  const changelog = `${topic}-changelog`;
  await log.admin.createTopics([{ topic: changelog, partitions: 1 }]);
  const writer = await log.openWriter('any');
  // The changelog's record is sent first, and the broker refuses the other.
  writer.send([record(`${changelog}/0`, 'seen'), record(`${topic}/0`, 'x'.repeat(2_000_000))]);
  await assert.rejects(writer.commit(group, [{ ...at(topic, 0, 1), metadata: '' }]), { code: 'TRG_RECORD_TOO_LARGE' });
  assert.deepEqual(await valuesOf(log, changelog), []);
  const next = await log.openWriter('any');
  next.send([record(`${changelog}/0`, 'seen'), record(`${topic}/0`, 'small')]);
  const ends = await next.commit(group, [{ ...at(topic, 0, 1), metadata: '' }]);
  assert.deepEqual([...ends].sort(), [
    [`${topic}-changelog/0`, 1],
    [`${topic}/0`, 1],
  ]);
  assert.deepEqual(await valuesOf(log, changelog), ['seen']);
});

test('a group that others are in, who deal out by other rules, is refused with the reason', async (t) => {
  const under = await open(t, 'classic');
  const { group, topic } = under;
  const { Kafka, logLevel } = await import('kafkajs');
  const other = new Kafka({ brokers: [...cluster.bootstrap], logLevel: logLevel.NOTHING }).consumer({ groupId: group });
  t.after(() => other.disconnect());
  await other.connect();
  await other.subscribe({ topics: [topic] });
  const joined = new Promise((resolve) => other.on('consumer.group_join', resolve));
  await other.run({ eachMessage: async () => {} });
  await joined;
  const member = new Follower(under.worker(), { group, topics: [topic] });
  await until('it is refused', () => member.member.state === 'failed');
  const { code, message } = member.member.error as Error & { code: string };
  assert.equal(code, 'TRG_LOG_REFUSED');
  assert.match(message, /INCONSISTENT_GROUP_PROTOCOL/);
});

test('Kafka’s own tool shows which member has which partitions', async (t) => {
  const under = await open(t, 'classic');
  const { group, topic } = under;
  // The tool takes seconds to start, in which a busy machine may let nobody else say that it is there.
  const members = ['one', 'two'].map(
    (instanceId) => new Follower(under.worker(), { group, topics: [topic], instanceId, sessionTimeoutMs: 10_000 }),
  );
  await until('both share', () => members.every(({ isSettled, has }) => isSettled && has?.length === 2));
  const tool = 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand';
  const ask = ['--bootstrap-server', cluster.bootstrap[0]!, '--describe', '--members', '--verbose', '--group', group];
  const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error';
  const { stdout } = await promisify(execFile)('java', [quiet, '-cp', `${await brokerLibraries()}/*`, tool, ...ask]);
  for (const { member, has } of members) {
    const line = stdout.split('\n').find((each) => each.includes(member.identity!.memberId)) ?? '';
    assert.ok(line.includes(member.identity!.instanceId!), stdout);
    assert.match(line, new RegExp(`${topic}\\(${has!.join(',')}\\)|${topic}:${has!.join(',')}`));
  }
});

/** A worker whose requests go through the proxy. */
function workerBehindProxy(t: Cleanup, protocol: Protocol): KafkaWorker {
  return workerOf(t, protocol, { brokers: [`127.0.0.1:${cluster.proxies[0]!.port}`] });
}

for (const [protocol, times, apiKeys] of [
  ['classic', 2, [API_KEYS.joinGroup, API_KEYS.syncGroup, API_KEYS.heartbeat]],
  ['consumer', 1, [CONSUMER_GROUP_HEARTBEAT]],
] as const) {
  test(`kafka, ${protocol}: an answer that is lost on the way costs no membership`, async (t) => {
    const under = await open(t, protocol);
    const { group, topic } = under;
    const [proxy] = cluster.proxies;
    const lostBefore = proxy!.lost;
    const members: Follower[] = [];
    for (const count of [1, 2, 3]) {
      for (const apiKey of apiKeys) proxy!.loseNext(apiKey, 'answer', times);
      members.push(new Follower(workerBehindProxy(t, protocol), { group, topics: [topic] }));
      await until(`${count} share`, () => {
        const dealt = members.map(({ isSettled, has }) => (isSettled ? (has?.length ?? 0) : 0));
        return dealt.every((each) => each > 0) && dealt.reduce((a, b) => a + b) === 4;
      });
      assert.equal(
        members.some(({ states }) => states.includes('failed')),
        false,
      );
    }
    for (const apiKey of apiKeys) proxy!.loseNext(apiKey, 'answer', 0);
    assert.ok(proxy!.lost - lostBefore >= 3, `${proxy!.lost - lostBefore} lost`);
    const { worker, member } = members.find(({ has }) => has!.includes(0))!;
    const writer = await worker.log.openWriter(`lost-of-${group}`);
    writer.send([record(`${topic}/0`, 'after')]);
    await writer.commit(group, [{ ...at(topic, 0, 1), metadata: '' }], member.identity!);
  });
}

test('kafka, consumer: who joins and is not told so, again and again, joins in the end', async (t) => {
  const under = await open(t, 'consumer');
  const { group, topic } = under;
  const first = new Follower(under.worker(), { group, topics: [topic] });
  await until('the first has all', () => first.has?.length === 4);
  const [proxy] = cluster.proxies;
  proxy!.loseNext(CONSUMER_GROUP_HEARTBEAT, 'answer', 8);
  const second = new Follower(workerBehindProxy(t, 'consumer'), { group, topics: [topic] });
  await until('both share', () => first.has!.length === 2 && second.has?.length === 2);
  assert.equal(second.member.error, null);
});

test('members by either protocol outlive a broker that is killed and comes back, and go on where they were', async (t) => {
  // A broker that has just come back takes its time over the first heartbeats.
  const sessionTimeoutMs = 10_000;
  const groupsOf = await Promise.all(
    PROTOCOLS.map(async (protocol) => {
      const under = await open(t, protocol);
      const { group, topic } = under;
      const workers = [1, 2].map(() => workerOf(t, protocol));
      const members = workers.map((worker) => new Follower(worker, { group, topics: [topic], sessionTimeoutMs }));
      return { under, workers, members };
    }),
  );
  const areShared = (): boolean =>
    groupsOf.every(({ members }) => {
      const dealt = members.map(({ isSettled, has }) => (isSettled ? (has?.length ?? 0) : 0));
      return dealt.every((count) => count > 0) && dealt.reduce((a, b) => a + b) === 4;
    });
  await until('both groups share', areShared);
  await cluster.kill(0);
  // Each has asked in vain, over and over.
  await Promise.all(groupsOf.flatMap(({ workers }) => workers.map((worker) => worker.untilHeard(5))));
  assert.ok(areShared());
  await cluster.restart(0);
  for (const { under, members } of groupsOf) {
    members.push(new Follower(under.worker(), { group: under.group, topics: [under.topic], sessionTimeoutMs }));
  }
  await until('three of each share', areShared);
  for (const { under, members } of groupsOf) {
    assert.equal(
      members.some(({ states }) => states.includes('failed')),
      false,
    );
    const { worker, member } = members.find(({ has }) => has!.includes(0))!;
    const { group, topic } = under;
    const writer = await worker.log.openWriter(`after-of-${group}`);
    writer.send([record(`${topic}/0`, 'after')]);
    await writer.commit(group, [{ ...at(topic, 0, 1), metadata: '' }], member.identity!);
    assert.deepEqual(await valuesOf(worker.log, topic), ['after']);
  }
});
