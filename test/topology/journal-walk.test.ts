// One walker serves replays and explanations: both find what a run of several workers wrote, through changes of rules,
// several inputs, and tasks that moved.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelTraits } from '../../connectors/channels/index.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import { checkRules, type RulesCheck } from '../../rules/index.ts';
import { type Decision, decisionJson } from '../../schemas/decision.ts';
import { decisionCodec } from '../../schemas/framed.ts';
import { explainFromLog } from '../../services/explain/explain.ts';
import type { ExplainedDecision } from '../../services/explain/explanation.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { readPartition, replayJournal } from '../../testing/journal-replay.ts';
import { MemoryLog } from '../../testing/memory-log.ts';
import { walkJournal } from '../../topology/engine/journal-walk.ts';
import { RuleVersions } from '../../topology/rule-versions.ts';
import { requiredTopics } from '../../topology/topics.ts';
import { type JobOptions, triplineTopology } from '../../topology/topology.ts';
import { Cluster } from '../invariants/cluster.ts';
import { APPLICATION, HOUR, PLAIN } from '../invariants/live.ts';

const START = Date.UTC(2026, 0, 1);
const PARTITIONS = 3;
const OUT_OF_ORDERNESS_MS = 1_000;
const USERS = ['u1', 'u2', 'u3', 'u4', 'u5', 'u6'];
const SOURCES = ['events.shop', 'events.app'];

const VERSIONS = [
  'id: gone\nwhen: { absence: { after: { event: x }, of: y, within: 1h } }\n---\nid: busy\nwhen: { count: { event: x, atLeast: 2, within: 3h } }',
  'id: gone\nwhen: { absence: { after: { event: x }, of: y, within: 2h } }\n---\nid: busy\nwhen: { count: { event: x, atLeast: 3, within: 3h } }',
  'id: busy\nif: now > timestamp("2026-01-01T00:00:00Z")\nwhen: { count: { event: x, atLeast: 2, within: 3h } }\n---\nid: gone\nwhen: { event: z }',
].map((text): RulesCheck => {
  const around = { outOfOrdernessMs: OUT_OF_ORDERNESS_MS, entities: [], channels: channelTraits({}) };
  const checked = checkRules([{ file: 'rules.yaml', text }], around);
  assert.deepEqual(checked.errors, []);
  return checked;
});

function versionsOf(rulesOf: (version: number) => RulesCheck): RuleVersions {
  return new RuleVersions({
    topic: 'tripline.rules',
    initial: rulesOf(1).ruleSet,
    compile: (version) => rulesOf(version).ruleSet,
  });
}

const published = (version: number): RulesCheck => VERSIONS[version - 1]!;

function topologyOf(versions: RuleVersions, more: Partial<JobOptions> = {}) {
  return triplineTopology({
    application: APPLICATION,
    prefix: 'tripline',
    sources: SOURCES.map((topic) => ({ topic, format: 'segment', entity: 'user', keyed: true })),
    rules: () => versions.current,
    ruleVersions: versions,
    readsFacts: true,
    channels: [],
    maxClockSkewMs: HOUR,
    dedupeWindowMs: HOUR,
    dedupeMax: 100,
    recordBytesMax: 100_000,
    useRecordTime: true,
    cacheBytes: 10_000,
    ...more,
  });
}

/** A run with two workers, the second of which comes late and the first of which goes; rules change twice. */
async function played(): Promise<MemoryLog> {
  const clock = new FakeClock(START);
  const log = new MemoryLog(clock);
  const bare = topologyOf(versionsOf(published));
  await log.admin.createTopics([
    ...SOURCES.map((topic) => ({ topic, partitions: PARTITIONS })),
    ...requiredTopics(APPLICATION, bare.subTopologies(), PARTITIONS),
  ]);
  const living: RuleVersions[] = [];
  let newest = 1;
  const publish = (version: number): void => {
    newest = version;
    for (const versions of living) versions.advance(version, published(version).ruleSet);
  };
  const cluster = new Cluster({
    log,
    clock,
    topology: () => {
      const versions = versionsOf(published);
      versions.advance(newest, published(newest).ruleSet);
      living.push(versions);
      return topologyOf(versions);
    },
    tuning: PLAIN,
    standbyReplicas: 0,
    outOfOrdernessMs: OUT_OF_ORDERNESS_MS,
  });
  let sent = 0;
  const send = async (event: string): Promise<void> => {
    const writer = await log.openWriter('test');
    for (const user of USERS) {
      const messageId = `m${sent++}`;
      const message = { type: 'track', messageId, userId: user, event, timestamp: new Date(clock.now()) };
      const key = Buffer.from(user);
      const value = Buffer.from(JSON.stringify(message));
      const partition = partitionOf(key, PARTITIONS);
      const topic = SOURCES[sent % SOURCES.length]!;
      writer.send([{ topic, partition, timestamp: clock.now(), key, value, headers: [] }]);
    }
    await writer.commit('test', []);
    await writer.close();
    await cluster.run(8);
  };
  cluster.add();
  await cluster.settle();
  await send('x');
  cluster.add();
  await send('x');
  publish(2);
  await send('x');
  await clock.advance(HOUR);
  await send('y');
  cluster.stop(0);
  await cluster.settle();
  await send('x');
  await clock.advance(3 * HOUR);
  await cluster.run(8);
  publish(3);
  await send('z');
  await clock.advance(2 * HOUR);
  await cluster.settle();
  await cluster.close();
  return log;
}

