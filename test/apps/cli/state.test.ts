import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { state as stateCommand } from '../../../apps/cli/commands/state.ts';
import { folderWith, run } from './kit.ts';
import { identify, linesOf, openShop, PARTITIONS, START, shopFolder, track } from './shop-project.ts';

const HOUR = 3_600_000;
const state = (folder: string, ...words: string[]) => run(['state', ...words], [stateCommand], folder);

test('inspect shows of each task what it reads and keeps, while a worker has state and log open', async (t) => {
  const folder = shopFolder(t);
  const shop = await openShop(t, folder);
  await shop.pipe('events.shop', { ...track('u1', 'add_to_cart', START), partition: 0 });
  await shop.run();
  await shop.advanceWallClock(HOUR);
  await shop.pipe('events.shop', { ...track('u2', 'view', START), partition: 0 });

  const { code, out, err } = await state(folder, 'inspect', '--json');
  assert.equal(code, 0, err);
  const tasks = linesOf(out);
  assert.deepEqual(
    tasks.map(({ task }) => task),
    ['entities_0', 'entities_1'],
  );
  const [first, second] = tasks;
  const fact = (topic: string) => ({ topic, partition: 0, committed: 0, end: 0, waiting: 0 });
  assert.deepEqual(first.inputs, [
    { topic: 'events.shop', partition: 0, committed: 1, end: 2, waiting: 1 },
    fact('tripline.profiles'),
    fact('tripline.consent'),
    fact('tripline.consent-changes'),
    fact('shop-commands'),
    fact('tripline.deliveries'),
  ]);
  assert.equal(first.state.documents, 1);
  assert.ok(first.state.bytes > 50);
  assert.equal(first.state.due, 1);
  assert.equal(first.state.earliestDue, new Date(START + 24 * HOUR).toISOString());
  assert.ok(first.state.changelog.end > 0);
  assert.equal(second.state.documents, 0);
  assert.equal(second.state.earliestDue, null);
  const text = (await state(folder, 'inspect')).out;
  assert.match(text, /^entities_0 {2}stream time 2026-/);
  assert.match(text, /reads events\.shop\/0 {2}at 1 of 2, 1 waiting\n/);
  assert.match(text, /keeps documents: 1, bytes: \d+, due: 1 \(the first at 2026-01-02T00:00:00\.000Z\)\n/);
});

test('inspect --user shows profile, deadlines and buffered events, wherever the task is', async (t) => {
  const folder = shopFolder(t);
  const shop = await openShop(t, folder);
  for (let partition = 0; partition < PARTITIONS; partition++) {
    await shop.pipe(
      'events.shop',
      { ...identify(`u${partition}`, START, { plan: 'pro' }), partition },
      { ...track(`u${partition}`, 'add_to_cart', START, { sku: 's1' }), partition },
    );
  }
  await shop.run();
  await shop.advanceWallClock(HOUR);
  await shop.pipe('events.shop', { ...track('u1', 'add_to_cart', START + HOUR, { sku: 's2' }), partition: 1 });
  await shop.run();

  const { code, out, err } = await state(folder, 'inspect', '--user', 'u1', '--json');
  assert.equal(code, 0, err);
  const [document, ...rest] = linesOf(out);
  assert.deepEqual(rest, []);
  assert.deepEqual(document.entity, { type: 'user', id: 'u1' });
  assert.equal(document.task, 'entities_1');
  assert.deepEqual(document.profile, { plan: { value: 'pro', at: '2026-01-01T00:00:00.000Z' } });
  assert.equal(document.messageIds, 3);
  const [cart] = document.rules;
  assert.equal(cart.rule, 'cart');
  assert.equal(cart.known, true);
  assert.equal(cart.instances[0].deadline, '2026-01-02T00:00:00.000Z');
  assert.equal(cart.instances[0].state.clocks[0].start.event, 'add_to_cart');
  assert.equal(cart.instances[0].state.clocks[0].deadline, '2026-01-02T00:00:00.000Z');
  assert.deepEqual(
    document.buffered.map(({ event, properties }: { event: string; properties: object }) => [event, properties]),
    [['add_to_cart', { sku: 's2' }]],
  );
  assert.equal(document.dueAt, '2026-01-01T01:00:00.000Z');
  const same = await state(folder, 'inspect', '--entity', 'user/u1');
  assert.deepEqual(JSON.parse(same.out), document);
});

