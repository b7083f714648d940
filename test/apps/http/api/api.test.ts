// The management API over real HTTP: who may use it, and what it gives.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { request } from 'undici';
import { ApiKeys } from '../../../../apps/http/api/api-keys.ts';
import { addApiRoutes } from '../../../../apps/http/api/routes.ts';
import { WriteKeys } from '../../../../apps/http/ingest/write-keys.ts';
import { FatalError, RetryableError } from '../../../../lib/errors.ts';
import { encodeError } from '../../../../lib/wire-error.ts';
import { createKey, type Role } from '../../../../services/keys/keys.ts';
import { type Answers, lineOf } from '../../../../services/live/socket-server.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { basic, startKit } from '../ingest/kit.ts';

const HOUR = 3_600_000;

type Asked = Parameters<Answers['ask']>[0];

/** The API before a worker that answers so; `key` is a viewer's. */
async function api(t: TestContext, answer: (question: Asked) => unknown, roles: readonly Role[] = ['viewer']) {
  const clock = new FakeClock();
  const { key, ...entry } = createKey('test', roles, null);
  const { key: passing, ...ending } = createKey('passing', ['admin'], clock.now() + HOUR);
  const asked: Asked[] = [];
  const answers: Answers = {
    // biome-ignore lint/correctness/useYield: it has no items
    async *ask(question) {
      asked.push(question);
      const result = answer(question);
      return lineOf(result instanceof Error ? { error: encodeError(result) } : { result });
    },
  };
  const keys = new ApiKeys([entry, ending], new WriteKeys(['write-key']), clock);
  const kit = await startKit(t, { addRoutes: (app) => addApiRoutes(app, { keys, answers }) });
  const get = async (path: string, authorization: string | null = `Bearer ${key}`) => {
    const headers = authorization === null ? {} : { authorization };
    const { statusCode: status, headers: answered, body } = await request(`${kit.url}/api${path}`, { headers });
    return { status, headers: answered, json: JSON.parse(await body.text()) };
  };
  const post = async (path: string, body: unknown) => {
    const { statusCode: status, body: answered } = await request(`${kit.url}/api${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status, json: JSON.parse(await answered.text()) };
  };
  return { get, post, asked, key, passing, clock };
}

const NOTHING = { decisions: [], next: null };

test('without a key, and with a wrong one, nothing is answered and nobody is asked', async (t) => {
  const { get, asked } = await api(t, () => NOTHING);
  for (const authorization of [null, 'Bearer ', 'Bearer wrong', 'Digest x', basic('wrong')]) {
    const { status, json } = await get('/decisions', authorization);
    assert.deepEqual([status, json.code], [401, 'TRG_HTTP_UNAUTHORIZED'], String(authorization));
  }
  assert.equal((await get('/people/u1', null)).status, 401);
  assert.deepEqual(asked, []);
});

test('a key is good as Bearer and as user of Basic, in each role', async (t) => {
  for (const role of ['viewer', 'editor', 'approver', 'admin'] as const) {
    const { get, key } = await api(t, () => NOTHING, [role]);
    assert.equal((await get('/decisions', `Bearer ${key}`)).status, 200);
    assert.equal((await get('/decisions', basic(key))).status, 200);
  }
});

test('a write key is known, and may not look at anything: 403', async (t) => {
  const { get, asked } = await api(t, () => NOTHING);
  const { status, json } = await get('/people/u1', 'Bearer write-key');
  assert.deepEqual([status, json.code], [403, 'TRG_HTTP_FORBIDDEN']);
  assert.match(json.message, /role viewer/);
  assert.deepEqual(asked, []);
});

test('a key is good until it expires, and not from then on', async (t) => {
  const { get, passing, clock } = await api(t, () => NOTHING);
  assert.equal((await get('/decisions', `Bearer ${passing}`)).status, 200);
  await clock.advance(HOUR - 1);
  assert.equal((await get('/decisions', `Bearer ${passing}`)).status, 200);
  await clock.advance(1);
  const { status, json } = await get('/decisions', `Bearer ${passing}`);
  assert.deepEqual([status, json.message], [401, 'the API key has expired']);
});

test('decisions are asked for with what the query says, and given as they come', async (t) => {
  const page = { decisions: [{ id: 'd1' }], next: 'abc' };
  const { get, asked } = await api(t, () => page);
  const query = 'limit=7&cursor=xyz&rule=a&user=u%2F1&outcome=fired&from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z';
  const { status, json, headers } = await get(`/decisions?${query}`);
  assert.deepEqual([status, json, headers['cache-control']], [200, page, 'no-store']);
  const input = { limit: 7, cursor: 'xyz', rule: 'a', user: 'u/1', outcome: 'fired' };
  const times = { from: Date.UTC(2026, 0, 1), to: Date.UTC(2026, 1, 1) };
  assert.deepEqual(asked, [{ operation: 'decisions.page', input: { ...input, ...times }, isForwarded: false }]);
});

test('a query that cannot be meant is refused before anybody is asked', async (t) => {
  const { get, asked } = await api(t, () => NOTHING);
  const wrong = ['limit=0', 'limit=501', 'limit=x', 'outcome=won', 'from=today', 'page=2', 'rule=', 'rule=a&rule=b'];
  for (const query of wrong) {
    const { status, json } = await get(`/decisions?${query}`);
    assert.deepEqual([status, json.code, json.success], [400, 'TRG_USAGE', false], query);
  }
  assert.deepEqual(asked, []);
});

test("a person's document is given by id, whatever is in it; nobody's is 404", async (t) => {
  const { get, asked } = await api(t, ({ input }) => {
    const { id } = input as { id: string };
    return { documents: id.startsWith('nobody') ? [] : [{ entity: { type: 'user', id } }], hasTask: true };
  });
  const ids = ['u1', 'a/b', 'müller@example.com', '%', 'x'.repeat(900)];
  for (const id of ids) {
    const { status, json } = await get(`/people/${encodeURIComponent(id)}`);
    assert.deepEqual([status, json], [200, { entity: { type: 'user', id } }]);
  }
  assert.deepEqual(
    asked.map(({ operation, input }) => [operation, input]),
    ids.map((id) => ['state.entity', { type: 'user', id }]),
  );
  const { status, json } = await get('/people/nobody-at-all');
  assert.deepEqual([status, json.code], [404, 'TRG_HTTP_NOT_FOUND']);
  assert.doesNotMatch(json.message, /nobody-at-all/);
});

test('a blank id is nobody: 400, and nobody is asked', async (t) => {
  const { get, asked } = await api(t, () => NOTHING);
  for (const id of ['%20', '%C2%A0', '%E3%80%80']) {
    const { status, json } = await get(`/people/${id}`);
    assert.deepEqual([status, json.code], [400, 'TRG_USAGE'], id);
  }
  assert.deepEqual(asked, []);
});

test('what keeps a worker from answering is said with a status that fits, and when to come again', async (t) => {
  const errors = [
    [new RetryableError('TRG_TASK_MOVING', 'it moves'), 503],
    [new RetryableError('TRG_WORKER_BUSY', 'too many'), 503],
    [new FatalError('TRG_NAME_UNKNOWN', 'no such rule'), 404],
    [new FatalError('TRG_USAGE', 'no such cursor'), 400],
    [new FatalError('TRG_WORKER_FAILED', 'a bug'), 500],
  ] as const;
  for (const [error, expected] of errors) {
    const { get } = await api(t, () => error);
    const { status, json, headers } = await get('/decisions');
    assert.deepEqual([status, json.code, json.message], [expected, error.code, error.message]);
    assert.equal(headers['retry-after'], expected === 503 ? '1' : undefined);
  }
});

test('flows are cancelled by an editor or an admin, under the name of the key', async (t) => {
  for (const role of ['editor', 'admin'] as const) {
    const { post, asked } = await api(t, () => ({ cancelled: 2 }), [role]);
    for (const [body, whom] of [
      [{ rule: 'r', user: 'u1' }, { entity: { type: 'user', id: 'u1' } }],
      [{ rule: 'r', entity: { type: 'device', id: 'd1' } }, { entity: { type: 'device', id: 'd1' } }],
      [{ rule: 'r', all: true }, { all: true }],
    ] as const) {
      const { status, json } = await post('/flows/cancel', body);
      assert.deepEqual([status, json], [200, { cancelled: 2 }]);
      const input = { rule: 'r', by: 'test', ...whom };
      assert.deepEqual(asked.pop(), { operation: 'flows.cancel', input, isForwarded: false });
    }
  }
});

test('whoever may only look, or approve, cancels nothing: 403', async (t) => {
  for (const role of ['viewer', 'approver'] as const) {
    const { post, asked } = await api(t, () => ({ cancelled: 2 }), [role]);
    const { status, json } = await post('/flows/cancel', { rule: 'r', all: true });
    assert.deepEqual([status, json.code], [403, 'TRG_HTTP_FORBIDDEN']);
    assert.match(json.message, /role editor/);
    assert.deepEqual(asked, []);
  }
});

test('a cancellation that cannot be meant is refused before anybody is asked', async (t) => {
  const { post, asked } = await api(t, () => ({ cancelled: 2 }), ['editor']);
  for (const body of [
    'not json',
    '[]',
    { rule: 'r' },
    { all: true },
    { rule: 'r', user: 'u1', all: true },
    { rule: 'r', user: '' },
    { rule: 'r', all: false },
    { rule: 'r', all: true, by: 'somebody else' },
  ]) {
    const { status } = await post('/flows/cancel', body);
    assert.equal(status, 400, JSON.stringify(body));
  }
  assert.deepEqual(asked, []);
});
