// `tripline reviews`, on the log of a stopped worker; on a running one in test/apps/worker/reviews.test.ts.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { reviews as reviewsCommand } from '../../../apps/cli/commands/reviews.ts';
import { openEmbeddedLog } from '../../../connectors/logs/embedded/index.ts';
import { systemClock } from '../../../lib/clock.ts';
import { decodeCommand } from '../../../schemas/commands.ts';
import { readTopic } from '../../../services/topics/read-topic.ts';
import { folderWith, run } from './kit.ts';
import { linesOf, openShop, START, track } from './shop-project.ts';

const FILES = {
  'tripline.yaml':
    'application: shop\ndataDir: ./data\nlog: { partitions: 2 }\nsources: [{ topic: events.shop, keyed: true }]\ndeliveredElsewhere: [webhook]\nvalidFor: { operational: forever, marketing: forever }\n',
  // Longer than this test's events are old.
  'rules/r.yaml': `id: gated
when: { event: x }
review: { if: event.properties.amount > 100, atMost: 9999d, note: Is it he? }
then: [{ send: { channel: webhook, data: { text: '"hello"' } } }]
---
id: stepped
when: { event: y }
then:
  - send: { channel: webhook, data: { text: '"before"' } }
  - name: look
    review: { atMost: 9999d, onTimeout: approve, note: Look well }
  - name: after
    send: { channel: webhook, data: { text: event.properties.text } }
---
id: past
when: { event: x }
review: { if: "true", atMost: 1h }
`,
};

const at = (ms: number): string => new Date(START + ms).toISOString();
const reviews = (folder: string, ...words: string[]) => run(['reviews', ...words], [reviewsCommand], folder);

/** u1's decision waits, u2's flow does; what belongs to the rule "past" is past its time by this machine's clock. */
async function stoppedShop(t: TestContext): Promise<string> {
  const folder = folderWith(t, FILES);
  const shop = await openShop(t, folder);
  await shop.pipe('events.shop', track('u1', 'x', START, { amount: 200 }), track('u2', 'y', START + 1, { text: 'hi' }));
  await shop.pipe('events.shop', track('u3', 'x', START + 2, { amount: 5 }));
  await shop.run();
  await shop.close();
  return folder;
}

async function waiting(folder: string, ...words: string[]) {
  return linesOf((await reviews(folder, 'list', '--json', ...words)).out);
}

async function commandsIn(folder: string) {
  const log = await openEmbeddedLog({ dir: join(folder, 'data/log'), clock: systemClock });
  const found: unknown[] = [];
  for await (const { key, value } of readTopic(log, 'shop-commands')) {
    found.push([String(Buffer.from(key!)), decodeCommand(value!)]);
  }
  await log.close();
  return found as [string, Readonly<Record<string, unknown>>][];
}

test('what waits is listed: since and until when, the note, what was seen, what would be sent; not what is past its time', async (t) => {
  const folder = await stoppedShop(t);
  const all = await waiting(folder);
  assert.deepEqual(
    all.map(({ rule, kind, entity, since }) => [rule, kind, entity, since]),
    [
      ['gated', 'decision', { type: 'user', id: 'u1' }, at(0)],
      ['stepped', 'flow', { type: 'user', id: 'u2' }, at(1)],
    ],
  );
  const [gated, stepped] = all;
  assert.deepEqual([gated.until, gated.onTimeout, gated.note], [at(9_999 * 86_400_000), 'reject', 'Is it he?']);
  assert.deepEqual(gated.values, { 'event.properties.amount': 200 });
  assert.deepEqual(gated.sends, [
    { step: 0, name: null, channels: ['webhook'], template: null, data: { text: '"hello"' } },
  ]);
  assert.deepEqual(
    [stepped.until, stepped.onTimeout, stepped.note],
    [at(1 + 9_999 * 86_400_000), 'approve', 'Look well'],
  );
  assert.deepEqual(stepped.step, { number: 1, name: 'look' });
  assert.deepEqual(stepped.sends, [
    { step: 2, name: 'after', channels: ['webhook'], template: null, data: { text: 'event.properties.text' } },
  ]);
  assert.deepEqual(await waiting(folder, '--rule', 'stepped'), [stepped]);
  const text = (await reviews(folder, 'list', '--rule', 'gated')).out;
  assert.match(text, /^[0-9a-f]{32} {2}gated {2}user\/u1\n {2}since .*, until .*, then reject\n {2}note: Is it he\?\n/);
  assert.match(text, / {2}would send webhook \{"text":"\\"hello\\""\}\n$/);
  const none = await reviews(folder, 'list', '--rule', 'past');
  assert.deepEqual([none.code, none.out, none.err], [0, '', 'nothing waits for a person\n']);
});

