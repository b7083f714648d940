// `tripline backtest --baseline`: what a change of rules would change. The differences are made again from two backtests that know
// nothing of each other.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { backtest as backtestCommand } from '../../../apps/cli/commands/backtest.ts';
import { rules as rulesCommand } from '../../../apps/cli/commands/rules.ts';
import { openEmbeddedLog } from '../../../connectors/logs/embedded/index.ts';
import { systemClock } from '../../../lib/clock.ts';
import { seededRng } from '../../../lib/rng.ts';
import { folderWith, run } from './kit.ts';

const START = Date.UTC(2026, 0, 1);
const NOW = '2026-06-01T00:00:00Z';

const OLD = `id: cart
when: { absence: { after: { event: add }, of: buy, within: 2h } }
cooldown: 8h
then: [{ send: { channel: email, template: left } }]
---
id: busy
when: { count: { event: add, atLeast: 2, within: 3h } }
then: [{ send: { channel: webhook } }]
---
id: big
when: { event: buy, where: event.properties.value > 50 }
limit: [{ max: 2, per: 1d }]
then: [{ send: { channel: sms, template: thanks } }]
---
id: same
when: { event: view }
---
id: old-only
when: { event: buy }
`;
const NEW = OLD.replace('within: 2h', 'within: 3h')
  .replace('atLeast: 2', 'atLeast: 3')
  .replace('channel: sms', 'channel: email')
  .replace('limit: [{ max: 2, per: 1d }]', 'cooldown: 12h')
  .replace('id: old-only', 'id: new-only');

/** Random events of some people over two days, the same in every run. */
function eventsOf(seed: number, count = 400): string {
  const rng = seededRng(seed);
  const pick = (below: number): number => Math.floor(rng.next() * below);
  return Array.from({ length: count }, (_, i) => {
    const event = ['add', 'buy', 'view', 'add'][pick(4)];
    const timestamp = new Date(START + i * 7 * 60_000).toISOString();
    const properties = { value: pick(100) };
    return `${JSON.stringify({ type: 'track', messageId: `m${i}`, userId: `u${pick(9)}`, event, timestamp, properties })}\n`;
  }).join('');
}

function project(t: TestContext, more: Readonly<Record<string, string>> = {}): string {
  return folderWith(t, { 'old/r.yaml': OLD, 'new/r.yaml': NEW, 'events.jsonl': eventsOf(1), ...more });
}

async function backtest(folder: string, rules: string, out: string, ...words: readonly string[]) {
  const all = [
    '--rules',
    rules,
    '--events',
    'events.jsonl',
    '--out',
    out,
    '--now',
    NOW,
    '--advance-to',
    'end',
    ...words,
  ];
  return run(['backtest', ...all], [backtestCommand], folder);
}

const textAt = (folder: string, ...path: readonly string[]): string => {
  const file = join(folder, ...path);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
};

interface Row {
  readonly id: string;
  readonly rule: string;
  readonly entity: { readonly type: string; readonly id: string };
  readonly at: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly events: readonly string[];
}

const rowsAt = <Each>(folder: string, ...path: readonly string[]): Each[] =>
  textAt(folder, ...path)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Each);

