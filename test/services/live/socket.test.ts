// The socket between a command and a worker: reaching it, its rights, and everything that can be the matter with the other side.

import assert from 'node:assert/strict';
import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Client } from 'undici';
import { type Clock, systemClock } from '../../../lib/clock.ts';
import { FatalError, RetryableError } from '../../../lib/errors.ts';
import { encodeError } from '../../../lib/wire-error.ts';
import { findWorker } from '../../../services/live/client.ts';
import { socketFile, socketFolder, withShortPath } from '../../../services/live/socket-path.ts';
import { type Answers, lineOf, openSocket } from '../../../services/live/socket-server.ts';
import { resultOf } from '../../../services/operation.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';

const NEVER = new AbortController().signal;

function folder(t: TestContext, deep = 0): string {
  const top = mkdtempSync(join(tmpdir(), 'tripline-socket-'));
  t.after(() => rmSync(top, { recursive: true, force: true }));
  const path = join(top, ...Array.from({ length: deep }, () => 'a-folder-with-a-long-name'));
  mkdirSync(path, { recursive: true });
  return path;
}

type Ask = Answers['ask'];

async function opened(t: TestContext, dataDir: string, ask: Ask, clock: Clock = systemClock) {
  const socket = await openSocket({ dataDir, application: 'shop', answers: { ask }, clock });
  t.after(() => socket.close());
  return socket;
}

const found = (dataDir: string, clock: Clock = systemClock, application = 'shop') =>
  findWorker({ dataDir, application, clock });

/** Seconds of its clock: more than anybody waits for an answer. */
const TURNS_MAX = 10_000;

/** Lets time pass, and sockets have their turns, until it is settled. */
async function passing<Result>(clock: FakeClock, work: Promise<Result>): Promise<Result> {
  let isSettled = false;
  const settled = work.finally(() => {
    isSettled = true;
  });
  settled.catch(() => {});
  for (let turn = 0; !isSettled; turn++) {
    assert.ok(turn < TURNS_MAX, `not settled after ${TURNS_MAX} s of its clock`);
    await clock.advance(1_000);
    await turns(50);
  }
  return settled;
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Asks for decisions; `items` and the result. */
async function asked(dataDir: string, clock?: Clock, application?: string) {
  const worker = await found(dataDir, clock, application);
  assert.ok(worker !== null);
  const items: unknown[] = [];
  const result = await resultOf(worker.ask('decisions.query', { rule: 'a' }, NEVER), (item) => items.push(item));
  return { items, result };
}

/** Answers with what it was asked. */
const echo: Ask = async function* ({ operation, input, isForwarded }) {
  yield lineOf({ item: operation }) + lineOf({ item: input });
  return lineOf({ result: { isForwarded } });
};

test('a question is carried with its input, and its items and result back', async (t) => {
  const dataDir = folder(t);
  await opened(t, dataDir, echo);
  assert.deepEqual(await asked(dataDir), {
    items: ['decisions.query', { rule: 'a' }],
    result: { isForwarded: false },
  });
});

test('only the own user may enter the folder, and use the socket (S1)', async (t) => {
  const dataDir = folder(t);
  mkdirSync(socketFolder(dataDir), { mode: 0o755 });
  await opened(t, dataDir, echo);
  assert.equal(statSync(socketFolder(dataDir)).mode & 0o777, 0o700);
  assert.equal(statSync(socketFile(dataDir)).mode & 0o777, 0o600);
  assert.ok(statSync(socketFile(dataDir)).isSocket());
});

test('a path longer than a system takes for a socket works, and leaves nothing in the temporary folder', async (t) => {
  const dataDir = folder(t, 6);
  assert.ok(Buffer.byteLength(socketFile(dataDir)) > 108);
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith('tl-'));
  await opened(t, dataDir, echo);
  assert.ok(statSync(socketFile(dataDir)).isSocket());
  assert.deepEqual((await asked(dataDir)).result, { isForwarded: false });
  assert.deepEqual(
    readdirSync(tmpdir()).filter((name) => name.startsWith('tl-') && !before.includes(name)),
    [],
  );
});

