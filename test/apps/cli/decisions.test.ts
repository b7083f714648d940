import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { decisions as decisionsCommand } from '../../../apps/cli/commands/decisions.ts';
import { runCommandLine } from '../../../apps/cli/dispatch.ts';
import { openEmbeddedLog } from '../../../connectors/logs/embedded/index.ts';
import { systemClock } from '../../../lib/clock.ts';
import type { Decision } from '../../../schemas/decision.ts';
import { decisionCodec } from '../../../schemas/framed.ts';
import { until } from '../../../testing/until.ts';
import type { Log } from '../../../topology/engine/ports.ts';
import { folderWith, run } from './kit.ts';
import { linesOf } from './shop-project.ts';

const T = Date.UTC(2026, 0, 1, 10);

function decision(rule: string, user: string, at: number, reason: Decision['reason'] = null): Decision {
  const outcome = reason === null ? 'fired' : 'suppressed';
  const entity = { type: 'user', id: user };
  const rest = {
    ruleVersion: 'v1',
    events: ['m1'],
    values: { 'profile.plan': null },
    variant: null,
    flow: null,
    step: 0,
    passedOver: [],
    gathered: [],
    digest: null,
  };
  return { id: `${rule}-${user}-${at}`, rule, entity, at, outcome, reason, ...rest };
}

type Files = Readonly<Record<string, string>>;

/** A project whose log holds decisions; the log stays open, as under a running worker. */
async function projectWithLog(t: TestContext, made: readonly Decision[], files: Files = {}) {
  const folder = folderWith(t, { 'tripline.yaml': 'dataDir: ./data\n', ...files });
  const log = await openEmbeddedLog({ dir: join(folder, 'data', 'log'), clock: systemClock });
  t.after(() => log.close());
  await log.admin.createTopics([{ topic: 'tripline.decisions', partitions: 2 }]);
  await write(log, made);
  return { folder, log };
}

async function project(t: TestContext, made: readonly Decision[], files: Files = {}): Promise<string> {
  return (await projectWithLog(t, made, files)).folder;
}

async function write(log: Log, made: readonly Decision[]): Promise<void> {
  const writer = await log.openWriter('test');
  writer.send(
    made.map((each, i) => ({
      topic: 'tripline.decisions',
      partition: i % 2,
      timestamp: each.at,
      key: Buffer.from(each.entity.id),
      value: decisionCodec.encode(each),
      headers: [],
    })),
  );
  await writer.commit('test', []);
  await writer.close();
}

const MADE = [
  decision('b', 'u1', T + 1),
  decision('a', 'u2', T, 'cooldown'),
  decision('a', 'u1', T),
  decision('a', 'u1', T + 5),
];

test('decisions are read while a worker has the log open, in order of event time, entity and rule', async (t) => {
  const folder = await project(t, MADE);
  const { code, out } = await run(['decisions', '--json'], [decisionsCommand], folder);
  assert.equal(code, 0);
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ id }) => id),
    [`a-u1-${T}`, `a-u2-${T}`, `b-u1-${T + 1}`, `a-u1-${T + 5}`],
  );
  assert.deepEqual(lines[1], {
    id: `a-u2-${T}`,
    rule: 'a',
    ruleVersion: 'v1',
    entity: { type: 'user', id: 'u2' },
    at: '2026-01-01T10:00:00.000Z',
    outcome: 'suppressed',
    reason: 'cooldown',
    events: ['m1'],
    values: { 'profile.plan': null },
    variant: null,
    flow: null,
    step: 0,
  });
});

test('decisions can be narrowed to a rule, a user and a period', async (t) => {
  const folder = await project(t, MADE);
  const words = ['--rule', 'a', '--user', 'u1', '--from', '2026-01-01T10:00:00.001Z', '--to', '2026-01-01T10:00:01Z'];
  const { out } = await run(['decisions', ...words], [decisionsCommand], folder);
  assert.equal(out, '2026-01-01T10:00:00.005Z  a  user/u1  fired\n');
});