/** `rule entity kind before -> now` of every difference, in order of text; by looking at all pairs. */
function bruteForce(folder: string, before: string, after: string): string[] {
  const [was, is] = [before, after].map((out) => ({
    decisions: rowsAt<Row>(folder, out, 'decisions.jsonl'),
    actions: rowsAt<{ decision: string; step: number; channel: string }>(folder, out, 'actions.jsonl'),
  }));
  type Side = NonNullable<typeof was>;
  const channelsOf = ({ actions }: Side, { id }: Row): string =>
    actions
      .filter(({ decision }) => decision === id)
      .sort((a, b) => a.step - b.step)
      .map(({ channel }) => channel)
      .join();
  const found: string[] = [];
  const tell = (left: Row | undefined, right: Row | undefined): void => {
    const fired = left?.outcome === 'fired';
    const fires = right?.outcome === 'fired';
    const { rule, entity } = (right ?? left)!;
    const say = (kind: string): void => {
      found.push(`${rule} ${entity.id} ${kind} ${left?.at ?? '-'} -> ${right?.at ?? '-'}`);
    };
    if (!fired && fires) say('fires');
    else if (fired && !fires) say('silent');
    else if (left === undefined || right === undefined) return;
    else if (!fired && left.reason !== right.reason) say('reason');
    else if (fired && right.at < left.at) say('earlier');
    else if (fired && right.at > left.at) say('later');
    else if (fired && channelsOf(was!, left) !== channelsOf(is!, right)) say('channel');
  };
  const lefts = [...was!.decisions];
  const rights = [...is!.decisions];
  for (const isSame of [
    (a: Row, b: Row) => a.id === b.id,
    (a: Row, b: Row) => a.rule === b.rule && a.entity.id === b.entity.id && a.events[0] === b.events[0],
  ]) {
    for (const right of [...rights]) {
      const left = lefts.find((each) => isSame(each, right));
      if (left === undefined) continue;
      lefts.splice(lefts.indexOf(left), 1);
      rights.splice(rights.indexOf(right), 1);
      tell(left, right);
    }
  }
  for (const left of lefts) tell(left, undefined);
  for (const right of rights) tell(undefined, right);
  return found.sort();
}

interface Difference {
  readonly kind: string;
  readonly rule: string;
  readonly entity: { readonly id: string };
  readonly baseline: { readonly decision: Row } | null;
  readonly now: { readonly decision: Row } | null;
}

for (const seed of [1, 2, 3]) {
  test(`the differences of one pass are those of two backtests apart, and so are both sides' files (events ${seed})`, async (t) => {
    const folder = project(t, { 'events.jsonl': eventsOf(seed) });
    for (const [rules, out] of [
      ['old', 'before'],
      ['new', 'after'],
    ] as const) {
      const alone = await backtest(folder, rules, out);
      assert.equal(alone.code, 0, alone.err);
    }
    const { code, err } = await backtest(folder, 'new', 'out', '--baseline', 'old');
    assert.equal(code, 0, err);
    for (const file of ['decisions.jsonl', 'actions.jsonl', 'flows.jsonl', 'summary.json', 'report.html']) {
      assert.equal(textAt(folder, 'out', file), textAt(folder, 'after', file), file);
      assert.equal(textAt(folder, 'out', 'baseline', file), textAt(folder, 'before', file), file);
    }
    const told = rowsAt<Difference>(folder, 'out', 'differences.jsonl').map(
      ({ kind, rule, entity, baseline, now }) =>
        `${rule} ${entity.id} ${kind} ${baseline?.decision.at ?? '-'} -> ${now?.decision.at ?? '-'}`,
    );
    assert.deepEqual([...told].sort(), bruteForce(folder, 'before', 'after'));
    assert.ok(told.length > 30);
    const comparison = JSON.parse(textAt(folder, 'out', 'comparison.json'));
    assert.equal(comparison.differences, told.length);
    for (const [rule, { differences }] of Object.entries<{
      differences: Record<string, { decisions: number; people: number }>;
    }>(comparison.rules)) {
      for (const kind of ['fires', 'silent', 'earlier', 'later', 'channel', 'flow', 'reason']) {
        const own = told.filter((line) => line.startsWith(`${rule} `) && line.split(' ')[2] === kind);
        const people = new Set(own.map((line) => line.split(' ')[1]));
        const expected = own.length === 0 ? undefined : { decisions: own.length, people: people.size };
        assert.deepEqual(differences[kind], expected, `${rule} ${kind}`);
      }
    }
    assert.deepEqual(
      Object.entries<{ state: string }>(comparison.rules).map(([id, { state }]) => `${id} ${state}`),
      ['big changed', 'busy changed', 'cart changed', 'new-only added', 'old-only removed', 'same same'],
    );
    assert.deepEqual(comparison.rules.same.differences, {});
  });
}

