// Where `tripline backtest` takes events from: several files, topics of an embedded log beside its worker, other teams' formats.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { backtest as backtestCommand } from '../../../apps/cli/commands/backtest.ts';
import { topics as topicsCommand } from '../../../apps/cli/commands/topics.ts';
import { runCommandLine } from '../../../apps/cli/dispatch.ts';
import { openEmbeddedLog } from '../../../connectors/logs/embedded/index.ts';
import { partitionOf } from '../../../lib/murmur2.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import type { Log } from '../../../topology/engine/ports.ts';
import { folderWith, run } from './kit.ts';

const START = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
const NOW = '2026-06-01T00:00:00Z';
const RULES = `id: cart
when: { absence: { after: { event: add_to_cart }, of: purchase, within: 2h } }
cooldown: 6h
---
id: bought
when: { count: { event: purchase, atLeast: 2, within: 5h } }
---
id: vip
when: { change: { of: profile.plan } }
`;

interface Made {
  readonly messageId: string;
  readonly userId: string;
  readonly event: string;
  readonly timestamp: string;
}

/** Events of some users, a minute apart, in order of time. */
const EVENTS: readonly Made[] = Array.from({ length: 240 }, (_, i) => ({
  messageId: `m${i}`,
  userId: `u${(i * 7) % 11}`,
  event: i % 3 === 0 ? 'purchase' : 'add_to_cart',
  timestamp: new Date(START + i * 4 * 60_000).toISOString(),
}));

const jsonLines = (events: readonly object[]): string => events.map((event) => `${JSON.stringify(event)}\n`).join('');
const every = (count: number, place: number): readonly Made[] => EVENTS.filter((_, i) => i % count === place);

async function backtest(folder: string, events: readonly string[], ...words: readonly string[]) {
  const named = events.flatMap((place) => ['--events', place]);
  const all = ['backtest', '--rules', 'rules', ...named, '--out', 'out', '--now', NOW, ...words];
  const ran = await run(all, [backtestCommand], folder);
  const read = (name: string): string => {
    const path = join(folder, 'out', name);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  };
  const summary = read('summary.json');
  return { ...ran, decisions: read('decisions.jsonl'), read, summary: summary === '' ? null : JSON.parse(summary) };
}

function project(t: TestContext, files: Readonly<Record<string, string | Buffer>> = {}): string {
  return folderWith(t, { 'rules/r.yaml': RULES, 'whole.jsonl': jsonLines(EVENTS), ...files });
}

/** `written`: what is written of an event; left out: the event. */
async function writeTopic(
  log: Log,
  topic: string,
  partitions: number,
  events: readonly Made[],
  written: (made: Made) => object = (made) => made,
): Promise<void> {
  await log.admin.createTopics([{ topic, partitions }]);
  const headers = [['content-type', Buffer.from('application/cloudevents+json')]] as const;
  for (const made of events) {
    const writer = await log.openWriter('test');
    const key = Buffer.from(made.userId);
    const value = Buffer.from(JSON.stringify(written(made)));
    const partition = partitionOf(key, partitions);
    writer.send([{ topic, partition, timestamp: Date.parse(made.timestamp), key, value, headers }]);
    await writer.commit('test', []);
    await writer.close();
  }
}

test('events that lie in several files give the decisions of one file, byte by byte', async (t) => {
  const columnData = [
    ...(['messageId', 'userId', 'event'] as const).map((name) => {
      return { name, data: every(4, 3).map((event) => event[name]), type: 'STRING' as const };
    }),
    { name: 'timestamp', data: every(4, 3).map(({ timestamp }) => new Date(timestamp)), type: 'TIMESTAMP' as const },
  ];
  const rows = every(4, 2).map(({ messageId, userId, event, timestamp }) =>
    [messageId, userId, event, timestamp].join(),
  );
  const folder = project(t, {
    'parts/a.jsonl': jsonLines(every(4, 0)),
    'parts/b.jsonl.gz': gzipSync(jsonLines(every(4, 1))),
    'c.csv': `messageId,userId,event,timestamp\n${rows.join('\n')}\n`,
    'd.parquet': Buffer.from(parquetWriteBuffer({ columnData })),
    'map.yaml': 'columns: { messageId: messageId, userId: userId, event: event, timestamp: timestamp }\n',
  });
  const whole = await backtest(folder, ['whole.jsonl'], '--advance-to', 'end');
  assert.ok(whole.decisions.split('\n').length > 15, whole.out);
  const parts = await backtest(
    folder,
    ['parts/*', 'c.csv', 'd.parquet'],
    '--mapping',
    'map.yaml',
    '--advance-to',
    'end',
  );
  assert.equal(parts.code, 0, parts.err);
  assert.equal(parts.decisions, whole.decisions);
  assert.deepEqual([parts.summary.input.lines, parts.summary.input.order], [240, 'arrival']);
});

