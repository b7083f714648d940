import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { BATCH_BYTES_MAX } from '../../../../apps/http/ingest/limits.ts';
import { systemClock } from '../../../../lib/clock.ts';
import { FatalError, FencedError, RetryableError } from '../../../../lib/errors.ts';
import { until } from '../../../../testing/until.ts';
import type { Log } from '../../../../topology/engine/ports.ts';
import { basic, type Kit, type KitOptions, startKit, TestedLog } from './kit.ts';

const purchase = { userId: 'u1', event: 'purchase', messageId: 'm1' };
const full = () => new RetryableError('TRG_LOG_FULL', 'the disk is full');

async function startTested(
  t: Parameters<typeof startKit>[0],
  options: KitOptions = {},
): Promise<{ kit: Kit; tested: TestedLog }> {
  let tested: TestedLog | undefined;
  const kit = await startKit(t, { ...options, wrap: (log: Log) => (tested = new TestedLog(log)) });
  return { kit, tested: tested! };
}

test('no success is answered before the commit has resolved', async (t) => {
  const { kit, tested } = await startTested(t);
  const gate = Promise.withResolvers<void>();
  tested.gate = gate.promise;
  let answered = false;
  const posted = kit.post('/v1/track', purchase).then(({ status }) => {
    answered = true;
    return status;
  });
  await until(() => tested.commits === 1);
  // Another request goes all the way there and back: so would the answer have, had it been given.
  assert.equal((await kit.get('/health/live')).status, 200);
  assert.equal(answered, false);
  gate.resolve();
  assert.equal(await posted, 200);
});

/** A clock that counts how often it is asked: once for each request that was read and may be appended. */
function countingClock() {
  const clock = { ...systemClock, taken: 0, now: () => systemClock.now() + clock.taken++ };
  return clock;
}

test('requests that come while a commit is under way share the next one', async (t) => {
  const clock = countingClock();
  const { kit, tested } = await startTested(t, { clock });
  const gate = Promise.withResolvers<void>();
  tested.gate = gate.promise;
  const post = (i: number) => kit.post('/v1/track', { ...purchase, messageId: `m${i}` });
  const posted = [post(0)];
  await until(() => tested.commits === 1);
  for (let i = 1; i < 50; i++) posted.push(post(i));
  await until(() => clock.taken === 50);
  gate.resolve();
  assert.ok((await Promise.all(posted)).every(({ status }) => status === 200));
  assert.equal(new Set((await kit.events()).map(({ messageId }) => messageId)).size, 50);
  assert.equal(tested.commits, 2);
});

test('a transaction takes no more requests than fit into its size', async (t) => {
  const clock = countingClock();
  const { kit, tested } = await startTested(t, { clock });
  const gate = Promise.withResolvers<void>();
  tested.gate = gate.promise;
  const event = { ...purchase, properties: { text: 'x'.repeat(30_000) } };
  const post = () => kit.post('/v1/batch', { batch: Array.from({ length: 15 }, () => event) });
  const posted = [post()];
  await until(() => tested.commits === 1);
  for (let i = 1; i < 5; i++) posted.push(post());
  await until(() => clock.taken === 5);
  gate.resolve();
  assert.ok((await Promise.all(posted)).every(({ status }) => status === 200));
  // Four requests of 450 KB wait: two fit into 1 MB.
  assert.equal(tested.commits, 3);
});

test('a commit that failed is told to every request in it, and later ones are taken again', async (t) => {
  for (const error of [full(), new FencedError('TRG_LOG_FENCED', 'fenced')]) {
    const { kit, tested } = await startTested(t);
    tested.commitErrors.push(error);
    tested.openErrors.push(full());
    const { status, headers, json } = await kit.post('/v1/track', purchase);
    assert.equal(status, 503);
    assert.equal(json['code'], 'TRG_HTTP_UNAVAILABLE');
    assert.match(String(headers['retry-after']), /^\d+$/);
    assert.deepEqual(await kit.records(), []);
    await until(async () => (await kit.post('/v1/track', purchase)).status === 200);
    assert.equal((await kit.records()).length, 1);
    assert.equal(tested.writers, 2);
  }
});

test('while the log takes nothing the process is not ready, and refuses at once', async (t) => {
  const { kit, tested } = await startTested(t);
  assert.equal((await kit.get('/health/ready')).status, 200);
  tested.commitErrors.push(full());
  assert.equal((await kit.post('/v1/track', purchase)).status, 503);
  assert.equal((await kit.get('/health/ready')).status, 503);
  assert.equal((await kit.get('/health/live')).status, 200);
  await until(async () => (await kit.get('/health/ready')).status === 200);
});