test('flows that go on otherwise are told: both sides have their files, and what differs is the course', async (t) => {
  const flow = (wait: string): string => `id: cart
when: { event: add }
goal: { event: buy }
then: [{ wait: ${wait} }, { send: { channel: email, template: left } }]
`;
  const at = (hour: number): string => new Date(START + hour * 3_600_000).toISOString();
  const told = (messageId: string, userId: string, event: string, hour: number): string =>
    `${JSON.stringify({ type: 'track', messageId, userId, event, timestamp: at(hour) })}\n`;
  const folder = folderWith(t, {
    'old/r.yaml': flow('2h'),
    'new/r.yaml': flow('5h'),
    'events.jsonl': [
      told('m1', 'ann', 'add', 0),
      told('m2', 'bob', 'add', 0),
      told('m3', 'bob', 'buy', 1),
      told('m4', 'cid', 'add', 1),
      told('m5', 'cid', 'buy', 4),
    ].join(''),
  });
  const { code, err, out } = await backtest(folder, 'new', 'out', '--baseline', 'old');
  assert.equal(code, 0, err);
  assert.match(out, /\nrule +reached before +reached now +other channel +other course\ncart +changed +3 +3 +1 +1\n/);
  const ends = (...path: readonly string[]): string[] =>
    rowsAt<Record<string, string>>(folder, ...path)
      .filter(({ kind }) => kind === 'ended')
      .map(({ at: time, reason }) => `${time} ${reason}`);
  assert.deepEqual(ends('out', 'flows.jsonl'), [`${at(1)} goal`, `${at(4)} goal`, `${at(5)} completed`]);
  assert.deepEqual(ends('out', 'baseline', 'flows.jsonl'), [
    `${at(1)} goal`,
    `${at(2)} completed`,
    `${at(3)} completed`,
  ]);
  const course = { variant: null, goalAt: null };
  assert.deepEqual(
    rowsAt<Record<string, Record<string, unknown>>>(folder, 'out', 'differences.jsonl').map(
      ({ kind, entity, baseline, now }) => [
        kind,
        entity!['id'],
        ...[baseline!, now!].map(({ channels, sentAt, flow: how }) => ({ channels, sentAt, how })),
      ],
    ),
    [
      [
        'flow',
        'ann',
        { channels: ['email'], sentAt: [at(2)], how: { ...course, ended: 'completed', endedAt: at(2) } },
        { channels: ['email'], sentAt: [at(5)], how: { ...course, ended: 'completed', endedAt: at(5) } },
      ],
      [
        'channel',
        'cid',
        { channels: ['email'], sentAt: [at(3)], how: { ...course, ended: 'completed', endedAt: at(3) } },
        { channels: [], sentAt: [], how: { variant: null, goalAt: at(4), ended: 'goal', endedAt: at(4) } },
      ],
    ],
  );
});

test('of some people both sides are explained, each by its own rules', async (t) => {
  const folder = project(t);
  const { out, code } = await backtest(folder, 'new', 'out', '--baseline', 'old', '--sample', '2', '--json');
  assert.equal(code, 0);
  const { sample } = JSON.parse(out);
  assert.equal(sample.length, 2);
  for (const { rule, baseline, now, explained } of sample) {
    for (const [decided, explanation] of [
      [baseline, explained.baseline],
      [now, explained.now],
    ]) {
      assert.equal(explanation.rule, rule);
      if (decided === null) continue;
      assert.equal(explanation.ruleVersion, decided.decision.ruleVersion);
      const ids = explanation.steps.map(({ id }: { id?: string }) => id);
      assert.ok(ids.includes(decided.decision.id));
    }
  }
  assert.equal(new Set(sample.map(({ entity }: Difference) => entity.id)).size, 2, 'different people');
  const none = JSON.parse((await backtest(folder, 'new', 'out', '--baseline', 'old', '--sample', '0', '--json')).out);
  assert.deepEqual([none.sample, none.unexplained], [[], null]);
});

