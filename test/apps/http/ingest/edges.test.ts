import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { BATCH_BYTES_MAX, HEAD_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from '../../../../apps/http/ingest/limits.ts';
import { until } from '../../../../testing/until.ts';
import type { Log } from '../../../../topology/engine/ports.ts';
import { basic, KEY, startKit, TestedLog } from './kit.ts';
import { answerIn, openSocket, postHead } from './sockets.ts';

const purchase = { userId: 'u1', event: 'purchase', messageId: 'm1' };
const BODY = JSON.stringify(purchase);
const HEAD = { authorization: basic(KEY), 'content-length': BODY.length };

test('a sender that ends its side after its request has its answer', async (t) => {
  const kit = await startKit(t);
  const raw = await openSocket(t, kit.url);
  raw.socket.write(postHead('/v1/track', HEAD) + BODY);
  raw.halfClose();
  const { status, json } = answerIn(await raw.ended());
  assert.deepEqual([status, json], [200, { success: true }]);
  assert.equal((await kit.records()).length, 1);
});

test('what is no HTTP, and headers beyond 16 KB, have an answer like any other, and the next connection is served', async (t) => {
  const kit = await startKit(t);
  const cases: readonly (readonly [string, number, string])[] = [
    ['HELLO\r\n\r\n', 400, 'TRG_HTTP_MALFORMED'],
    [`${postHead('/v1/track', HEAD)}`.replace('host: x', 'no colon'), 400, 'TRG_HTTP_MALFORMED'],
    [postHead('/v1/track', { ...HEAD, 'x-long': 'x'.repeat(20_000) }), 431, 'TRG_HTTP_MALFORMED'],
    [postHead('/v1/track', { 'transfer-encoding': 'chunked', 'content-length': 3 }), 400, 'TRG_HTTP_MALFORMED'],
    [`${postHead('/v1/track', { 'transfer-encoding': 'chunked' })}not a size\r\n`, 400, 'TRG_HTTP_MALFORMED'],
  ];
  for (const [sent, expected, code] of cases) {
    const raw = await openSocket(t, kit.url);
    raw.socket.write(sent);
    const { status, json } = answerIn(await raw.ended());
    assert.deepEqual([status, json['success'], json['code']], [expected, false, code], sent.slice(0, 60));
  }
  assert.equal((await kit.post('/v1/track', purchase)).status, 200);
});

test('a head or a body that never ends is cut off with 408 in time, and keeps nobody else out', async (t) => {
  const kit = await startKit(t);
  const head = await openSocket(t, kit.url);
  const body = await openSocket(t, kit.url);
  const begun = Date.now();
  head.socket.write('POST /v1/track HTTP/1.1\r\nhost: x\r\n');
  body.socket.write(`${postHead('/v1/track', HEAD)}{`);
  assert.equal((await kit.post('/v1/track', purchase)).status, 200);
  for (const [raw, timeoutMs] of [
    [head, HEAD_TIMEOUT_MS],
    [body, REQUEST_TIMEOUT_MS],
  ] as const) {
    const { status, json } = answerIn(await raw.ended());
    assert.deepEqual([status, json['code']], [408, 'TRG_HTTP_TIMEOUT']);
    const tookMs = Date.now() - begun;
    assert.ok(tookMs >= timeoutMs - 1_000 && tookMs < timeoutMs + 5_000, `${tookMs} ms`);
  }
  assert.equal((await kit.records()).length, 1);
});

test('48 senders without a key that promise large bodies and send none keep nobody out', async (t) => {
  const kit = await startKit(t);
  const sockets = await Promise.all(Array.from({ length: 48 }, () => openSocket(t, kit.url)));
  for (const { socket } of sockets) {
    socket.write(`${postHead('/v1/batch', { 'content-length': BATCH_BYTES_MAX - 1 })}{"batch":[`);
  }
  for (const { socket } of sockets.slice(0, 24)) socket.write(' '.repeat(1_000));
  for (let i = 0; i < 20; i++) assert.equal((await kit.post('/v1/track', purchase)).status, 200);
  assert.equal((await kit.post('/v1/batch', { writeKey: KEY, batch: [purchase] }, { key: null })).status, 200);
  for (const { socket } of sockets) socket.destroy();
});

test('bodies without a key in their head have room of their own, and each address a part of it', async (t) => {
  const kit = await startKit(t);
  const half = ' '.repeat(BATCH_BYTES_MAX - 10);
  // Two more than an address has room for.
  const sockets = await Promise.all(Array.from({ length: 6 }, () => openSocket(t, kit.url)));
  for (const { socket } of sockets) {
    socket.write(postHead('/v1/batch', { 'content-length': BATCH_BYTES_MAX }));
    socket.write(half);
  }
  const inBody = (): Promise<number> =>
    kit
      .post('/v1/batch', { writeKey: KEY, batch: [purchase], padding: half.slice(1_000) }, { key: null })
      .then(({ status }) => status);
  await until(() => sockets.some((raw) => raw.text().includes('TRG_HTTP_BUSY')));
  assert.equal((await kit.post('/v1/track', purchase)).status, 200);
  for (const { socket } of sockets) socket.destroy();
  await until(async () => (await inBody()) === 200);
});

test('a wrong key is refused before its body is there, and a packed body is not unpacked for it', async (t) => {
  const kit = await startKit(t);
  const raw = await openSocket(t, kit.url);
  raw.socket.write(postHead('/v1/batch', { authorization: basic('wrong'), 'content-length': 400_000 }));
  await until(() => raw.text().includes('TRG_HTTP_UNAUTHORIZED'));
  assert.match(raw.text(), /^HTTP\/1\.1 401 /);
  raw.socket.destroy();
  const packed = gzipSync(JSON.stringify({ writeKey: KEY, ...purchase }));
  const headers = { 'content-encoding': 'gzip' };
  assert.equal((await kit.post('/v1/track', packed, { headers, key: null })).status, 200);
  assert.equal((await kit.post('/v1/track', packed, { headers, key: 'wrong' })).status, 401);
  const unsigned = gzipSync(BODY);
  assert.equal((await kit.post('/v1/track', unsigned, { headers, key: null })).status, 401);
  assert.equal((await kit.records()).length, 1);
});

test('a log that hangs is answered with 503 in time, and the next request waits for nothing else', async (t) => {
  let tested: TestedLog | undefined;
  const kit = await startKit(t, { answerTimeoutMs: 300, wrap: (log: Log) => (tested = new TestedLog(log)) });
  const gate = Promise.withResolvers<void>();
  tested!.gate = gate.promise;
  const { status, headers, json } = await kit.post('/v1/track', purchase);
  assert.deepEqual([status, json['code'], headers['retry-after']], [503, 'TRG_HTTP_TIMEOUT', '1']);
  assert.equal((await kit.get('/health/live')).status, 200);
  gate.resolve();
  await until(async () => (await kit.records()).length === 1);
  assert.equal((await kit.post('/v1/track', { ...purchase, messageId: 'm2' })).status, 200);
});

test('a handler that throws, rejects or throws nothing is answered with 500, and the process goes on', async (t) => {
  const kit = await startKit(t, {
    addRoutes: (app) => {
      app.get('/throws', () => {
        throw new Error('a secret');
      });
      app.get('/rejects', () => Promise.reject(new TypeError('a secret')));
      app.get('/nothing', () => Promise.reject(undefined));
      app.get('/text', () => Promise.reject('a secret'));
    },
  });
  for (const path of ['/throws', '/rejects', '/nothing', '/text']) {
    const { status, json } = await kit.get(path);
    assert.deepEqual([status, json['code']], [500, 'TRG_HTTP_FAILED'], path);
    assert.doesNotMatch(JSON.stringify(json), /secret/);
  }
  assert.equal((await kit.post('/v1/track', purchase)).status, 200);
});

test('of what goes to no route nothing is read', async (t) => {
  const kit = await startKit(t);
  const raw = await openSocket(t, kit.url);
  raw.socket.write(postHead('/v1/nothing', { 'content-length': 100_000_000 }));
  await until(() => raw.text().includes('TRG_HTTP_NOT_FOUND'));
  assert.match(raw.text(), /^HTTP\/1\.1 404 /);
  raw.socket.destroy();
});
