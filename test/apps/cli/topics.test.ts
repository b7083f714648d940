import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { topics as topicsCommand } from '../../../apps/cli/commands/topics.ts';
import { openEmbeddedLog, openEmbeddedLogReadOnly } from '../../../connectors/logs/embedded/index.ts';
import { systemClock } from '../../../lib/clock.ts';
import type { TopicSpec } from '../../../topology/engine/ports.ts';
import { folderWith, run } from './kit.ts';
import { linesOf } from './shop-project.ts';

const SHOP = 'application: shop\nlog: { partitions: 3 }\nsources: [{ topic: events.shop, keyed: true }]\n';
const RULE = { 'rules/a.yaml': 'id: a\nwhen: { event: x }\n' };

function shop(t: TestContext, yaml = SHOP): string {
  return folderWith(t, { ...RULE, 'tripline.yaml': yaml });
}

const topics = (folder: string, ...words: string[]) => run(['topics', ...words], [topicsCommand], folder);

async function create(folder: string, specs: readonly TopicSpec[]): Promise<void> {
  const log = await openEmbeddedLog({ dir: join(folder, 'data', 'log'), clock: systemClock });
  await log.admin.createTopics(specs);
  await log.close();
}

async function existing(folder: string): Promise<ReadonlyMap<string, number>> {
  const log = await openEmbeddedLogReadOnly({ dir: join(folder, 'data', 'log'), clock: systemClock });
  try {
    return await log.admin.topics();
  } finally {
    await log.close();
  }
}

test('the plan for a new project has sources, public and internal topics, all missing, and makes nothing', async (t) => {
  const folder = shop(t);
  const { code, out } = await topics(folder, 'plan', '--json');
  assert.equal(code, 0);
  const plan = linesOf(out);
  assert.deepEqual(plan[0], {
    topic: 'events.shop',
    kind: 'source',
    partitions: 3,
    state: 'missing',
    existing: null,
    problem: null,
  });
  const kinds = Object.fromEntries(plan.map(({ topic, kind }) => [topic, kind]));
  assert.equal(kinds['tripline.decisions'], 'public');
  assert.equal(kinds['actions.email'], 'public');
  assert.equal(kinds['shop-journal'], 'internal');
  assert.equal(plan.find(({ topic }) => topic === 'shop-entities-changelog').compacted, true);
  assert.ok(plan.every(({ state }) => state === 'missing'));
  assert.ok(plan.every(({ topic, partitions }) => partitions === (topic === 'tripline.rules' ? 1 : 3)));
  assert.equal(existsSync(join(folder, 'data')), false);
});

test('apply makes what is missing, and then nothing is', async (t) => {
  const folder = shop(t);
  await create(folder, [{ topic: 'events.shop', partitions: 2 }]);
  const applied = await topics(folder, 'apply');
  assert.equal(applied.code, 0, applied.err);
  assert.match(applied.out, /^exists {4}events\.shop {2}2 partitions {2}source\n/);
  assert.match(applied.out, /\ncreated {3}shop-entities-changelog {2}2 partitions {2}internal, compacted\n/);
  const plan = linesOf((await topics(folder, 'plan', '--json')).out);
  assert.ok(plan.every(({ state }) => state === 'exists'));
  assert.deepEqual(await existing(folder), new Map(plan.map(({ topic, partitions }) => [topic, partitions])));
});

test('a topic with a wrong number of partitions is shown with how to mend it, and apply then makes nothing', async (t) => {
  const folder = shop(t);
  await create(folder, [
    { topic: 'events.shop', partitions: 2 },
    { topic: 'shop-journal', partitions: 4 },
  ]);
  for (const word of ['plan', 'apply']) {
    const { code, out, err } = await topics(folder, word);
    assert.equal(code, 1);
    assert.match(out, /\nmismatch {2}shop-journal {2}2 partitions {2}internal\n/);
    assert.match(err, /^shop-journal has 4 partitions and needs 2.*give the sources 4 partitions/);
  }
  assert.deepEqual([...(await existing(folder))].sort(), [
    ['events.shop', 2],
    ['shop-journal', 4],
  ]);
});

