// `tripline flows`, on the log of a stopped worker; on a running one in test/services/operations.test.ts.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { flows as flowsCommand } from '../../../apps/cli/commands/flows.ts';
import { state as stateCommand } from '../../../apps/cli/commands/state.ts';
import { folderWith, run } from './kit.ts';
import { linesOf, openShop, START, track } from './shop-project.ts';

const HOUR = 3_600_000;
const FILES = {
  'tripline.yaml':
    'application: shop\ndataDir: ./data\nlog: { partitions: 2 }\nsources: [{ topic: events.shop, keyed: true }]\ndeliveredElsewhere: [webhook]\nvalidFor: { operational: forever, marketing: forever }\n',
  'rules/r.yaml': `id: slow
when: { event: x }
goal: { event: bought }
then:
  - name: first
    wait: 10h
  - waitFor: { event: [clicked, opened], atMost: 5h }
---
id: held
when: { event: y }
holdout: 100%
goal: { event: bought, within: 9h }
then: [{ wait: 1h }]
`,
};

const at = (hours: number): string => new Date(START + hours * HOUR).toISOString();

/** u1 waits at the second step, u2 reached the goal, u3 has just begun. */
async function stoppedShop(t: TestContext): Promise<string> {
  const folder = folderWith(t, FILES);
  const shop = await openShop(t, folder);
  await shop.pipe('events.shop', track('u1', 'x', START), track('u2', 'x', START + 1));
  await shop.run();
  await shop.clock.advance(HOUR);
  await shop.pipe('events.shop', track('u2', 'bought', START + HOUR));
  await shop.run();
  await shop.clock.advance(10 * HOUR);
  await shop.run();
  await shop.pipe('events.shop', track('u3', 'x', START + 11 * HOUR));
  await shop.run();
  await shop.close();
  return folder;
}

const flows = (folder: string, ...words: string[]) => run(['flows', ...words], [flowsCommand], folder);

test('of a rule: those that live with where they wait, for what and until when, and how the others ended', async (t) => {
  const folder = await stoppedShop(t);
  const { code, out, err } = await flows(folder, '--rule', 'slow', '--json');
  assert.equal(code, 0, err);
  const all = linesOf(out);
  assert.deepEqual(
    all.map(({ entity, startedAt, ended }) => [entity.id, startedAt, ended?.reason ?? null]),
    [
      ['u1', at(0), null],
      ['u2', new Date(START + 1).toISOString(), 'goal'],
      ['u3', at(11), null],
    ],
  );
  assert.deepEqual(all[0].step, {
    number: 1,
    name: null,
    words: 'wait for clicked or opened, at most 5h',
    waitsFor: 'clicked or opened',
    since: at(10),
    until: at(15),
  });
  assert.deepEqual([all[2].step.name, all[2].step.words, all[2].step.until], ['first', 'wait 10h', at(21)]);
  assert.deepEqual(all[1].ended, { at: at(1), reason: 'goal', by: null });
  const waiting = await flows(folder, '--rule', 'slow', '--waiting', '--json');
  assert.deepEqual(
    linesOf(waiting.out).map(({ entity }) => entity.id),
    ['u1', 'u3'],
  );
  const text = (await flows(folder, '--rule', 'slow')).out;
  assert.match(text, new RegExp(`^slow {2}user/u1 {2}began ${at(0)} {2}\\([0-9a-f]{32}\\)\n`));
  assert.match(
    text,
    new RegExp(`  at step 1 \\(wait for clicked or opened, at most 5h\\) since ${at(10)}, until ${at(15)}\n`),
  );
  assert.match(text, / {2}waits for clicked or opened\n/);
  assert.match(text, new RegExp(` {2}ended ${at(1)} {2}goal\n`));
});

test('of a user: from the document what lives, as state inspect shows it, and from the log what has ended', async (t) => {
  const folder = await stoppedShop(t);
  const one = linesOf((await flows(folder, '--user', 'u1', '--json')).out);
  const ofRule = linesOf((await flows(folder, '--rule', 'slow', '--waiting', '--json')).out);
  assert.deepEqual(one, [ofRule[0]]);
  const document = linesOf((await run(['state', 'inspect', '--user', 'u1', '--json'], [stateCommand], folder)).out)[0];
  assert.deepEqual(document.flows, one);
  const ended = linesOf((await flows(folder, '--entity', 'user/u2', '--json')).out);
  assert.deepEqual(
    ended.map(({ ended: end }) => end.reason),
    ['goal'],
  );
  const none = await flows(folder, '--user', 'u2', '--waiting');
  assert.deepEqual([none.code, none.out, none.err], [1, '', 'there is no such flow\n']);
  assert.equal((await flows(folder, '--user', 'u1', '--rule', 'held')).code, 1);
});

test('a cancellation is written for the flows that live, and says for how many', async (t) => {
  const folder = await stoppedShop(t);
  const none = await flows(folder, 'cancel', '--rule', 'slow', '--user', 'u2');
  assert.deepEqual([none.code, none.out], [1, 'flows of slow cancelled: 0\n']);
  const one = await flows(folder, 'cancel', '--rule', 'slow', '--user', 'u1', '--by', 'ann', '--json');
  assert.deepEqual([one.code, one.out], [0, '{"cancelled":1}\n'], one.err);
  // Until its task has read the command, it lives.
  assert.equal((await flows(folder, 'cancel', '--rule', 'slow', '--all')).out, 'flows of slow cancelled: 2\n');
  assert.equal((await flows(folder, 'cancel', '--rule', 'held', '--all')).code, 1);
});

test('whom it is about is said once, names are known, and options have their places', async (t) => {
  const folder = await stoppedShop(t);
  for (const words of [
    [],
    ['--user', 'u1', '--entity', 'user/u1'],
    ['--entity', 'u1'],
    ['--rule', 'slow', '--all'],
    ['--rule', 'slow', '--by', 'ann'],
    ['cancel', '--user', 'u1'],
    ['cancel', '--rule', 'slow'],
    ['cancel', '--rule', 'slow', '--all', '--user', 'u1'],
    ['cancel', '--rule', 'slow', '--all', '--waiting'],
    ['canel', '--rule', 'slow', '--all'],
    ['cancel', '--rule', 'slow', '--all', '--by', 'x'.repeat(201)],
  ]) {
    assert.equal((await flows(folder, ...words)).code, 2, words.join(' '));
  }
  for (const words of [
    ['--rule', 'slo'],
    ['--entity', 'usr/u1'],
    ['cancel', '--rule', 'slo', '--all'],
  ]) {
    const { code, err } = await flows(folder, ...words);
    assert.equal(code, 1);
    assert.match(err, /TRG_NAME_UNKNOWN/);
  }
});
