import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dlq as dlqCommand } from '../../../apps/cli/commands/dlq.ts';
import { deadLetter, PARTITION_OF_KEY } from '../../../schemas/dead-letter.ts';
import { deadLetterCodec, decisionCodec } from '../../../schemas/framed.ts';
import type { TestDriver } from '../../../testing/test-driver.ts';
import { folderWith, run } from './kit.ts';
import { linesOf, openShop, START, shopFolder, track } from './shop-project.ts';

const dlq = (folder: string, ...words: string[]) => run(['dlq', ...words], [dlqCommand], folder);

/** One record that is not JSON and one without an id, both dead letters. */
async function withTwo(shop: TestDriver): Promise<void> {
  await shop.pipe(
    'events.shop',
    { key: 'u1', value: '{ not json', partition: 1, headers: [['traceparent', Buffer.from('t1')]], timestamp: START },
    { key: null, value: '{"type":"track","userId":"u2","event":"view"}', partition: 1 },
  );
  await shop.run();
}

function originOf({ topic, partition, offset }: { topic: string; partition: number; offset: number }): string {
  return `${topic}/${partition}@${offset}`;
}

test('dead letters are listed with place, reason and record, also while a worker runs', async (t) => {
  const folder = shopFolder(t);
  const shop = await openShop(t, folder);
  await withTwo(shop);
  const { code, out, err } = await dlq(folder, 'list', '--json');
  assert.equal(code, 0, err);
  const letters = linesOf(out);
  assert.deepEqual(
    letters.map(({ reason }) => reason),
    ['TRG_RECORD_UNREADABLE', 'TRG_RECORD_INVALID'],
  );
  const { partition, offset, at, message, ...rest } = letters[0];
  assert.deepEqual(rest, {
    reason: 'TRG_RECORD_UNREADABLE',
    replayed: false,
    from: { topic: 'events.shop', partition: 1, offset: 0 },
    key: 'u1',
    value: '{ not json',
    headers: [{ name: 'traceparent', value: 't1' }],
  });
  const rows = (await dlq(folder, 'list', '--reason', 'TRG_RECORD_UNREADABLE')).out;
  assert.equal(rows, `${partition}:${offset}  ${at}  TRG_RECORD_UNREADABLE  events.shop/1@0  ${message}\n`);
});

test('bytes that are no text are listed in base64', async (t) => {
  const folder = shopFolder(t);
  const shop = await openShop(t, folder);
  await shop.pipe('events.shop', { key: 'u1', value: Uint8Array.of(0xff, 0xfe) });
  await shop.run();
  const [letter] = linesOf((await dlq(folder, 'list', '--json')).out);
  assert.deepEqual(letter.value, { base64: '//4=' });
});

test('a replayed record is back where it came from, as it was, with one header more, and no longer listed', async (t) => {
  const folder = shopFolder(t);
  const shop = await openShop(t, folder);
  await withTwo(shop);
  await shop.close();
  const [letter] = linesOf((await dlq(folder, 'list', '--json')).out);
  const { code, out, err } = await dlq(folder, 'replay', '--reason', 'TRG_RECORD_UNREADABLE');
  assert.equal(code, 0, err);
  assert.equal(out, 'dead letters replayed: 1\n');
  assert.deepEqual(
    linesOf((await dlq(folder, 'list', '--json')).out).map(({ reason }) => reason),
    ['TRG_RECORD_INVALID'],
  );
  assert.match((await dlq(folder, 'list', '--all')).out, /\(replayed\)\n/);

  const again = await openShop(t, folder);
  const records = await again.read('events.shop');
  const { key, value, headers, timestamp, offset } = records.at(-1)!;
  assert.equal(offset, 2);
  assert.equal(timestamp, START);
  assert.equal(Buffer.from(key!).toString(), 'u1');
  assert.equal(Buffer.from(value!).toString(), '{ not json');
  assert.deepEqual(
    headers.map(([name, bytes]) => [name, Buffer.from(bytes).toString()]),
    [
      ['traceparent', 't1'],
      ['tripline-replayed-from', `${letter.partition}:${letter.offset}`],
    ],
  );
});

test('a letter of a message whose record lay nowhere goes to the partition of its key', async (t) => {
  const folder = shopFolder(t);
  const shop = await openShop(t, folder);
  const record = { offset: -1, key: Buffer.from('u1'), value: Buffer.from('a message'), headers: [] };
  const from = { topic: 'events.shop', partition: PARTITION_OF_KEY, record };
  await shop.pipe('tripline.dead-letter', {
    key: 'email/0',
    value: deadLetterCodec.encode(deadLetter(from, 'TRG_DELIVERY_FAILED', 'email failed', START)),
  });
  await shop.pipe('events.shop', track('u1', 'view', START));
  await shop.close();
  assert.match((await dlq(folder, 'list')).out, /TRG_DELIVERY_FAILED {2}events.shop {2}email failed\n$/);
  assert.equal((await dlq(folder, 'replay')).out, 'dead letters replayed: 1\n');
  const again = await openShop(t, folder);
  const records = await again.read('events.shop');
  // Right behind the event of the same key.
  const at = records.findIndex(({ value }) => String(Buffer.from(value!)) === 'a message');
  assert.deepEqual([at, records[at]!.offset], [1, 1]);
});

test('a letter is replayed once, however often replay is called', async (t) => {
  const folder = shopFolder(t);
  const shop = await openShop(t, folder);
  await withTwo(shop);
  await shop.close();
  assert.equal((await dlq(folder, 'replay')).out, 'dead letters replayed: 2\n');
  assert.equal((await dlq(folder, 'replay')).out, 'dead letters replayed: 0\n');
});

