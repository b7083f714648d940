import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { decisions as decisionsCommand } from '../../../apps/cli/commands/decisions.ts';
import { openEmbeddedLog } from '../../../connectors/logs/embedded/index.ts';
import { systemClock } from '../../../lib/clock.ts';
import type { Decision } from '../../../schemas/decision.ts';
import { decisionCodec } from '../../../schemas/framed.ts';
import { folderWith, run } from './kit.ts';

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
  };
  return { id: `${rule}-${user}-${at}`, rule, entity, at, outcome, reason, ...rest };
}

/** A project whose log holds decisions; the log stays open, as under a running worker. */
async function project(t: TestContext, made: readonly Decision[]) {
  const folder = folderWith(t, { 'tripline.yaml': 'dataDir: ./data\n' });
  const log = await openEmbeddedLog({ dir: join(folder, 'data', 'log'), clock: systemClock });
  t.after(() => log.close());
  await log.admin.createTopics([{ topic: 'tripline.decisions', partitions: 2 }]);
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
  return folder;
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

test('without a log it says so', async (t) => {
  const { code, err } = await run(
    ['decisions'],
    [decisionsCommand],
    folderWith(t, { 'tripline.yaml': 'dataDir: ./none\n' }),
  );
  assert.equal(code, 1);
  assert.match(err, /TRG_FILE_UNREADABLE/);
});