test('what is refused is said with the file it is from', async (t) => {
  const folder = project(t, { 'a.jsonl': 'no JSON\n', 'b.jsonl': `${jsonLines(every(4, 0))}{}\n` });
  const { out, read, code } = await backtest(folder, ['a.jsonl', 'b.jsonl', 'a.jsonl']);
  assert.equal(code, 0);
  const refused = read('dead-letters.jsonl').trim().split('\n');
  const places = refused.map((line) => JSON.parse(line) as { source: string; line: number });
  assert.deepEqual(places.map(({ source, line }) => `${source}:${line}`).sort(), ['a.jsonl:1', 'b.jsonl:61']);
  assert.match(out, /\n {2}a\.jsonl, line 1: TRG_RECORD_UNREADABLE/);
});

test('a pattern that no file fits, and words that name no topic, end with what is wrong', async (t) => {
  const folder = project(t);
  for (const [place, code, said] of [
    ['*.csv', 1, /no file is called \*\.csv/],
    ['kafka:events.shop', 2, /kafka: needs a cluster/],
    ['log:events.shop', 1, /TRG_FILE_UNREADABLE/],
    ['log:', 2, /names no topic/],
    ['log:e:2-1', 2, /partitions that are none: 2-1/],
  ] as const) {
    const ran = await backtest(folder, [place]);
    assert.equal(ran.code, code, `${place}: ${ran.err}`);
    assert.match(ran.err, said);
  }
  const offsets = await backtest(folder, ['whole.jsonl'], '--from', 'offset:3');
  assert.equal(offsets.code, 2);
  assert.match(offsets.err, /offsets are of topics/);
  assert.equal((await backtest(folder, ['whole.jsonl'], '--from', 'offset:x')).code, 2);
});

/** A project whose topic lies in the embedded log, which a worker has open. */
async function projectWithLog(t: TestContext, partitions: number, events: readonly Made[] = EVENTS) {
  const clock = new FakeClock(START);
  const folder = project(t, { 'tripline.yaml': 'dataDir: ./data\nsources: [{ topic: events.shop, keyed: true }]\n' });
  const log = await openEmbeddedLog({ dir: join(folder, 'data', 'log'), clock, cleanEveryMs: 0, segmentBytes: 4_000 });
  t.after(() => log.close());
  await writeTopic(log, 'events.shop', partitions, events);
  return { folder, log, clock };
}

test('a topic of the embedded log gives what a file of the same events gives, while a worker has the log', async (t) => {
  const { folder } = await projectWithLog(t, 5);
  const file = await backtest(folder, ['whole.jsonl'], '--advance-to', 'end');
  const topic = await backtest(folder, ['log:events.shop'], '--advance-to', 'end');
  assert.equal(topic.code, 0, topic.err);
  assert.equal(topic.decisions, file.decisions);
  assert.equal(topic.summary.input.lines, 240);
  assert.deepEqual(topic.summary.input.missing, []);
  const named = await backtest(folder, ['log:events.shop:0-2,3', 'log:events.shop:4,0'], '--advance-to', 'end');
  assert.equal(named.decisions, file.decisions);
  const some = await backtest(folder, ['log:events.shop:1']);
  assert.ok(some.summary.input.lines > 0 && some.summary.input.lines < 240);
  assert.match((await backtest(folder, ['log:events.shop:5'])).err, /has 5 partitions, and none with the number 5/);
});

test('offsets bound what is read of each partition, and what was before is said to be missing', async (t) => {
  const { folder } = await projectWithLog(t, 1);
  const part = await backtest(folder, ['log:events.shop'], '--from', 'offset:100', '--to', 'offset:0=160');
  assert.equal(part.summary.input.lines, 60);
  const since = EVENTS[100]!.timestamp;
  assert.deepEqual(part.summary.input.missing, [{ source: 'events.shop/0', why: 'offset', first: 100, since }]);
  const { cart, bought, vip } = part.summary.rules;
  assert.equal(cart.completeFrom, new Date(Date.parse(since) + 8 * HOUR).toISOString());
  assert.equal(bought.completeFrom, new Date(Date.parse(since) + 5 * HOUR).toISOString());
  assert.equal(vip.completeFrom, 'unknown');
});