test('of an entity that nobody has seen it says so and fails', async (t) => {
  const folder = shopFolder(t);
  await openShop(t, folder);
  assert.deepEqual(await state(folder, 'inspect', '--user', 'nobody'), {
    code: 1,
    out: '',
    err: 'nothing is remembered of user/nobody\n',
  });
});

test('export writes each document as a line that only its owner may read', async (t) => {
  const folder = shopFolder(t);
  const shop = await openShop(t, folder);
  const users = Array.from({ length: 600 }, (_, i) => `u${String(i).padStart(3, '0')}`);
  await shop.pipe('events.shop', ...users.map((user) => track(user, 'add_to_cart', START)));
  await shop.run();
  await shop.close();
  const { code, out, err } = await state(folder, 'export', '--out', 'state.jsonl');
  assert.equal(code, 0, err);
  assert.match(out, /^documents written to .*state\.jsonl: 600\n$/);
  const file = join(folder, 'state.jsonl');
  const lines = linesOf(readFileSync(file, 'utf8'));
  assert.deepEqual(lines.map(({ entity }) => entity.id).sort(), users);
  assert.equal(statSync(file).mode & 0o077, 0);
  const one = await state(folder, 'inspect', '--user', 'u123', '--json');
  assert.deepEqual(
    linesOf(one.out)[0],
    lines.find(({ entity }) => entity.id === 'u123'),
  );
});

test('a file that cannot be written is told, not a bug', async (t) => {
  const folder = shopFolder(t);
  await openShop(t, folder);
  const { code, err } = await state(folder, 'export', '--out', 'no/such/folder/state.jsonl');
  assert.equal(code, 1);
  assert.match(err, /^tripline: TRG_LOG_FULL .*state\.jsonl cannot be written/);
});

test('--local, for which the worker must be stopped, tells what a start would restore', async (t) => {
  const folder = shopFolder(t);
  const shop = await openShop(t, folder);
  await shop.pipe('events.shop', { ...track('u1', 'add_to_cart', START), partition: 0 });
  await shop.run();
  const locked = await state(folder, 'inspect', '--local');
  assert.equal(locked.code, 1);
  assert.match(locked.err, /TRG_LOG_LOCKED/);
  await shop.close();
  const [first] = linesOf((await state(folder, 'inspect', '--local', '--json')).out);
  assert.deepEqual(first.local, { offset: first.state.changelog.end, owner: 'shop/entities_0' });
  assert.match((await state(folder, 'inspect', '--local')).out, /state folder of shop\/entities_0 .*restores 0\n/);
  rmSync(join(folder, 'data', 'state', 'entities_0'), { recursive: true });
  const [without] = linesOf((await state(folder, 'inspect', '--local', '--json')).out);
  assert.equal(without.local, null);
});

test('where there is no log it says so and makes none', async (t) => {
  const folder = folderWith(t, { 'rules/a.yaml': 'id: a\nwhen: { event: x }\n' });
  for (const words of [['inspect'], ['inspect', '--local'], ['export', '--out', 'x']]) {
    const { code, err } = await state(folder, ...words);
    assert.equal(code, 1);
    assert.match(err, /TRG_FILE_UNREADABLE there is no embedded log/);
  }
});

test('what cannot be meant is wrong usage', async (t) => {
  const folder = shopFolder(t);
  for (const words of [['inspect', '--user', 'a', '--entity', 'b/c'], ['inspect', '--entity', 'u1'], ['export'], []]) {
    assert.equal((await state(folder, ...words)).code, 2, words.join(' '));
  }
});
