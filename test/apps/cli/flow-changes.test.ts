// What `tripline rules diff` and `tripline check` say of flows that wait when their rule changes.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { check as checkCommand } from '../../../apps/cli/commands/check.ts';
import { rules as rulesCommand } from '../../../apps/cli/commands/rules.ts';
import { folderWith, run } from './kit.ts';
import { linesOf, openShop, START, track } from './shop-project.ts';

const HOUR = 3_600_000;
const CONFIG =
  'application: shop\ndataDir: ./data\nlog: { partitions: 2 }\nsources: [{ topic: events.shop, keyed: true }]\ndeliveredElsewhere: [webhook]\nvalidFor: { operational: forever, marketing: forever }\n';
const SEND = '{ send: { channel: webhook } }';
const RULE = ruleWith(`[{ name: first, wait: 10h }, { name: second, wait: 20h }, { wait: 30h }, ${SEND}]`);
const OTHER = '---\nid: other\nwhen: { event: y }\n';

function ruleWith(steps: string, more = ''): string {
  return `id: slow\nwhen: { event: x }\n${more}then: ${steps}\n`;
}

/** Published, with u1 at the second step, u2 and u3 at the first. */
async function shop(t: TestContext): Promise<string> {
  const folder = folderWith(t, { 'tripline.yaml': CONFIG, 'rules/r.yaml': `${RULE}${OTHER}` });
  const driver = await openShop(t, folder);
  await driver.run();
  await driver.pipe('events.shop', track('u1', 'x', START));
  await driver.run();
  await driver.clock.advance(11 * HOUR);
  await driver.pipe('events.shop', track('u2', 'x', START + 11 * HOUR), track('u3', 'x', START + 11 * HOUR));
  await driver.run();
  await driver.close();
  const { code, err } = await run(['rules', 'publish'], [rulesCommand], folder);
  assert.equal(code, 0, err);
  return folder;
}

const diff = (folder: string, ...words: string[]) => run(['rules', 'diff', ...words], [rulesCommand], folder);
const change = (folder: string, text: string): void => writeFileSync(join(folder, 'rules', 'r.yaml'), text);

interface StepChange {
  readonly step: { readonly number: number; readonly name: string | null };
  readonly waiting: number;
  readonly becomes: string;
  readonly to: { readonly number: number } | null;
}

const shortOf = (flows: readonly StepChange[]) =>
  flows.map(({ step, waiting, becomes, to }) => [step.number, waiting, becomes, to?.number ?? null]);

test('a diff says of each step how many wait there, and where they go on', async (t) => {
  const folder = await shop(t);
  change(folder, `${ruleWith(`[{ wait: 1h }, ${SEND}, { wait: 30h }, { name: first, wait: 10h }]`)}${OTHER}`);
  const [changed, ...others] = linesOf((await diff(folder, '--json')).out);
  assert.deepEqual(others, []);
  assert.deepEqual(shortOf(changed.flows), [
    [0, 2, 'stays', 3],
    [1, 1, 'moves', 2],
    [2, 0, 'stays', 2],
  ]);
  const { out } = await diff(folder);
  for (const line of [
    '  step 0 "first" (wait 10h), 2 waiting: stay there, which is now step 3',
    '  step 1 "second" (wait 20h), 1 waiting: go on at step 2 (wait 30h) when their wait is over',
    '  step 2 (wait 30h), 0 waiting: stay there',
  ]) {
    assert.ok(out.split('\n').includes(line), out);
  }
});

test('flows end where nothing of their way is left, where the rule says so, is disabled or is gone; they finish where it says so', async (t) => {
  const folder = await shop(t);
  const steps = '[{ name: first, wait: 10h }]';
  for (const [text, expected] of [
    [
      ruleWith(steps),
      [
        [0, 2, 'stays', 0],
        [1, 1, 'ends', null],
        [2, 0, 'ends', null],
      ],
    ],
    [
      ruleWith(steps, 'inFlight: end\n'),
      [
        [0, 2, 'ends', null],
        [1, 1, 'ends', null],
        [2, 0, 'ends', null],
      ],
    ],
    [
      ruleWith(steps, 'enabled: false\n'),
      [
        [0, 2, 'ends', null],
        [1, 1, 'ends', null],
        [2, 0, 'ends', null],
      ],
    ],
    [
      ruleWith(steps, 'inFlight: finish\n'),
      [
        [0, 2, 'finishes', null],
        [1, 1, 'finishes', null],
        [2, 0, 'finishes', null],
      ],
    ],
    [
      '',
      [
        [0, 2, 'ends', null],
        [1, 1, 'ends', null],
        [2, 0, 'ends', null],
      ],
    ],
  ] as const) {
    change(folder, `${text}${OTHER}`);
    const [changed] = linesOf((await diff(folder, '--json')).out);
    assert.deepEqual(shortOf(changed.flows), expected, text);
  }
});

test('two versions are compared alike, and of a rule without steps that wait nothing is said', async (t) => {
  const folder = await shop(t);
  change(folder, `${ruleWith('[{ name: second, wait: 20h }]')}---\nid: other\nwhen: { event: z }\n`);
  await run(['rules', 'publish'], [rulesCommand], folder);
  const [other, slow] = linesOf((await diff(folder, '1', '2', '--json')).out);
  assert.deepEqual([other.rule, other.flows], ['other', []]);
  assert.deepEqual(shortOf(slow.flows), [
    [0, 2, 'moves', 0],
    [1, 1, 'stays', 0],
    [2, 0, 'ends', null],
  ]);
});

test('check says it of the rules that would be published, where their log is at hand', async (t) => {
  const folder = await shop(t);
  const check = (...words: string[]) => run(['check', ...words], [checkCommand], folder);
  assert.doesNotMatch((await check('rules')).out, /flows of/);
  change(folder, `${ruleWith('[{ name: second, wait: 20h }]')}${OTHER}`);
  const { code, out } = await check('rules');
  assert.equal(code, 0, out);
  assert.match(out, /^flows of slow, once this is published:$/m);
  assert.match(
    out,
    /^ {2}step 0 "first" \(wait 10h\), 2 waiting: go on at step 0 "second" \(wait 20h\) when their wait is over$/m,
  );
  const json = JSON.parse((await check('rules', '--json')).out);
  assert.deepEqual(
    json.flows.map(({ rule, flows }: { rule: string; flows: StepChange[] }) => [rule, flows.length]),
    [['slow', 3]],
  );
  assert.deepEqual(JSON.parse((await check('--json')).out).flows, json.flows);
  // One file is not what would be published.
  assert.deepEqual(JSON.parse((await check('rules/r.yaml', '--json')).out).flows, []);
});
