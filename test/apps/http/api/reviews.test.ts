// /api/reviews over real HTTP: who may see and answer, and what is asked of the worker.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { request } from 'undici';
import { ApiKeys } from '../../../../apps/http/api/api-keys.ts';
import { addReviewRoutes } from '../../../../apps/http/api/reviews.ts';
import { WriteKeys } from '../../../../apps/http/ingest/write-keys.ts';
import { FatalError } from '../../../../lib/errors.ts';
import { encodeError } from '../../../../lib/wire-error.ts';
import { createKey, type Role } from '../../../../services/keys/keys.ts';
import { type Answers, lineOf } from '../../../../services/live/socket-server.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { startKit } from '../ingest/kit.ts';

type Asked = Parameters<Answers['ask']>[0];

/** The routes before a worker that answers so, asked with a key named "ann". */
async function api(t: TestContext, role: Role, answer: (question: Asked) => unknown) {
  const { key, ...entry } = createKey('ann', [role], null);
  const asked: Asked[] = [];
  const answers: Answers = {
    // biome-ignore lint/correctness/useYield: it has no items
    async *ask(question) {
      asked.push(question);
      const result = answer(question);
      return lineOf(result instanceof Error ? { error: encodeError(result) } : { result });
    },
  };
  const keys = new ApiKeys([entry], new WriteKeys(['write-key']), new FakeClock());
  const kit = await startKit(t, { addRoutes: (app) => addReviewRoutes(app, { keys, answers }) });
  const call = async (path: string, body: object | string | null = null, authorization = `Bearer ${key}`) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const { statusCode: status, body: answered } = await request(`${kit.url}/api/reviews${path}`, {
      method: body === null ? 'GET' : 'POST',
      headers: { authorization, ...(body !== null && { 'content-type': 'application/json' }) },
      ...(body !== null && { body: text }),
    });
    return { status, json: (await answered.json()) as Record<string, unknown> };
  };
  return { call, asked };
}

const DONE = { id: 'd1', kind: 'decision', rule: 'r', entity: { type: 'user', id: 'u1' } };
const NONE = { reviews: [], waiting: 0 };

test('a viewer sees what waits, and may answer and assign nothing', async (t) => {
  const { call, asked } = await api(t, 'viewer', () => NONE);
  assert.deepEqual(await call('?rule=r&limit=7'), { status: 200, json: NONE });
  assert.deepEqual(asked, [{ operation: 'reviews.list', input: { rule: 'r', limit: 7 }, isForwarded: false }]);
  for (const [path, body] of [
    ['/d1/answer', { verdict: 'approve' }],
    ['/d1/assign', { to: 'bob' }],
  ] as const) {
    const { status, json } = await call(path, body);
    assert.deepEqual([status, json['code']], [403, 'TRG_HTTP_FORBIDDEN']);
    assert.equal((await call(path, body, 'Bearer wrong')).status, 401);
    assert.equal((await call(path, body, 'Bearer write-key')).status, 403);
  }
  assert.equal(asked.length, 1);
});

test('an approver, and an admin, answer and assign under the name of their key (R1)', async (t) => {
  for (const role of ['approver', 'admin'] as const) {
    const { call, asked } = await api(t, role, () => DONE);
    assert.deepEqual(await call('/d1/answer', { verdict: 'edit', data: { text: 'x' }, note: 'so' }), {
      status: 200,
      json: DONE,
    });
    assert.equal((await call('/a%2Fb/answer', { verdict: 'reject' })).status, 200);
    assert.equal((await call('/d1/assign', { to: 'bob' })).status, 200);
    assert.deepEqual(
      asked.map(({ operation, input }) => [operation, input]),
      [
        ['reviews.answer', { id: 'd1', verdict: 'edit', by: 'ann', data: { text: 'x' }, note: 'so' }],
        ['reviews.answer', { id: 'a/b', verdict: 'reject', by: 'ann' }],
        ['reviews.assign', { id: 'd1', to: 'bob', by: 'ann' }],
      ],
    );
  }
});

test('an editor answers nothing: that is the role of approvers', async (t) => {
  const { call, asked } = await api(t, 'editor', () => DONE);
  assert.equal((await call('/d1/answer', { verdict: 'approve' })).status, 403);
  assert.deepEqual(asked, []);
});

test('what cannot be meant is refused before anybody is asked', async (t) => {
  const { call, asked } = await api(t, 'approver', () => DONE);
  for (const [path, body] of [
    ['/d1/answer', '{ no'],
    ['/d1/answer', {}],
    ['/d1/answer', { verdict: 'aprove' }],
    ['/d1/answer', { verdict: 'approve', by: 'mallory' }],
    ['/d1/answer', { verdict: 'edit', data: 'x' }],
    ['/d1/assign', { to: '' }],
    ['?limit=0', null],
    ['?page=2', null],
  ] as const) {
    const { status } = await call(path, body);
    assert.equal(status, 400, `${path} ${JSON.stringify(body)}`);
  }
  assert.deepEqual(asked, []);
});

test('answering what does not wait is 404, and says so', async (t) => {
  const missing = new FatalError('TRG_REVIEW_NOT_WAITING', 'nothing waits for a person under this id');
  const { call } = await api(t, 'approver', () => missing);
  const { status, json } = await call('/d1/answer', { verdict: 'approve' });
  assert.deepEqual([status, json['code'], json['message']], [404, missing.code, missing.message]);
});
