import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { backtest as backtestCommand } from '../../../apps/cli/commands/backtest.ts';
import { folderWith, run } from './kit.ts';

const RULES = `id: cart
when: { absence: { after: { event: add_to_cart, as: cart }, of: purchase, within: 24h } }
then:
  - send: { channel: webhook, data: { cart: cart.messageId } }
  - send: { channel: email, template: left, fallback: [sms] }
---
id: bought
when: { event: purchase }
`;
const DAY = '2026-01-01T';
const NOW = '2026-06-01T00:00:00Z';

let made = 0;
function line(userId: string, event: string, timestamp: string, more: object = {}): string {
  return JSON.stringify({ type: 'track', messageId: `m${made++}`, userId, event, timestamp, ...more });
}

async function replay(t: TestContext, lines: readonly string[], ...words: string[]) {
  const folder = folderWith(t, { 'rules/r.yaml': RULES, 'events.jsonl': `${lines.join('\n')}\n` });
  const ran = await run(
    ['backtest', '--rules', 'rules', '--events', 'events.jsonl', '--out', 'out', '--now', NOW, ...words],
    [backtestCommand],
    folder,
  );
  return { ...ran, ...outOf(folder), folder };
}

function outOf(folder: string) {
  const read = (name: string): string => {
    const path = join(folder, 'out', name);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  };
  const rows = (name: string) =>
    read(name)
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((row) => JSON.parse(row));
  const summary = read('summary.json');
  return {
    decisions: rows('decisions.jsonl'),
    actions: rows('actions.jsonl'),
    summary: summary === '' ? null : JSON.parse(summary),
    rows,
    read,
  };
}

/** `at entity channel rule` of each action. */
const sendsOf = (actions: { rule: string; entity: { id: string }; at: string; channel: string }[]) =>
  actions.map(({ rule, entity, at, channel }) => `${at} ${entity.id} ${channel} ${rule}`);

const shortOf = (decisions: { rule: string; entity: { id: string }; at: string }[]) =>
  decisions.map(({ rule, entity, at }) => `${at} ${entity.id} ${rule}`);

test('decisions come in order of event time, entity and rule', async (t) => {
  const { code, decisions } = await replay(t, [
    line('u2', 'add_to_cart', `${DAY}10:00:00Z`),
    line('u1', 'add_to_cart', `${DAY}10:00:00Z`),
    line('u3', 'purchase', `${DAY}11:00:00Z`),
    line('u4', 'purchase', '2026-01-03T10:00:00Z'),
  ]);
  assert.equal(code, 0);
  assert.deepEqual(shortOf(decisions), [
    '2026-01-01T11:00:00.000Z u3 bought',
    '2026-01-02T10:00:00.000Z u1 cart',
    '2026-01-02T10:00:00.000Z u2 cart',
    '2026-01-03T10:00:00.000Z u4 bought',
  ]);
});

test('actions come in the order of their decisions, each send by its channel, with its data', async (t) => {
  const lines = [
    line('u2', 'add_to_cart', `${DAY}10:00:00Z`, { messageId: 'm-u2' }),
    line('u1', 'add_to_cart', `${DAY}10:00:00Z`, { messageId: 'm-u1' }),
    line('u3', 'purchase', '2026-01-03T10:00:00Z'),
  ];
  const { decisions, actions, summary } = await replay(t, lines);
  assert.deepEqual(sendsOf(actions), [
    '2026-01-02T10:00:00.000Z u1 webhook cart',
    '2026-01-02T10:00:00.000Z u1 email cart',
    '2026-01-02T10:00:00.000Z u2 webhook cart',
    '2026-01-02T10:00:00.000Z u2 email cart',
  ]);
  const [first, second] = decisions;
  assert.deepEqual(
    actions.map(({ decision, step, template, fallback, data }) => ({ decision, step, template, fallback, data })),
    [first, first, second, second].map(({ id }, i) => {
      const cart = { data: { cart: i < 2 ? 'm-u1' : 'm-u2' }, template: null, fallback: [] };
      const mail = { data: {}, template: 'left', fallback: ['sms'] };
      return { decision: id, step: i % 2, ...(i % 2 === 0 ? cart : mail) };
    }),
  );
  assert.equal(new Set(actions.map(({ id }) => id)).size, 4);
  assert.deepEqual([summary.fired, decisions.length], [3, 3]);
});

const FLOW_RULES = `id: cart
when: { event: add_to_cart }
goal: { event: purchase, within: 3d }
then:
  - name: later
    wait: 12h
  - send: { channel: webhook }
---
id: bought
when: { event: purchase }
`;