test('a log that is broken for good is reported, and nothing more is taken', async (t) => {
  const failed = Promise.withResolvers<unknown>();
  const { kit, tested } = await startTested(t, { onFatal: failed.resolve });
  const error = new FatalError('TRG_LOG_CORRUPT', 'damaged');
  tested.commitErrors.push(error);
  assert.equal((await kit.post('/v1/track', purchase)).status, 503);
  assert.equal(await failed.promise, error);
  assert.equal((await kit.post('/v1/track', purchase)).status, 503);
  assert.equal(tested.writers, 1);
});

test('more bytes in flight than fit are refused with 429 until the log has taken what there is', async (t) => {
  const { kit, tested } = await startTested(t, { inFlightBytesMax: BATCH_BYTES_MAX });
  const gate = Promise.withResolvers<void>();
  tested.gate = gate.promise;
  const large = { batch: [purchase], padding: 'x'.repeat(BATCH_BYTES_MAX - 200) };
  const first = kit.post('/v1/batch', large);
  await until(() => tested.commits === 1);
  const { status, headers, json } = await kit.post('/v1/batch', large);
  assert.equal(status, 429);
  assert.equal(headers['retry-after'], '1');
  assert.equal(json['code'], 'TRG_HTTP_BUSY');
  gate.resolve();
  assert.equal((await first).status, 200);
  await until(async () => (await kit.post('/v1/batch', large)).status === 200);
});

test('a sender that goes away in the middle of its body gives its room back', async (t) => {
  const { kit } = await startTested(t, { inFlightBytesMax: BATCH_BYTES_MAX });
  const { hostname, port } = new URL(kit.url);
  const socket = connect(Number(port), hostname);
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  const length = BATCH_BYTES_MAX - 10;
  socket.write(
    `POST /v1/batch HTTP/1.1\r\nhost: x\r\nauthorization: ${basic('k1')}\r\ncontent-length: ${length}\r\n\r\n{`,
  );
  await until(async () => (await kit.post('/v1/track', purchase)).status === 429);
  socket.destroy();
  await until(async () => (await kit.post('/v1/track', purchase)).status === 200);
});

test('a stop commits and answers what was taken, and takes no more', async (t) => {
  const clock = countingClock();
  const { kit, tested } = await startTested(t, { clock });
  const gate = Promise.withResolvers<void>();
  tested.gate = gate.promise;
  const posted = [kit.post('/v1/track', purchase)];
  await until(() => tested.commits === 1);
  posted.push(kit.post('/v1/track', { ...purchase, messageId: 'm2' }));
  // Its time of arrival is asked for once it is read: it now waits for the first one's commit to end.
  await until(() => clock.taken === 2);
  const closed = kit.close();
  const late = await kit.post('/v1/track', { ...purchase, messageId: 'm3' }).then(
    ({ status }) => status,
    (error: NodeJS.ErrnoException) => error.code,
  );
  assert.ok(late === 503 || late === 'ECONNREFUSED', String(late));
  gate.resolve();
  assert.deepEqual(
    (await Promise.all(posted)).map(({ status }) => status),
    [200, 200],
  );
  await closed;
  assert.deepEqual(
    (await kit.events()).map(({ messageId }) => messageId),
    ['m1', 'm2'],
  );
});

test('a request that is being read when the stop comes is still taken', async (t) => {
  const { kit } = await startTested(t);
  const { hostname, port } = new URL(kit.url);
  const socket = connect(Number(port), hostname);
  t.after(() => socket.destroy());
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk));
  const body = JSON.stringify(purchase);
  const head = `POST /v1/track HTTP/1.1\r\nhost: x\r\nauthorization: ${basic('k1')}\r\n`;
  socket.write(`${head}content-length: ${body.length}\r\nexpect: 100-continue\r\n\r\n`);
  // The server says Continue once it has seen the head.
  await until(() => answer.includes('100 Continue'));
  const closed = kit.close();
  socket.write(body);
  await closed;
  await until(() => answer.includes('{"success"'));
  assert.match(answer, /HTTP\/1\.1 200 OK.*\{"success":true\}$/s);
  assert.equal((await kit.records()).length, 1);
});

test('an address that is taken is told with its name', async (t) => {
  const kit = await startKit(t);
  const { port } = new URL(kit.url);
  const yaml = `application: shop\nhttp: { port: ${port}, writeKeys: [k1] }\n`;
  await assert.rejects(startKit(t, { yaml }), { code: 'TRG_HTTP_LISTEN', message: new RegExp(`127.0.0.1:${port}`) });
});