test('a replayed record that fails again is a dead letter again, which can be replayed again', async (t) => {
  const folder = shopFolder(t);
  const shop = await openShop(t, folder);
  await shop.pipe('events.shop', { key: 'u1', value: '{ not json', partition: 0 });
  await shop.run();
  await shop.close();
  await dlq(folder, 'replay');
  const again = await openShop(t, folder);
  await again.run();
  await again.close();
  const letters = linesOf((await dlq(folder, 'list', '--json')).out);
  assert.deepEqual(
    letters.map(({ from }) => originOf(from)),
    ['events.shop/0@1'],
  );
  assert.equal((await dlq(folder, 'replay')).out, 'dead letters replayed: 1\n');
  const last = await openShop(t, folder);
  const { headers } = (await last.read('events.shop')).at(-1)!;
  assert.deepEqual(
    headers.map(([name]) => name),
    ['tripline-replayed-from'],
  );
});

test('a replayed record that is right now is processed', async (t) => {
  const folder = shopFolder(t);
  const shop = await openShop(t, folder);
  // Stamped further in the future than maxClockSkew, and right once that time has come.
  await shop.pipe('events.shop', track('u1', 'view', START + 3_600_000));
  await shop.run();
  await shop.close();
  assert.match((await dlq(folder, 'list')).out, /TRG_RECORD_IN_FUTURE/);
  await dlq(folder, 'replay');
  const again = await openShop(t, folder);
  await again.clock.advance(3_600_000);
  await again.run();
  const decisions = (await again.read('tripline.decisions')).map(({ value }) => decisionCodec.decode(value!));
  assert.deepEqual(
    decisions.map(({ rule, entity, at, outcome }) => [rule, entity.id, at, outcome]),
    [['viewed', 'u1', START + 3_600_000, 'fired']],
  );
  assert.deepEqual(linesOf((await dlq(folder, 'list', '--json')).out), []);
});

test('a dead letter of a delivery goes back to the actions of its channel', async (t) => {
  const folder = shopFolder(t);
  const shop = await openShop(t, folder);
  const record = { offset: 7, key: Buffer.from('u1'), value: Buffer.from('an action'), headers: [] };
  const letter = deadLetter(
    { topic: 'actions.webhook', partition: 1, record },
    'TRG_DELIVERY_FAILED',
    '503, after 7 attempts',
    START,
  );
  await shop.pipe('tripline.dead-letter', { key: 'actions.webhook/1', value: deadLetterCodec.encode(letter) });
  await shop.close();
  assert.equal((await dlq(folder, 'replay', '--reason', 'TRG_DELIVERY_FAILED')).code, 0);
  const again = await openShop(t, folder);
  const [action] = await again.read('actions.webhook');
  assert.equal(Buffer.from(action!.value!).toString(), 'an action');
});

test('--offset replays one letter, and says so when there is none', async (t) => {
  const folder = shopFolder(t);
  const shop = await openShop(t, folder);
  await withTwo(shop);
  await shop.close();
  const [, second] = linesOf((await dlq(folder, 'list', '--json')).out);
  const at = `${second.partition}:${second.offset}`;
  assert.equal((await dlq(folder, 'replay', '--offset', at)).out, 'dead letters replayed: 1\n');
  assert.deepEqual(
    linesOf((await dlq(folder, 'list', '--json')).out).map(({ reason }) => reason),
    ['TRG_RECORD_UNREADABLE'],
  );
  const { code, err } = await dlq(folder, 'replay', '--offset', at);
  assert.equal(code, 1);
  assert.match(err, /is no such dead letter, or it was replayed before/);
});

test('a letter whose topic is gone stays, and the others are replayed', async (t) => {
  const folder = shopFolder(t);
  const shop = await openShop(t, folder);
  const record = { offset: 0, key: null, value: null, headers: [] };
  const gone = deadLetter({ topic: 'events.old', partition: 0, record }, 'TRG_RECORD_INVALID', 'no key', START);
  await shop.pipe('tripline.dead-letter', { key: 'events.old/0', value: deadLetterCodec.encode(gone) });
  await withTwo(shop);
  await shop.close();
  const { code, out, err } = await dlq(folder, 'replay');
  assert.equal(code, 1);
  assert.equal(out, 'dead letters replayed: 2\n');
  assert.equal(err, '1 not replayed: the partition events.old/0 that they came from does not exist\n');
  assert.match((await dlq(folder, 'list')).out, /events\.old\/0@0/);
});

test('replay asks for the worker to be stopped', async (t) => {
  const folder = shopFolder(t);
  await openShop(t, folder);
  const { code, err } = await dlq(folder, 'replay');
  assert.equal(code, 1);
  assert.match(err, /TRG_LOG_LOCKED .*Stop it/);
});

test('where there is no log, neither list nor replay makes one', async (t) => {
  const folder = folderWith(t, {});
  for (const word of ['list', 'replay']) {
    const { code, err } = await dlq(folder, word);
    assert.equal(code, 1);
    assert.match(err, /TRG_FILE_UNREADABLE there is no embedded log/);
  }
});

test('a reason or a place that cannot be is wrong usage', async (t) => {
  const folder = shopFolder(t);
  const { code, err } = await dlq(folder, 'list', '--reason', 'TRG_RECORD_INVALI');
  assert.equal(code, 2);
  assert.match(err, /did you mean "TRG_RECORD_INVALID"/);
  assert.equal((await dlq(folder, 'replay', '--offset', '12')).code, 2);
});
