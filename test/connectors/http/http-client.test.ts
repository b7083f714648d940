import assert from 'node:assert/strict';
import type { LookupFunction } from 'node:net';
import test, { type TestContext } from 'node:test';
import { ANSWER_BYTES_MAX, EXCHANGE_MS_MAX, HttpClient } from '../../../connectors/http/http-client.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { startHttpProvider } from '../../../testing/providers/http-provider.ts';
import { until } from '../../../testing/until.ts';

const NO_ABORT = new AbortController().signal;

async function open(t: TestContext, options: { allowPrivate?: boolean } = {}) {
  const provider = await startHttpProvider(() => ({ status: 200, headers: { 'x-a': 'b' }, body: 'fine' }));
  t.after(() => provider.close());
  const clock = new FakeClock();
  const client = new HttpClient({ clock, allowPrivate: true, ...options });
  t.after(() => client.close());
  const post = (url = provider.url, headers = {}, signal = NO_ABORT) =>
    client.post({ url, headers, body: 'hello' }, signal);
  return { provider, clock, post };
}

test('an answer has its status, its headers and its text', async (t) => {
  const { provider, post } = await open(t);
  const answer = await post();
  assert.deepEqual(
    [answer.status, answer.header('x-a'), answer.header('x-b'), answer.text],
    [200, 'b', undefined, 'fine'],
  );
  assert.deepEqual([provider.requests[0]!.method, provider.requests[0]!.body], ['POST', 'hello']);
});

test('a private address is refused however the URL writes it, without a connection (X3)', async (t) => {
  const { provider, post } = await open(t, { allowPrivate: false });
  const { port } = new URL(provider.url);
  const hosts = [
    '127.0.0.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '017700000001',
    '127.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    'localhost',
    'LOCALHOST.',
    '%31%32%37.0.0.1',
    '127。0。0。1',
  ];
  for (const host of hosts)
    await assert.rejects(post(`http://${host}:${port}/`), { name: 'PrivateAddressError' }, host);
  assert.deepEqual(provider.requests, []);
});

test('a redirect is an answer, also one to the inside (X2)', async (t) => {
  const { provider, post } = await open(t);
  const inside = await open(t);
  provider.next({ status: 307, headers: { location: inside.provider.url } });
  assert.equal((await post()).status, 307);
  assert.deepEqual(inside.provider.requests, []);
});

test('who says nothing, or never ends, is left after its time (X1)', async (t) => {
  for (const fault of ['hangs', 'endless'] as const) {
    const { provider, clock, post } = await open(t);
    provider.next(fault);
    const left = assert.rejects(post(), { name: 'TimeLimitError' });
    await until(() => provider.requests.length === 1, { message: 'the request has come' });
    await clock.advance(EXCHANGE_MS_MAX);
    await left;
    assert.equal(clock.sleeping, 0);
  }
});

test('an abort ends it with its reason, before it begins and while it is under way, and leaves nothing behind (X1)', async (t) => {
  const { provider, clock, post } = await open(t);
  const closing = new AbortController();
  provider.next('hangs');
  const left = assert.rejects(post(provider.url, {}, closing.signal), { message: 'closing' });
  await until(() => provider.requests.length === 1, { message: 'the request has come' });
  closing.abort(new Error('closing'));
  await left;
  await assert.rejects(post(provider.url, {}, closing.signal), { message: 'closing' });
  assert.deepEqual([clock.sleeping, provider.requests.length], [0, 1]);
  // The connection of the one that was given up is not used again.
  assert.equal((await post()).text, 'fine');
});

test('who waits for a connection longer than its time is left, and sends nothing when there is one (X1)', async (t) => {
  const { provider, clock, post } = await open(t);
  const found = Promise.withResolvers<void>();
  const lookup: LookupFunction = (_host, _options, done) =>
    void found.promise.then(() => done(null, [{ address: '127.0.0.1', family: 4 }]));
  const slow = new HttpClient({ clock, allowPrivate: true, lookup });
  t.after(() => slow.close());
  const url = provider.url.replace('127.0.0.1', 'provider.test');
  const left = assert.rejects(slow.post({ url, headers: {}, body: 'late' }, NO_ABORT), { name: 'TimeLimitError' });
  await clock.advance(EXCHANGE_MS_MAX);
  await left;
  found.resolve();
  const soon = await slow.post({ url, headers: {}, body: 'soon' }, NO_ABORT);
  assert.equal(soon.text, 'fine');
  assert.deepEqual(
    provider.requests.map(({ body }) => body),
    ['soon'],
  );
  assert.equal((await post()).status, 200);
});

test('of a long answer only the beginning is kept (X1)', async (t) => {
  const { provider, post } = await open(t);
  provider.next({ status: 200, body: 'x'.repeat(10 * ANSWER_BYTES_MAX) });
  assert.equal((await post()).text.length, ANSWER_BYTES_MAX);
});

test('a header with a line break is refused, not sent', async (t) => {
  const { provider, post } = await open(t);
  await assert.rejects(post(provider.url, { 'x-name': 'a\r\nx-evil: 1' }));
  assert.deepEqual(provider.requests, []);
});