test('flows are told of in the order of time, entity, rule and flow, and counted by how they ended', async (t) => {
  const lines = [
    line('u2', 'add_to_cart', `${DAY}10:00:00Z`),
    line('u1', 'add_to_cart', `${DAY}10:00:00Z`),
    line('u1', 'purchase', `${DAY}11:00:00Z`),
    line('u3', 'add_to_cart', '2026-01-03T10:00:00Z'),
  ];
  const folder = folderWith(t, { 'rules/r.yaml': FLOW_RULES, 'events.jsonl': `${lines.join('\n')}\n` });
  const words = ['backtest', '--rules', 'rules', '--events', 'events.jsonl', '--out', 'out', '--now', NOW];
  const { code, out } = await run(words, [backtestCommand], folder);
  assert.equal(code, 0);
  const { summary, rows, read } = outOf(folder);
  assert.deepEqual(
    rows('flows.jsonl').map(({ at, entity, kind, name, reason }) => [at, entity.id, kind, name ?? reason]),
    [
      ['2026-01-01T10:00:00.000Z', 'u1', 'entered', null],
      ['2026-01-01T10:00:00.000Z', 'u1', 'waiting', 'later'],
      ['2026-01-01T10:00:00.000Z', 'u2', 'entered', null],
      ['2026-01-01T10:00:00.000Z', 'u2', 'waiting', 'later'],
      ['2026-01-01T11:00:00.000Z', 'u1', 'goal', null],
      ['2026-01-01T11:00:00.000Z', 'u1', 'ended', 'goal'],
      ['2026-01-01T22:00:00.000Z', 'u2', 'sent', null],
      ['2026-01-01T22:00:00.000Z', 'u2', 'ended', 'completed'],
      ['2026-01-03T10:00:00.000Z', 'u3', 'entered', null],
      ['2026-01-03T10:00:00.000Z', 'u3', 'waiting', 'later'],
    ],
  );
  assert.deepEqual(summary.rules.cart.flows, { entered: 3, goals: 1, ended: { goal: 1, completed: 1 } });
  assert.equal(summary.rules.bought.flows, undefined);
  assert.match(out, /^ {2}cart: flows 3, goals 1, ended: goal 1, completed 1$/m);
  assert.match(read('report.html'), /<h2>Flows<\/h2>/);
});

test('time stays at the last event, unless it is to go on', async (t) => {
  const lines = [line('u1', 'add_to_cart', `${DAY}10:00:00Z`)];
  const nothing = { decisions: [], actions: [] };
  for (const words of [[], ['--advance-to', '2026-01-02T09:59:59.999Z']]) {
    const { decisions, actions } = await replay(t, lines, ...words);
    assert.deepEqual({ decisions, actions }, nothing);
  }
  for (const until of ['2026-01-02T10:00:00Z', 'end']) {
    const { decisions, actions, summary } = await replay(t, lines, '--advance-to', until);
    assert.deepEqual(shortOf(decisions), ['2026-01-02T10:00:00.000Z u1 cart']);
    assert.deepEqual(sendsOf(actions), [
      '2026-01-02T10:00:00.000Z u1 webhook cart',
      '2026-01-02T10:00:00.000Z u1 email cart',
    ]);
    assert.equal(summary.advancedTo, until === 'end' ? null : '2026-01-02T10:00:00.000Z');
  }
});

test('a timer due at the very last event has fired', async (t) => {
  const { decisions } = await replay(t, [
    line('u1', 'add_to_cart', `${DAY}10:00:00Z`),
    line('u2', 'purchase', '2026-01-02T10:00:00Z'),
  ]);
  assert.deepEqual(shortOf(decisions), ['2026-01-02T10:00:00.000Z u1 cart', '2026-01-02T10:00:00.000Z u2 bought']);
});

test('lines that cannot be used are counted by reason and listed with their line numbers, and the others go on (I6)', async (t) => {
  const { code, summary, rows, out, decisions, actions } = await replay(t, [
    '{"broken',
    '[]',
    JSON.stringify({ type: 'track', event: 'purchase', timestamp: `${DAY}10:00:00Z` }),
    JSON.stringify({ type: 'track', userId: true, event: 'purchase', timestamp: `${DAY}10:00:00Z` }),
    line('u1', 'purchase', '9999-01-01T00:00:00Z'),
    line('u1', 'purchase', 'yesterday'),
    line('u1', 'purchase', `${DAY}10:00:00Z`, { pad: 'x'.repeat(10_000_000) }),
    line('u1', 'purchase', `${DAY}10:00:00Z`),
  ]);
  assert.equal(code, 0);
  assert.deepEqual(summary.input.deadLetters, {
    TRG_RECORD_UNREADABLE: 1,
    TRG_RECORD_INVALID: 4,
    TRG_RECORD_TIME_IMPLAUSIBLE: 1,
    TRG_RECORD_TOO_LARGE: 1,
  });
  assert.deepEqual(
    rows('dead-letters.jsonl')
      .map((each: { line: number }) => each.line)
      .sort(),
    [1, 2, 3, 4, 5, 6, 7],
  );
  assert.equal(summary.fired, 1);
  assert.deepEqual(shortOf(decisions), [`${DAY}10:00:00.000Z u1 bought`]);
  assert.deepEqual(actions, []);
  assert.match(out, /8 lines: 7 refused/);
});