test('decisions can be narrowed to an outcome, and to the last so many', async (t) => {
  const folder = await project(t, MADE);
  const suppressed = await run(['decisions', '--outcome', 'suppressed'], [decisionsCommand], folder);
  assert.equal(suppressed.out, '2026-01-01T10:00:00.000Z  a  user/u2  suppressed (cooldown)\n');
  const last = await run(['decisions', '--limit', '2', '--json'], [decisionsCommand], folder);
  assert.deepEqual(
    linesOf(last.out).map(({ id }) => id),
    [`b-u1-${T + 1}`, `a-u1-${T + 5}`],
  );
  const none = await run(['decisions', '--outcome', 'review'], [decisionsCommand], folder);
  assert.deepEqual([none.code, none.out, none.err], [0, '', 'decisions: none\n']);
  const asJson = await run(['decisions', '--outcome', 'review', '--json'], [decisionsCommand], folder);
  assert.deepEqual([asJson.code, asJson.out, asJson.err], [0, '', '']);
});

test('a rule that nobody has is said, with what was meant; one that decided is known, also without its folder', async (t) => {
  const folder = await project(t, [...MADE, decision('cart-reminder', 'u3', T)]);
  const { code, out, err } = await run(['decisions', '--rule', 'cart-remindr'], [decisionsCommand], folder);
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /TRG_NAME_UNKNOWN there is no rule "cart-remindr"\n {2}did you mean "cart-reminder"/);
  const known = await run(['decisions', '--rule', 'cart-reminder', '--user', 'u1'], [decisionsCommand], folder);
  assert.deepEqual([known.code, known.out], [0, '']);
});

test('of a rule that stands in the folder and has decided nothing it is said that there is nothing', async (t) => {
  const folder = await project(t, MADE, { 'rules/new.yaml': 'id: new\nwhen: { event: x }\n' });
  assert.deepEqual(await run(['decisions', '--rule', 'new'], [decisionsCommand], folder), {
    code: 0,
    out: '',
    err: 'decisions: none\n',
  });
  const { code, err } = await run(['decisions', '--rule', 'neww'], [decisionsCommand], folder);
  assert.equal(code, 1);
  assert.match(err, /did you mean "new"/);
});

test('with --follow those that come are shown as they come, beside whoever writes, until it is enough', async (t) => {
  const files = { 'rules/a.yaml': 'id: a\nwhen: { event: x }\n' };
  const { folder, log } = await projectWithLog(t, MADE, files);
  const enough = new AbortController();
  let out = '';
  const following = runCommandLine(
    ['decisions', '--follow', '--rule', 'a', '--limit', '1', '--json'],
    [decisionsCommand],
    {
      stdout: { write: (text) => (out += text) },
      stderr: { write: (text) => assert.fail(text) },
      isTerminal: false,
      signal: enough.signal,
      env: {},
      folder,
    },
  );
  await until(() => out !== '', { message: 'the last one is shown' });
  await write(log, [decision('b', 'u9', T + 10), decision('a', 'u9', T + 11)]);
  await until(() => linesOf(out).length === 2, { message: 'the new one is shown' });
  enough.abort();
  assert.equal(await following, 0);
  assert.deepEqual(
    linesOf(out).map(({ id }) => id),
    [`a-u1-${T + 5}`, `a-u9-${T + 11}`],
  );
});

test('what is no outcome or number is wrong usage', async (t) => {
  const folder = await project(t, []);
  for (const words of [
    ['--outcome', 'fird'],
    ['--limit', '0'],
    ['--limit', 'many'],
    ['--limit', '1.5'],
  ]) {
    assert.equal((await run(['decisions', ...words], [decisionsCommand], folder)).code, 2, words.join(' '));
  }
});

test('without a log it says so', async (t) => {
  const { code, err } = await run(
    ['decisions'],
    [decisionsCommand],
    folderWith(t, { 'tripline.yaml': 'dataDir: ./none\n' }),
  );
  assert.equal(code, 1);
  assert.match(err, /TRG_FILE_UNREADABLE/);
});
