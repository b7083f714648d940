// `tripline explain` of a rule whose decisions begin flows: each step of them, and where they stand.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { explain as explainCommand } from '../../../apps/cli/commands/explain.ts';
import type { ExplainedFlowStep, Explanation } from '../../../services/explain/explanation.ts';
import { folderWith, run } from './kit.ts';
import { identify, openShop, START, track } from './shop-project.ts';

const HOUR = 3_600_000;
const FILES = {
  'tripline.yaml':
    'application: shop\ndataDir: ./data\nlog: { partitions: 2 }\nsources: [{ topic: events.shop, keyed: true }]\ndeliveredElsewhere: [webhook]\nvalidFor: { operational: forever, marketing: forever }\n',
  'rules/r.yaml': `id: slow
when: { event: x }
goal: { event: bought, within: 20h }
stopOn: closed
then:
  - name: first
    send: { channel: webhook, if: profile.plan != "free" }
  - wait: 10h
  - name: answer
    waitFor: { event: clicked, atMost: 5h }
  - wait: 100h
`,
};

const at = (hours: number): string => new Date(START + hours * HOUR).toISOString();

/** u1 clicked and waits at the last step; u2 bought after three hours. */
async function shop(t: TestContext): Promise<string> {
  const folder = folderWith(t, FILES);
  const driver = await openShop(t, folder);
  const steps = [
    [0, identify('u1', START, { plan: 'free' }), track('u1', 'x', START), track('u2', 'x', START)],
    [3, track('u2', 'bought', START + 3 * HOUR)],
    [12, track('u1', 'clicked', START + 12 * HOUR), track('u1', 'page', START + 12 * HOUR)],
    [13],
  ] as const;
  let now = 0;
  for (const [hours, ...records] of steps) {
    await driver.clock.advance((hours - now) * HOUR);
    now = hours;
    await driver.run();
    await driver.pipe('events.shop', ...records);
    await driver.run();
  }
  await driver.close();
  return folder;
}

async function explained(folder: string, ...words: string[]): Promise<Explanation> {
  const { code, out, err } = await run(['explain', '--rule', 'slow', ...words, '--json'], [explainCommand], folder);
  assert.equal(code, 0, err);
  return JSON.parse(out);
}

const flowStepsOf = ({ steps }: Explanation) => steps.filter((step): step is ExplainedFlowStep => step.kind === 'flow');

test('each step of a flow is told with its time: what was skipped and why, what it waited for and until when', async (t) => {
  const explanation = await explained(await shop(t), '--user', 'u1');
  assert.deepEqual(
    flowStepsOf(explanation).map(({ at: time, what, step, reason, detail, until, waitsFor }) => [
      time,
      what,
      step?.number ?? null,
      step?.words ?? null,
      detail ?? reason,
      until,
      waitsFor,
    ]),
    [
      [at(0), 'entered', null, null, null, null, null],
      [at(0), 'skipped', 0, 'send webhook', 'its own condition was false: profile.plan != "free"', null, null],
      [at(0), 'waiting', 1, 'wait 10h', null, at(10), null],
      [at(10), 'waiting', 2, 'wait for clicked, at most 5h', null, at(15), 'clicked'],
      [at(12), 'waiting', 3, 'wait 100h', null, at(112), null],
    ],
  );
  const [decision] = explanation.steps.filter((step) => step.kind === 'decision');
  assert.ok(flowStepsOf(explanation).every(({ flow }) => flow === decision!.id));
  const events = explanation.steps.flatMap((step) => (step.kind === 'event' ? [[step.event, step.verdict]] : []));
  assert.deepEqual(events, [
    ['identify', 'name'],
    ['x', 'counted'],
    ['clicked', 'flow'],
    ['page', 'name'],
  ]);
});

test('where a flow stands is told with what would end it before; of one that ended, why', async (t) => {
  const folder = await shop(t);
  const one = await explained(folder, '--user', 'u1');
  assert.equal(one.flows.length, 1);
  const [{ step, endsBy }] = one.flows as [Explanation['flows'][number]];
  assert.deepEqual([step.number, step.since, step.until], [3, at(12), at(112)]);
  assert.deepEqual(endsBy, ['goal: bought within 20h', 'stopOn: closed']);
  const earlier = await explained(folder, '--user', 'u1', '--at', at(11));
  assert.deepEqual(
    earlier.flows.map(({ step: { name, waitsFor } }) => [name, waitsFor]),
    [['answer', 'clicked']],
  );
  const other = await explained(folder, '--user', 'u2');
  assert.deepEqual(other.flows, []);
  assert.deepEqual(
    flowStepsOf(other)
      .slice(-2)
      .map(({ at: time, what, reason, detail }) => [time, what, reason, detail]),
    [
      [at(3), 'goal', null, null],
      [at(3), 'ended', 'goal', 'its goal was reached'],
    ],
  );
});

test('in words a flow is a line a step, and its standing is below', async (t) => {
  const folder = await shop(t);
  const { out } = await run(['explain', '--rule', 'slow', '--user', 'u1'], [explainCommand], folder);
  for (const line of [
    `${at(0)}  FLOW  begins`,
    `${at(0)}  FLOW  step 0 "first" (send webhook): skipped, condition: its own condition was false: profile.plan != "free"`,
    `${at(10)}  FLOW  step 2 "answer" (wait for clicked, at most 5h): waits until ${at(15)}, for clicked`,
    '    ended before by goal: bought within 20h',
  ]) {
    assert.ok(out.split('\n').includes(line), `${line}\n${out}`);
  }
  assert.match(out, new RegExp(`^  flow [0-9a-f]{32} waits at step 3 \\(wait 100h\\) until ${at(112)}$`, 'm'));
});

test('a file of events tells the same, and a flow of before the rule changed is told by its records', async (t) => {
  const folder = await shop(t);
  const lines = [
    ['x', 0],
    ['clicked', 12],
  ].map(([event, hours], place) =>
    JSON.stringify({ type: 'track', messageId: `f${place}`, userId: 'u1', event, timestamp: at(hours as number) }),
  );
  writeFileSync(join(folder, 'events.jsonl'), `${lines.join('\n')}\n`);
  const ofFile = await explained(folder, '--user', 'u1', '--events', 'events.jsonl');
  assert.deepEqual(
    flowStepsOf(ofFile).map(({ what, step }) => [what, step?.number ?? null]),
    [
      ['entered', null],
      ['sent', 0],
      ['waiting', 1],
      ['waiting', 2],
      ['waiting', 3],
    ],
  );
  writeFileSync(join(folder, 'rules', 'r.yaml'), 'id: slow\nwhen: { event: never }\n');
  const changed = await explained(folder, '--user', 'u1');
  assert.deepEqual(
    flowStepsOf(changed).map(({ what, step }) => [what, step?.name ?? null, step?.words ?? null]),
    [
      ['entered', null, null],
      ['skipped', 'first', null],
      ['waiting', null, null],
      ['waiting', 'answer', null],
      ['waiting', null, null],
    ],
  );
});