test('what retention has taken is said, with the time from which each rule is complete', async (t) => {
  const { folder, log, clock } = await projectWithLog(t, 1, []);
  const topic = 'events.old';
  await log.admin.createTopics([{ topic, partitions: 1, retentionMs: HOUR }]);
  await writeTopic(log, topic, 1, EVENTS.slice(0, 120));
  await clock.advance(2 * HOUR);
  await writeTopic(log, topic, 1, EVENTS.slice(120));
  await log.clean();
  const { first } = await log.admin.offsets({ topic, partition: 0 });
  assert.ok(first > 0 && first <= 120, `retention took ${first}`);
  const ran = await backtest(folder, [`log:${topic}`]);
  assert.equal(ran.code, 0, ran.err);
  const since = EVENTS[first]!.timestamp;
  assert.deepEqual(ran.summary.input.missing, [{ source: `${topic}/0`, why: 'retention', first, since }]);
  assert.match(ran.err, /events\.old is no source of the configuration: its records are read as Segment/);
  assert.match(
    ran.out,
    /events\.old\/0 begins at offset \d+, 2026-01-01T\d\d:\d\d:00\.000Z: what was before is deleted/,
  );
  const complete = new Date(Date.parse(since) + 5 * HOUR).toISOString();
  assert.ok(ran.out.includes(`  bought: complete from ${complete}\n`), ran.out);
  assert.match(ran.out, /\n {2}vip: looks back without bound/);
  assert.match(ran.read('report.html'), /events\.old\/0/);
});

test("other teams' topics are read by the settings of their source, together with files", async (t) => {
  const clock = new FakeClock(START);
  const folder = project(t, {
    'tripline.yaml': `dataDir: ./data
sources:
  - { topic: sales, format: json, id: who, event: what, timestamp: at, messageId: no }
  - { topic: carts, format: cloudevents }
`,
    'half.jsonl': jsonLines(EVENTS.filter(({ event }, i) => event === 'add_to_cart' && i % 2 === 0)),
  });
  const log = await openEmbeddedLog({ dir: join(folder, 'data', 'log'), clock, cleanEveryMs: 0 });
  t.after(() => log.close());
  const sales = EVENTS.filter(({ event }) => event === 'purchase');
  const carts = EVENTS.filter(({ event }, i) => event === 'add_to_cart' && i % 2 === 1);
  await writeTopic(log, 'sales', 2, sales, ({ messageId, userId, event, timestamp }) => {
    return { no: messageId, who: userId, what: event, at: Date.parse(timestamp) };
  });
  await writeTopic(log, 'carts', 3, carts, ({ messageId, userId, event, timestamp }) => {
    return { specversion: '1.0', source: '/carts', id: messageId, type: event, subject: userId, time: timestamp };
  });
  const file = await backtest(folder, ['whole.jsonl'], '--advance-to', 'end');
  const mixed = await backtest(folder, ['log:sales', 'half.jsonl', 'log:carts'], '--advance-to', 'end');
  assert.equal(mixed.code, 0, mixed.err);
  assert.deepEqual(mixed.summary.input.deadLetters, {});
  // Ids of CloudEvents have their source in front.
  assert.equal(withoutIds(mixed.decisions), withoutIds(file.decisions));
});

function withoutIds(decisions: string): string {
  return decisions
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const { id: _, events, ...rest } = JSON.parse(line) as { id: string; events: string[] };
      return JSON.stringify({ ...rest, events: events.map((event) => event.replace('/carts ', '')) });
    })
    .join('\n');
}

test('stopped early it writes what it has until then, says so, and exits with 1', async (t) => {
  const folder = project(t);
  const stop = new AbortController();
  stop.abort();
  let err = '';
  const words = ['backtest', '--rules', 'rules', '--events', 'whole.jsonl', '--out', 'out', '--advance-to', 'end'];
  const code = await runCommandLine(words, [backtestCommand], {
    stdout: { write: () => {} },
    stderr: { write: (text) => (err += text) },
    isTerminal: false,
    signal: stop.signal,
    env: {},
    folder,
  });
  assert.equal(code, 1);
  assert.match(err, /stopped early/);
  const summary = JSON.parse(readFileSync(join(folder, 'out', 'summary.json'), 'utf8'));
  assert.equal(summary.stopped, true);
  assert.equal(summary.advancedTo, EVENTS.at(-1)!.timestamp, 'time does not go on over what was not read');
  assert.match(readFileSync(join(folder, 'out', 'report.html'), 'utf8'), /It was stopped early/);
});

test('acls --backtest prints the rights of a backtest alone', async (t) => {
  const folder = project(t, { 'tripline.yaml': 'sources: [{ topic: a }, { topic: b }]\n' });
  const { code, out } = await run(['topics', 'acls', '--backtest', '--json'], [topicsCommand], folder);
  assert.equal(code, 0);
  const entries = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { role: string; name: string; operations: string[] });
  assert.deepEqual(
    entries.map(({ role, name, operations }) => [role, name, ...operations]),
    [
      ['backtest', 'a', 'Read'],
      ['backtest', 'b', 'Read'],
    ],
  );
  assert.equal((await run(['topics', 'plan', '--backtest'], [topicsCommand], folder)).code, 2);
});