test('where no worker runs there is nobody to ask: without a folder, with a socket nobody listens at, after a close (C2)', async (t) => {
  const dataDir = folder(t);
  assert.equal(await found(join(dataDir, 'none')), null);
  assert.equal(await found(dataDir), null);
  // What a process that was killed leaves: a socket file without a listener.
  mkdirSync(socketFolder(dataDir));
  const left = createSocketServer();
  await new Promise<void>((resolve) => left.listen(`${socketFile(dataDir)}.first`, () => resolve()));
  linkSync(`${socketFile(dataDir)}.first`, socketFile(dataDir));
  await new Promise((resolve) => left.close(resolve));
  assert.ok(existsSync(socketFile(dataDir)));
  assert.equal(await found(dataDir), null);
  const socket = await opened(t, dataDir, echo);
  assert.notEqual(await found(dataDir), null);
  await socket.close();
  assert.equal(await found(dataDir), null);
  assert.equal(existsSync(socketFile(dataDir)), false);
});

test('an error comes with its class, code, fields and hint', async (t) => {
  const dataDir = folder(t);
  await opened(t, dataDir, async function* () {
    yield lineOf({ item: 1 });
    return lineOf({ error: encodeError(new RetryableError('TRG_TASK_MOVING', 'it moves', { hint: 'wait' })) });
  });
  await assert.rejects(asked(dataDir), (error: RetryableError) => {
    assert.ok(error instanceof RetryableError);
    assert.deepEqual([error.code, error.message, error.fields['hint']], ['TRG_TASK_MOVING', 'it moves', 'wait']);
    return true;
  });
});

test('a worker that says nothing is given up, in words (C1)', async (t) => {
  const dataDir = folder(t);
  // Takes connections and never answers, as a process that is stopped.
  mkdirSync(socketFolder(dataDir));
  const held = createSocketServer(() => {});
  await new Promise<void>((resolve) => held.listen(socketFile(dataDir), () => resolve()));
  t.after(() => held.close());
  writeFileSync(join(dataDir, 'owner.json'), '{"pid":4711}');
  const clock = new FakeClock();
  await assert.rejects(passing(clock, asked(dataDir, clock)), {
    code: 'TRG_WORKER_SILENT',
    message: `the worker (process 4711) on ${dataDir} does not answer: nothing came for 15 s`,
  });
});

test('a worker that falls silent in the middle of its answer, or ends there, is said to have', async (t) => {
  const dataDir = folder(t);
  mkdirSync(socketFolder(dataDir));
  let endsAfter = Infinity;
  const server = createServer((_request, response) => {
    response.write(lineOf({ protocol: 1 }) + lineOf({ item: 1 }));
    if (endsAfter === 0) setImmediate(() => response.destroy());
    if (endsAfter === 1) response.end();
  });
  await new Promise<void>((resolve) => server.listen(socketFile(dataDir), () => resolve()));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const clock = new FakeClock();
  await assert.rejects(passing(clock, asked(dataDir, clock)), {
    code: 'TRG_WORKER_SILENT',
    message: /nothing came for/,
  });
  for (endsAfter of [0, 1]) {
    await assert.rejects(asked(dataDir), { code: 'TRG_WORKER_SILENT', message: /ended in the middle of its answer/ });
  }
});

test('an answer may take its time: that the worker is at it is said meanwhile', async (t) => {
  const dataDir = folder(t);
  const clock = new FakeClock();
  const began = clock.now();
  const slow: Ask = async function* () {
    yield '';
    // Far longer than the silence after which a worker is given up.
    await clock.sleep(120_000);
    return lineOf({ result: 'done' });
  };
  await opened(t, dataDir, slow, clock);
  assert.equal((await passing(clock, asked(dataDir, clock))).result, 'done');
  assert.ok(clock.now() - began >= 120_000);
});

