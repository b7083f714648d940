import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { backtest } from '../../../apps/cli/commands/backtest.ts';
import { explain } from '../../../apps/cli/commands/explain.ts';
import { test as testCommand } from '../../../apps/cli/commands/test.ts';
import { folderWith, type Ran, run } from './kit.ts';

function message(event: string, second: number, more: object = {}): string {
  const timestamp = `2026-01-01T10:00:0${second}.000Z`;
  return JSON.stringify({ type: 'track', messageId: `m${second}`, userId: 'u1', event, timestamp, ...more });
}

function replay(t: TestContext, files: Readonly<Record<string, string>>, ...words: string[]): Promise<Ran> {
  const folder = folderWith(t, files);
  const line = ['backtest', '--rules', 'rules', '--events', 'e.jsonl', '--out', 'out', ...words];
  return run(line, [backtest], folder);
}

const WITH_PRODUCTS = {
  'tripline.yaml': 'rules: ./rules\nentities:\n  product: { id: properties.product }\n',
  'rules/viewed.yaml': 'id: viewed\nentity: product\nwhen: { event: view }\n',
};

test('an event of a user and a product for which only one of them has a rule is not one that no rule asks for', async (t) => {
  const events = [message('view', 1, { properties: { product: 'p1' } }), message('pay', 2)].join('\n');
  const { out } = await replay(t, { ...WITH_PRODUCTS, 'e.jsonl': events }, '--json');
  const { fired, input } = JSON.parse(out);
  assert.equal(fired, 1);
  assert.equal(input.unasked, 1);
});

test('an event of two entities that nobody asks for is one, and one that comes again is one duplicate', async (t) => {
  const other = message('pay', 1, { properties: { product: 'p1' } });
  const seen = message('view', 2, { properties: { product: 'p1' } });
  const both = { ...WITH_PRODUCTS, 'rules/too.yaml': 'id: too\nwhen: { event: view }\n' };
  const { out } = await replay(t, { ...both, 'e.jsonl': [other, seen, seen].join('\n') }, '--json');
  const { fired, input } = JSON.parse(out);
  assert.equal(fired, 2);
  assert.equal(input.unasked, 1);
  assert.equal(input.duplicates, 1);
});

const FAILING = 'id: big\nwhen: { event: pay, where: event.properties.value > 50 }\n';

test('a backtest names the expressions that failed, how often, and why', async (t) => {
  const events = [message('pay', 1), message('pay', 2, { properties: { value: 'x' } }), message('pay', 3)].join('\n');
  const files = { 'rules/big.yaml': FAILING, 'e.jsonl': events };
  const { out } = await replay(t, files);
  assert.match(
    out,
    /big: failed 3 times, and counted as false or as no value: event\.properties\.value > 50 {2}\(first: No such key: value\)/,
  );
  const { rules } = JSON.parse((await replay(t, files, '--json')).out);
  assert.equal(rules.big.failedExpressions, 3);
  assert.deepEqual(rules.big.failures, [
    { expression: 'event.properties.value > 50', times: 3, reason: 'No such key: value' },
  ]);
});

test('a test whose expression failed says so, whether it passed or not', async (t) => {
  const tests = (expected: string): string =>
    `tests:\n  - name: without a value\n    given: [{ user: u1, event: pay, at: 2026-01-01T10:00:00Z }]\n    expect: ${expected}\n`;
  for (const [expected, word] of [
    ['[]', 'ok'],
    ['[{ user: u1, at: 2026-01-01T10:00:00Z, outcome: fired }]', 'FAIL'],
  ] as const) {
    const folder = folderWith(t, { 'rules/big.yaml': FAILING + tests(expected) });
    const { out, err } = await run(['test', 'rules'], [testCommand], folder);
    assert.match(out, new RegExp(`^${word}`));
    const said = word === 'ok' ? err : out;
    assert.match(
      said,
      /big: an expression failed, and counted as false or as no value: event\.properties\.value > 50 {2}\(No such key: value\)/,
    );
  }
});

test('of an `at` whose date is a number, explain says what it read, and how to write it', async (t) => {
  const folder = folderWith(t, {
    'tripline.yaml': 'rules: ./rules\n',
    'rules/trial.yaml': 'id: trial\nwhen: { at: { event: sub, as: s, date: s.properties.end, before: 3d } }\n',
    'e.jsonl': [
      message('sub', 1, { properties: { end: 1769904000 } }),
      message('sub', 2, { properties: { end: 1769904000123 } }),
    ].join('\n'),
  });
  const words = ['explain', '--rule', 'trial', '--user', 'u1', '--events', 'e.jsonl'];
  const { out } = await run(words, [explain], folder);
  assert.match(
    out,
    /sub \(m1\) {2}does not count: an expression failed\n {4}s\.properties\.end {2}is 1769904000: the date must be a time, and this is a number: of seconds since 1970 write timestamp\(int\(…\)\)/,
  );
  assert.match(out, /is 1769904000123: .* of milliseconds since 1970 write timestamp\(int\(… \/ 1000\)\)/);
});