test('sources that feed the same tasks must have as many partitions as each other', async (t) => {
  const folder = shop(t, 'sources: [{ topic: a, keyed: true }, { topic: b, keyed: true }]\n');
  await create(folder, [
    { topic: 'a', partitions: 2 },
    { topic: 'b', partitions: 4 },
  ]);
  const { code, err } = await topics(folder, 'plan');
  assert.equal(code, 1);
  assert.match(err, /^a has 2 partitions and feeds the same tasks as one with 4: set `keyed: false`.*\n$/);
});

test('a source that is not keyed may have fewer partitions than others', async (t) => {
  const folder = shop(t, 'sources: [{ topic: a }, { topic: b, keyed: true }]\n');
  await create(folder, [
    { topic: 'a', partitions: 2 },
    { topic: 'b', partitions: 4 },
  ]);
  assert.equal((await topics(folder, 'apply')).code, 0);
  assert.equal((await existing(folder)).get('tripline-events-repartition'), 4);
});

test('with a prefix of its own, an application shares no public topic with another', async (t) => {
  const publicOf = async (yaml: string): Promise<string[]> => {
    const plan = linesOf((await topics(shop(t, yaml), 'plan', '--json')).out);
    return plan.filter(({ kind }) => kind === 'public').map(({ topic }) => topic);
  };
  const apart = await publicOf(`${SHOP}topics: { prefix: eu.shop }\n`);
  assert.ok(apart.includes('eu.shop.decisions') && apart.includes('eu.shop.actions.email'));
  assert.deepEqual(
    (await publicOf(SHOP)).filter((topic) => apart.includes(topic)),
    [],
  );
});

test('a source that joins others gets as many partitions as they have', async (t) => {
  const folder = shop(t, 'log: { partitions: 8 }\nsources: [{ topic: a, keyed: true }, { topic: b, keyed: true }]\n');
  await create(folder, [{ topic: 'a', partitions: 2 }]);
  assert.equal((await topics(folder, 'apply')).code, 0);
  assert.equal((await existing(folder)).get('b'), 2);
});

test('while a worker has the log open, plan works and apply says what to stop', async (t) => {
  const folder = shop(t);
  const log = await openEmbeddedLog({ dir: join(folder, 'data', 'log'), clock: systemClock });
  t.after(() => log.close());
  assert.equal((await topics(folder, 'plan')).code, 0);
  const { code, err } = await topics(folder, 'apply');
  assert.equal(code, 1);
  assert.match(err, /TRG_LOG_LOCKED/);
});

test('without plan or apply, or with another word, it is wrong usage', async (t) => {
  const folder = shop(t);
  const none = await topics(folder);
  assert.equal(none.code, 2);
  assert.match(none.err, /say which: plan or apply or acls/);
  const other = await topics(folder, 'aply');
  assert.equal(other.code, 2);
  assert.match(other.err, /did you mean "apply"\?/);
  assert.match((await topics(folder, 'plan', 'now')).err, /takes no "now"/);
});

test('acls prints what each of the things that Tripline does on a cluster needs, as lines for a shell', async (t) => {
  const folder = shop(t);
  const { code, out } = await topics(folder, 'acls', '--principal', 'User:CN=worker');
  assert.equal(code, 0);
  const lines = out.split('\n');
  assert.deepEqual(
    lines.filter((line) => line.startsWith('#')),
    ['# worker', '# ingest', '# topics', '# operator', '# replay', '# backtest'],
  );
  const start = `kafka-acls.sh --bootstrap-server "$BOOTSTRAP" --command-config "$ADMIN_CONFIG" --add --allow-principal 'User:CN=worker'`;
  assert.ok(lines.includes(`${start} --operation Read --topic 'events.shop'`));
  assert.ok(lines.includes(`${start} --operation Write --transactional-id 'shop-' --resource-pattern-type prefixed`));
  assert.ok(lines.includes(`${start} --operation Read --operation Write --topic 'shop-entities-changelog'`));
});