test('a worker of another version of the protocol is told apart from one that is broken, by either side', async (t) => {
  const dataDir = folder(t);
  mkdirSync(socketFolder(dataDir));
  let greeting = '{"protocol":2}\n';
  const server = createServer((_request, response) => response.end(greeting));
  await new Promise<void>((resolve) => server.listen(socketFile(dataDir), () => resolve()));
  t.after(() => server.close());
  await assert.rejects(asked(dataDir), {
    code: 'TRG_WORKER_MISMATCH',
    message: 'the worker speaks version 2 of the protocol for questions, this command version 1',
  });
  greeting = 'Hello?\n';
  await assert.rejects(asked(dataDir), { code: 'TRG_WORKER_MISMATCH', message: /speaks another version/ });
});

test('a question for another application, in another version, or on another path is refused', async (t) => {
  const dataDir = folder(t);
  await opened(t, dataDir, echo);
  await assert.rejects(asked(dataDir, systemClock, 'other'), {
    code: 'TRG_WORKER_MISMATCH',
    message: 'the worker on this data folder runs the application shop, not other',
  });
  const post = async (path: string, body: string): Promise<string> => {
    const client = new Client('http://localhost', { socketPath: socketFile(dataDir) });
    try {
      return await (await client.request({ path, method: 'POST', body })).body.text();
    } finally {
      await client.close();
    }
  };
  const right = { protocol: 1, application: 'shop', operation: 'x', input: {} };
  for (const [path, body] of [
    ['/ask', JSON.stringify({ ...right, protocol: 2 })],
    ['/other', JSON.stringify(right)],
    ['/ask', 'no JSON'],
  ] as const) {
    const [first, second] = (await post(path, body))
      .trim()
      .split('\n')
      .filter((line) => line !== '');
    assert.deepEqual(JSON.parse(first!), { protocol: 1 });
    assert.equal(JSON.parse(second!).error.code, 'TRG_WORKER_MISMATCH');
  }
});

test('who goes away is no longer answered, and its answer is ended (S3)', async (t) => {
  const dataDir = folder(t);
  const ended = Promise.withResolvers<void>();
  await opened(t, dataDir, async function* (_question, signal) {
    try {
      for (let i = 0; !signal.aborted; i++) {
        yield lineOf({ item: i });
        await turns(1);
      }
      return lineOf({ result: null });
    } finally {
      ended.resolve();
    }
  });
  const worker = await found(dataDir);
  const enough = new AbortController();
  const answer = worker!.ask('decisions.query', {}, enough.signal);
  await answer.next();
  enough.abort();
  await assert.rejects(resultOf(answer), { name: 'AbortError' });
  await ended.promise;
});

test('an answer is made no faster than it is taken', async (t) => {
  const dataDir = folder(t);
  let made = 0;
  const line = lineOf({ item: 'x'.repeat(100_000) });
  await opened(t, dataDir, async function* () {
    for (; made < 1_000; made++) yield line;
    return lineOf({ result: null });
  });
  const worker = await found(dataDir);
  const answer = worker!.ask('decisions.query', {}, NEVER);
  await answer.next();
  // Until no more is made.
  for (let before = -1; before !== made; ) {
    before = made;
    await turns(200);
  }
  assert.ok(made < 200, `${made} made`);
  let items = 1;
  await resultOf(answer, () => items++);
  assert.equal(items, 1_000);
});

test('a short path is used as it is, a long one through a link, and what is thrown with it goes on', async () => {
  assert.equal(await withShortPath('/short', async (path) => path), '/short');
  const long = `/${'x'.repeat(200)}/s`;
  await withShortPath(long, async (path) => {
    assert.ok(Buffer.byteLength(path) <= 103 && path.endsWith('/s'));
  });
  await assert.rejects(
    withShortPath(long, () => Promise.reject(new FatalError('TRG_USAGE', 'from within'))),
    { message: 'from within' },
  );
});