test('a line nested deeper than anything could be is refused and harms nobody else', async (t) => {
  const deep = `${'['.repeat(15_000)}${']'.repeat(15_000)}`;
  const { code, summary, rows, decisions } = await replay(t, [
    line('u1', 'add_to_cart', `${DAY}10:00:00Z`).replace(/}$/, `,"properties":{"x":${deep}}}`),
    line('u1', 'purchase', `${DAY}10:00:00Z`),
  ]);
  assert.equal(code, 0);
  assert.match(rows('dead-letters.jsonl')[0].message, /nested deeper than 100 levels/);
  assert.equal(summary.fired, 1);
  assert.deepEqual(shortOf(decisions), [`${DAY}10:00:00.000Z u1 bought`]);
});

test('a repeated message is counted as a duplicate and decides nothing', async (t) => {
  const purchase = line('u1', 'purchase', `${DAY}10:00:00Z`);
  const { summary, decisions } = await replay(t, [purchase, purchase]);
  assert.deepEqual(shortOf(decisions), [`${DAY}10:00:00.000Z u1 bought`]);
  assert.equal(summary.input.duplicates, 1);
});

test('a file in order of arrival keeps its late events, which are listed with the rules that missed them', async (t) => {
  const many = Array.from({ length: 9 }, (_, i) => line('u9', 'view', `${DAY}10:0${i}:00Z`));
  const { summary, rows, decisions } = await replay(t, [
    line('u1', 'add_to_cart', `${DAY}10:00:00Z`),
    ...many,
    line('u1', 'purchase', `${DAY}09:59:00Z`),
  ]);
  assert.equal(summary.input.order, 'arrival');
  assert.deepEqual(
    rows('late.jsonl').map(({ entity, rules }: { entity: string; rules: string[] }) => ({ entity, rules })),
    [{ entity: 'user/u1', rules: ['cart'] }],
  );
  assert.deepEqual(shortOf(decisions), ['2026-01-01T09:59:00.000Z u1 bought']);
});

test('a file that is not in order of arrival is replayed by event time', async (t) => {
  const user = (id: string) => [
    line(id, 'add_to_cart', `${DAY}10:00:00Z`),
    line(id, 'purchase', `${DAY}12:00:00Z`),
    line(id, 'view', '2026-02-01T00:00:00Z'),
  ];
  const lines = ['u1', 'u2', 'u3', 'u4'].flatMap(user);
  const { summary, decisions } = await replay(t, lines);
  assert.equal(summary.input.order, 'time');
  assert.deepEqual(
    decisions.map(({ rule }: { rule: string }) => rule),
    ['bought', 'bought', 'bought', 'bought'],
  );
  const asItStands = await replay(t, lines, '--order', 'arrival');
  assert.equal(asItStands.summary.input.order, 'arrival');
});

test('--from and --to cut a period out, by event time', async (t) => {
  const lines = [10, 11, 12].map((hour) => line('u1', 'purchase', `${DAY}${hour}:00:00Z`));
  const { decisions, summary } = await replay(t, lines, '--from', `${DAY}11:00:00Z`, '--to', `${DAY}12:00:00Z`);
  assert.deepEqual(shortOf(decisions), ['2026-01-01T11:00:00.000Z u1 bought']);
  assert.equal(summary.input.outsidePeriod, 2);
  assert.equal(summary.input.lines, 3);
});

test('packed files give the same bytes as plain ones, and a second run the same as the first', async (t) => {
  const lines = Array.from({ length: 50 }, (_, i) =>
    line(`u${i % 7}`, i % 3 ? 'add_to_cart' : 'purchase', `${DAY}10:00:${10 + i}Z`),
  );
  const { folder, read, decisions, actions } = await replay(t, lines, '--advance-to', 'end');
  const plain = readFileSync(join(folder, 'events.jsonl'));
  writeFileSync(join(folder, 'events.jsonl.gz'), gzipSync(plain));
  writeFileSync(join(folder, 'events.jsonl.zst'), zstdCompressSync(plain));
  const first = ['decisions.jsonl', 'actions.jsonl', 'summary.json', 'report.html'].map(read);
  assert.deepEqual([decisions.length, actions.length], [22, 10]);
  for (const file of ['events.jsonl', 'events.jsonl.gz', 'events.jsonl.zst']) {
    const words = ['--rules', 'rules', '--events', file, '--out', 'out', '--now', NOW, '--advance-to', 'end'];
    assert.equal((await run(['backtest', ...words], [backtestCommand], folder)).code, 0);
    assert.deepEqual(
      ['decisions.jsonl', 'actions.jsonl', 'summary.json', 'report.html'].map(outOf(folder).read),
      first,
    );
  }
});

