// The proxy that makes networks bad, before a server of the test's own that answers as a broker frames its answers.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../lib/clock.ts';
import { FrameHeads } from '../../../testing/kafka/frames.ts';
import { API_KEYS, KafkaProxy } from '../../../testing/kafka/proxy.ts';
import { until } from '../../../testing/until.ts';

const HEAD_BYTES = 8;

function request(apiKey: number, correlation: number, body = ''): Buffer {
  const frame = Buffer.alloc(4 + HEAD_BYTES + body.length);
  frame.writeInt32BE(HEAD_BYTES + body.length, 0);
  frame.writeInt16BE(apiKey, 4);
  frame.writeInt32BE(correlation, 8);
  frame.write(body, 12, 'latin1');
  return frame;
}

/** Answers each request with its correlation id; notes the keys that arrived. */
async function fakeBroker(t: TestContext): Promise<{ port: number; seen: number[] }> {
  const seen: number[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const heads = new FrameHeads(HEAD_BYTES);
    socket.on('data', (chunk) => {
      for (const head of heads.take(chunk)) {
        seen.push(head.readInt16BE(0));
        const answer = Buffer.alloc(8);
        answer.writeInt32BE(4, 0);
        head.copy(answer, 4, 4);
        socket.write(answer);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, seen };
}

interface Client {
  readonly socket: Socket;
  /** Correlation ids that were answered. */
  readonly answers: number[];
  readonly ended: Promise<unknown>;
}

async function clientOf(t: TestContext, proxy: KafkaProxy): Promise<Client> {
  const socket = connect(proxy.port, '127.0.0.1');
  t.after(() => socket.destroy());
  const answers: number[] = [];
  const heads = new FrameHeads(4);
  socket.on('data', (chunk) => answers.push(...heads.take(chunk).map((head) => head.readInt32BE(0))));
  socket.on('error', () => {});
  const ended = new Promise((resolve) => socket.once('close', resolve));
  // One that is refused may end before it has begun.
  await Promise.race([new Promise((resolve) => socket.once('connect', resolve)), ended]);
  return { socket, answers, ended };
}

async function setUp(t: TestContext) {
  const broker = await fakeBroker(t);
  const proxy = await KafkaProxy.open(0, broker.port);
  t.after(() => proxy.close());
  return { ...broker, proxy, client: await clientOf(t, proxy) };
}

test('heads are found wherever the bytes were cut', () => {
  const bytes = Buffer.concat([request(0, 1, 'x'.repeat(30)), request(26, 2), request(3, 3, 'y')]);
  for (let step = 1; step <= bytes.length; step++) {
    const heads = new FrameHeads(HEAD_BYTES);
    const found: number[] = [];
    for (let at = 0; at < bytes.length; at += step) {
      found.push(...heads.take(bytes.subarray(at, at + step)).map((head) => head.readInt32BE(4)));
    }
    assert.deepEqual(found, [1, 2, 3], `cut every ${step} bytes`);
  }
});

test('what is sent arrives, and is answered', async (t) => {
  const { seen, client } = await setUp(t);
  client.socket.write(Buffer.concat([request(3, 1), request(0, 2, 'x'.repeat(100_000))]));
  await until(() => client.answers.length === 2);
  assert.deepEqual(seen, [3, 0]);
  assert.deepEqual(client.answers, [1, 2]);
});

test('a request whose answer is lost was carried out; those after it go their way over a new connection', async (t) => {
  const { seen, proxy, client } = await setUp(t);
  proxy.loseNext(API_KEYS.endTxn, 'answer');
  client.socket.write(Buffer.concat([request(3, 1), request(26, 2)]));
  await client.ended;
  assert.deepEqual(seen, [3, 26]);
  assert.equal(client.answers.includes(2), false);
  assert.equal(proxy.lost, 1);
  const next = await clientOf(t, proxy);
  next.socket.write(request(26, 3));
  await until(() => next.answers.length === 1);
  assert.equal(proxy.lost, 1);
});

test('a request that is lost never arrives', async (t) => {
  const { seen, proxy, client } = await setUp(t);
  proxy.loseNext(API_KEYS.endTxn, 'request');
  client.socket.write(request(26, 1));
  await client.ended;
  assert.deepEqual(seen, []);
});

test('in a black hole nothing passes and nothing ends; what was sent arrives after it', async (t) => {
  const { port, seen, proxy, client } = await setUp(t);
  proxy.set({ isBlackHole: true });
  client.socket.write(request(3, 1));
  const late = await clientOf(t, proxy);
  late.socket.write(request(3, 2));
  // What goes by another way, later, is there and back: so would this have been.
  const beside = await KafkaProxy.open(0, port);
  t.after(() => beside.close());
  const free = await clientOf(t, beside);
  for (const correlation of [3, 4]) {
    free.socket.write(request(18, correlation));
    await until(() => free.answers.includes(correlation));
  }
  assert.deepEqual(seen, [18, 18]);
  assert.deepEqual([client.answers, late.answers], [[], []]);
  assert.equal(proxy.connections, 2);
  proxy.set({});
  await until(() => client.answers.length === 1 && late.answers.length === 1);
  assert.deepEqual(seen, [18, 18, 3, 3]);
});

test('a slow network takes the time it was given', async (t) => {
  const { proxy, client } = await setUp(t);
  proxy.set({ delayMs: 40 });
  const start = systemClock.now();
  client.socket.write(request(3, 1));
  await until(() => client.answers.length === 1);
  assert.ok(systemClock.now() - start >= 79, `${systemClock.now() - start} ms`);
});

test('connections are cut, and refused while the proxy refuses', async (t) => {
  const { proxy, client } = await setUp(t);
  proxy.set({ refuses: true });
  proxy.cut();
  await client.ended;
  assert.equal(proxy.connections, 0);
  const refused = await clientOf(t, proxy);
  await refused.ended;
  proxy.set({});
  const next = await clientOf(t, proxy);
  next.socket.write(request(3, 1));
  await until(() => next.answers.length === 1);
});

test('a connection ends when its broker cannot be reached', async (t) => {
  const proxy = await KafkaProxy.open(0, 1);
  t.after(() => proxy.close());
  const client = await clientOf(t, proxy);
  await client.ended;
  assert.equal(proxy.connections, 0);
});