async function decisionsOf(log: MemoryLog): Promise<readonly Decision[][]> {
  return Promise.all(
    Array.from({ length: PARTITIONS }, async (_, partition) => {
      const records = await readPartition(log, { topic: 'tripline.decisions', partition });
      return records.map(({ value }) => decisionCodec.decode(value!));
    }),
  );
}

const log = await played();
const written = await decisionsOf(log);

test('the run that is walked has decisions of all versions, inputs and tasks', () => {
  const all = written.flat();
  assert.ok(written.every((ofTask) => ofTask.length > 0));
  const versions = new Set(all.map(({ rule, ruleVersion }) => `${rule} ${ruleVersion}`));
  assert.ok(versions.size >= 4, [...versions].join());
});

test('a replay of the journal gives the decisions of all tasks byte by byte, however it caches', async () => {
  for (const tuning of [{}, { dirtyBytesMax: 1, cacheBytes: 1 }]) {
    const topology = topologyOf(versionsOf(published));
    const base = { log, topology, application: APPLICATION, outOfOrdernessMs: OUT_OF_ORDERNESS_MS };
    const replayed = await replayJournal({ ...base, ...tuning });
    for (const [partition, expected] of written.entries()) {
      const again = (replayed.get(`tripline.decisions/${partition}`) ?? []).map(({ value }) =>
        decisionCodec.decode(value!),
      );
      assert.deepEqual(again.map(decisionJson), expected.map(decisionJson));
    }
  }
});

test('an explanation of the same journal has the same decisions, each recorded, by the version of then', async () => {
  const explained: ExplainedDecision[] = [];
  for (const rule of ['gone', 'busy']) {
    for (const user of USERS) {
      const question = { rule, entity: { type: 'user', id: user }, at: Infinity };
      const explanation = await explainFromLog(question, published(3), {
        log,
        application: APPLICATION,
        prefix: 'tripline',
        outOfOrdernessMs: OUT_OF_ORDERNESS_MS,
        version: published,
        topology: (versions, trace) => topologyOf(versions, { trace }),
      });
      assert.deepEqual(
        explanation!.notes.filter((note) => note.includes('record only')),
        [],
      );
      explained.push(...explanation!.steps.filter((step): step is ExplainedDecision => step.kind === 'decision'));
    }
  }
  const key = ({ id, ruleVersion }: { id: string; ruleVersion: string }): string => `${id} ${ruleVersion}`;
  assert.deepEqual(explained.map(key).sort(), written.flat().map(key).sort());
  assert.ok(explained.every(({ recorded, gates }) => recorded === true && gates.length > 0));
});

test('an input that is read no more is left out and named, or refused, as the caller likes', async () => {
  const versions = versionsOf(published);
  const fewer = topologyOf(versions, {
    sources: [{ topic: 'events.shop', format: 'segment', entity: 'user', keyed: true }],
  });
  const [part] = fewer.subTopologies();
  const options = { log, application: APPLICATION, part: part!, partition: 0, outOfOrdernessMs: 1_000, emit: () => {} };
  const { skipped, entries } = await walkJournal({ ...options, strangeInputs: 'skip' });
  assert.deepEqual(skipped, ['events.app/0']);
  assert.ok(entries > 0);
  await assert.rejects(walkJournal({ ...options, strangeInputs: 'refuse' }), /names other inputs/);
});

test('a walk ends with its pause, also while a record waits for what never comes', async () => {
  const [part] = topologyOf(versionsOf(published)).subTopologies();
  const sources = part!.sources.map((source) => ({ ...source, prepare: () => Promise.resolve() }));
  const options = { log, application: APPLICATION, partition: 0, outOfOrdernessMs: 1_000, emit: () => {} };
  let pauses = 0;
  const pause = async (): Promise<void> => {
    if (++pauses === 3) throw new Error('enough');
  };
  const walk = walkJournal({ ...options, part: { ...part!, sources }, strangeInputs: 'skip', pause });
  await assert.rejects(walk, { message: 'enough' });
});

test('a walk says where an input begins whose records are gone', async () => {
  const clock = new FakeClock(START);
  const empty = new MemoryLog(clock);
  const topology = topologyOf(versionsOf(published));
  await empty.admin.createTopics([
    ...SOURCES.map((topic) => ({ topic, partitions: 1, retentionMs: 1_000 })),
    ...requiredTopics(APPLICATION, topology.subTopologies(), 1),
  ]);
  const writer = await empty.openWriter('test');
  writer.send([
    { topic: SOURCES[0]!, partition: 0, timestamp: START, key: null, value: Buffer.from('x'), headers: [] },
  ]);
  await writer.commit('test', []);
  await clock.advance(HOUR);
  empty.clean();
  const walk = await walkJournal({
    log: empty,
    application: APPLICATION,
    part: topology.subTopologies()[0]!,
    partition: 0,
    outOfOrdernessMs: 1_000,
    emit: () => {},
    strangeInputs: 'skip',
  });
  assert.deepEqual(walk, {
    entries: 0,
    end: 0,
    shortened: [{ topic: 'events.shop', partition: 0, first: 1 }],
    skipped: [],
  });
});