test('an answer is a command of the entity, and what is answered waits no more: a second one says so', async (t) => {
  const folder = await stoppedShop(t);
  const [gated, stepped] = await waiting(folder);
  const said = await reviews(folder, 'reject', gated.id, '--by', 'ann', '--note', 'not he');
  assert.deepEqual([said.code, said.out], [0, `rejected: gated  user/u1  (${gated.id})\n`], said.err);
  writeFileSync(join(folder, 'data.json'), '{ "text": "hey" }');
  assert.equal((await reviews(folder, 'edit', stepped.id, '--by', 'bob', '--data', 'data.json')).code, 0);
  assert.deepEqual(await waiting(folder), []);
  for (const id of [gated.id, stepped.id, 'another']) {
    const { code, err } = await reviews(folder, 'approve', id, '--by', 'ann');
    assert.equal(code, 1);
    assert.match(err, /TRG_REVIEW_NOT_WAITING/);
  }
  const commands = (await commandsIn(folder)).map(([key, { at: _, ...command }]) => [key, command]);
  assert.deepEqual(commands.toSorted(), [
    ['u1', { kind: 'answer', of: gated.id, verdict: 'reject', data: {}, by: 'ann', note: 'not he' }],
    ['u2', { kind: 'answer', of: stepped.id, verdict: 'edit', data: { text: 'hey' }, by: 'bob' }],
  ]);
});

test('what is assigned is shown with whom once its task has read it, and waits on', async (t) => {
  const folder = await stoppedShop(t);
  const [gated, stepped] = await waiting(folder);
  for (const { id } of [gated, stepped]) {
    const { code, err } = await reviews(folder, 'assign', id, '--to', 'bob', '--by', 'ann');
    assert.equal(code, 0, err);
  }
  const shop = await openShop(t, folder);
  await shop.clock.advance(Date.now() - shop.clock.now() + 60_000);
  await shop.pipe('events.shop', track('u1', 'z', shop.clock.now()), track('u2', 'z', shop.clock.now()));
  await shop.run();
  await shop.close();
  const assigned = (await waiting(folder)).map((each) => [each.id, each.assigned?.to, each.assigned?.by]);
  assert.deepEqual(assigned, [
    [gated.id, 'bob', 'ann'],
    [stepped.id, 'bob', 'ann'],
  ]);
  assert.match((await reviews(folder, 'list', '--rule', 'stepped')).out, / {2}assigned to bob by ann, /);
});

test('what was answered, or stopped, waits no more once that is decided, and another match of the same rule waits on', async (t) => {
  const folder = folderWith(t, {
    ...FILES,
    'rules/r.yaml': 'id: gated\nwhen: { event: x }\nstopOn: [stop]\nreview: { if: "true", atMost: 9999d }\n',
  });
  const shop = await openShop(t, folder);
  await shop.pipe('events.shop', track('u1', 'x', START), track('u1', 'x', START + 1), track('u2', 'x', START + 2));
  await shop.run();
  await shop.clock.advance(60_000);
  await shop.pipe('events.shop', track('u2', 'stop', START + 60_000));
  await shop.run();
  await shop.clock.advance(60_000);
  await shop.pipe('events.shop', track('u2', 'later', START + 120_000));
  await shop.run();
  await shop.close();
  const all = await waiting(folder);
  assert.deepEqual(
    all.map(({ entity, since }) => [entity.id, since]),
    [
      ['u1', at(0)],
      ['u1', at(1)],
    ],
  );
  assert.equal((await reviews(folder, 'approve', all[0].id, '--by', 'ann')).code, 0);
  assert.deepEqual(await waiting(folder), [all[1]]);
});

test('options have their places, and what is needed is asked for', async (t) => {
  const folder = folderWith(t, FILES);
  for (const [words, message] of [
    [[], /say which: list or approve/],
    [['aprove', 'x'], /approve/],
    [['approve', '--by', 'ann'], /name the id/],
    [['approve', 'x'], /--by is needed/],
    [['approve', 'x', '--by', ''], /--by is empty/],
    [['approve', 'x', '--by', 'ann', '--data', '{}'], /takes no --data/],
    [['edit', 'x', '--by', 'ann'], /--data is needed/],
    [['edit', 'x', '--by', 'ann', '--data', '{ no'], /no JSON object/],
    [['assign', 'x', '--by', 'ann'], /--to is needed/],
    [['list', 'x'], /takes no "x"/],
    [['list', '--by', 'ann'], /takes no --by/],
    [['reject', 'x', 'y', '--by', 'ann'], /takes no "y"/],
  ] as const) {
    const { code, err } = await reviews(folder, ...words);
    assert.equal(code, 2, words.join(' '));
    assert.match(err, message);
  }
  const missing = await reviews(folder, 'edit', 'x', '--by', 'ann', '--data', 'none.json');
  assert.match(missing.err, /TRG_FILE_UNREADABLE/);
});