test('CSV needs a mapping, and with one its rows are events', async (t) => {
  const folder = folderWith(t, {
    'r.yaml': RULES,
    'events.csv':
      'who,what,when,plan\nu1,purchase,2026-01-01 10:00:00,pro\nu1,purchase\nu2,purchase,2026-01-01 11:00:00,free\n',
    'map.yaml':
      'format: csv\ncolumns: { userId: who, event: what, timestamp: when, messageId: null }\ntimestampFormat: "YYYY-MM-DD HH:mm:ss"\nproperties: [plan]\n',
  });
  const words = ['backtest', '--rules', 'r.yaml', '--events', 'events.csv', '--out', 'out', '--now', NOW];
  const without = await run(words, [backtestCommand], folder);
  assert.equal(without.code, 2);
  assert.match(without.err, /--mapping/);
  const ran = await run([...words, '--mapping', 'map.yaml'], [backtestCommand], folder);
  assert.equal(ran.code, 0);
  assert.deepEqual(shortOf(outOf(folder).decisions), [
    '2026-01-01T10:00:00.000Z u1 bought',
    '2026-01-01T11:00:00.000Z u2 bought',
  ]);
  assert.deepEqual(
    outOf(folder)
      .rows('dead-letters.jsonl')
      .map(({ line: at }: { line: number }) => at),
    [3],
  );
});

test('digests are counted apart from what fired', async (t) => {
  const folder = folderWith(t, {
    'r.yaml':
      '{ id: news, when: { event: commented }, then: [{ send: { channel: webhook, digest: { window: 1h } } }] }',
    'e.jsonl': [1, 2, 3].map((n) => `${line('u1', 'commented', `${DAY}10:0${n}:00Z`)}\n`).join(''),
  });
  const words = ['--rules', 'r.yaml', '--events', 'e.jsonl', '--out', 'out', '--now', NOW, '--advance-to', 'end'];
  const { code, out } = await run(['backtest', ...words], [backtestCommand], folder);
  assert.equal(code, 0);
  const { summary, decisions, actions } = outOf(folder);
  const { fired, digests, suppressed } = summary;
  assert.deepEqual([fired, digests, suppressed, decisions.length, actions.length], [3, 1, 0, 4, 1]);
  assert.equal(summary.rules.news.digests, 1);
  assert.match(out, /^news +3 +0 +digests sent: 1$/m);
});

test('rules with mistakes, a missing file and a folder that cannot be written each end with what to do', async (t) => {
  const folder = folderWith(t, {
    'bad.yaml': 'id: a\nwhen: { evnt: x }\n',
    'good.yaml': RULES,
    'e.jsonl': '',
    taken: 'a file',
  });
  const backtest = (rules: string, events: string, out: string) =>
    run(['backtest', '--rules', rules, '--events', events, '--out', out], [backtestCommand], folder);
  const bad = await backtest('bad.yaml', 'e.jsonl', 'out');
  assert.equal(bad.code, 1);
  assert.match(bad.err, /TRG_RULES_INVALID[\s\S]*bad\.yaml:2:9/);
  const missing = await backtest('good.yaml', 'nowhere.jsonl', 'out');
  assert.equal(missing.code, 1);
  assert.match(missing.err, /TRG_FILE_UNREADABLE.*nowhere\.jsonl/);
  const unwritable = await backtest('good.yaml', 'e.jsonl', 'taken');
  assert.equal(unwritable.code, 1);
  assert.match(unwritable.err, /taken/);
});

test('a wrong option value is wrong usage', async (t) => {
  const folder = folderWith(t, { 'r.yaml': RULES, 'e.jsonl': '' });
  mkdirSync(join(folder, 'out'));
  for (const words of [
    ['--from', 'monday'],
    ['--order', 'random'],
    ['--format', 'markdown'],
  ]) {
    const all = ['backtest', '--rules', 'r.yaml', '--events', 'e.jsonl', '--out', 'out', ...words];
    assert.equal((await run(all, [backtestCommand], folder)).code, 2);
  }
  assert.equal((await run(['backtest', '--rules', 'r.yaml'], [backtestCommand], folder)).code, 2);
});