test('text says what changes, and Markdown is a comment with the explanations folded in', async (t) => {
  const folder = project(t);
  const { out } = await backtest(folder, 'new', 'out', '--baseline', 'old');
  assert.match(out, /\npeople reached {2,}\d+ {2,}\d+/);
  assert.match(out, /\ncart {2,}changed/);
  assert.match(out, /\n--- baseline\n[\s\S]*\n--- now\n/);
  assert.match(out, /\nwhat-if: \d+ decisions differ\n$/);
  const comment = (await backtest(folder, 'new', 'out', '--baseline', 'old', '--format', 'markdown')).out;
  assert.match(comment, /^### What these rules would change\n/);
  assert.match(
    comment,
    /\n\| {2}\| baseline \| now \| change \|\n\| --- \| ---: \| ---: \| ---: \|\n\| people reached \| \d+ \| \d+ \|/,
  );
  assert.match(comment, /\n\| cart \| changed \| \d+ \| \d+ \|/);
  assert.equal(comment.match(/<details>/g)!.length, 3);
  assert.equal(comment.match(/<\/details>/g)!.length, 3);
});

test('rules compared with themselves differ in nothing', async (t) => {
  const folder = project(t);
  const { out, code } = await backtest(folder, 'old', 'out', '--baseline', 'old', '--fail-on', 'reach>+0%,reach<-0%');
  assert.equal(code, 0);
  assert.match(out, /no rule decides otherwise/);
  assert.match(out, /what-if: 0 decisions differ\n$/);
  assert.equal(textAt(folder, 'out', 'differences.jsonl'), '');
});

test('bounds that are passed are said, and the exit code is 1; others cost nothing', async (t) => {
  const folder = project(t);
  const bounded = (bounds: string, ...words: string[]) => backtest(folder, 'new', 'out', '--fail-on', bounds, ...words);
  const passed = await bounded('messages<-5,cart:reach>+1000%,busy:messages<-1%', '--baseline', 'old');
  assert.equal(passed.code, 1);
  assert.match(passed.out, /busy:messages<-1% is passed: \d+ before, \d+ now\n/);
  assert.doesNotMatch(passed.out, /cart:reach/);
  assert.equal((await bounded('fatigue.max>100000,reach<1', '--baseline', 'old')).code, 0);
  const alone = await bounded('fatigue.p99>0');
  assert.equal(alone.code, 1);
  assert.match(alone.err, /fatigue\.p99>0 is passed: \d+ now/);
});

test('bounds and options that mean nothing are wrong usage, and say what is known', async (t) => {
  const folder = project(t);
  for (const [words, said] of [
    [['--fail-on', 'reach>+10%'], /compares with a baseline/],
    [['--fail-on', 'reech>3'], /did you mean "reach"/],
    [['--fail-on', 'reach>10%', '--baseline', 'old'], /write \+10% or -10%/],
    [['--fail-on', 'kart:reach>3'], /did you mean "cart"/],
    [['--fail-on', 'cart:fatigue.p99>3'], /of all rules together/],
    [['--fail-on', 'reach'], /no bound/],
    [['--format', 'markdown'], /of a comparison/],
    [['--format', 'pdf', '--baseline', 'old'], /none of text, markdown/],
    [['--sample', '2'], /of a comparison/],
    [['--sample', '99', '--baseline', 'old'], /from 0 to 20/],
  ] as const) {
    const { code, err } = await backtest(folder, 'new', 'out', ...words);
    assert.equal(code, 2, words.join(' '));
    assert.match(err, said);
  }
});

test('live is what was published last, or the folder of the configuration as long as nothing was', async (t) => {
  const folder = project(t, {
    'tripline.yaml':
      'dataDir: ./data\nrules: ./old\nsources: [{ topic: e }]\ndeliveredElsewhere: [email, webhook, sms]\n',
  });
  const none = await backtest(folder, 'new', 'out', '--baseline', 'live');
  assert.equal(none.code, 1);
  assert.match(none.err, /TRG_FILE_UNREADABLE/);
  await (await openEmbeddedLog({ dir: join(folder, 'data', 'log'), clock: systemClock })).close();
  const old = await backtest(folder, 'new', 'other', '--baseline', 'old', '--json');
  const unpublished = await backtest(folder, 'new', 'out', '--baseline', 'live', '--json');
  assert.deepEqual(JSON.parse(unpublished.out), JSON.parse(old.out));
  const published = await run(['rules', 'publish'], [rulesCommand], folder);
  assert.equal(published.code, 0, published.err);
  // Whatever the folder holds now.
  writeFileSync(join(folder, 'old', 'r.yaml'), NEW);
  const live = await backtest(folder, 'new', 'out', '--baseline', 'live', '--json');
  assert.equal(live.code, 0, live.err);
  assert.deepEqual(JSON.parse(live.out), JSON.parse(old.out));
});
