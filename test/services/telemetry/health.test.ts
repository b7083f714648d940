import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALIVE_MS, liveness, POLLED_MS, readiness } from '../../../services/telemetry/health.ts';
import type { EngineStatus } from '../../../topology/engine/monitor.ts';

const NOW = 1_000_000;
const RUNNING: EngineStatus = { aliveAt: NOW, polledAt: NOW, joined: true, restoring: [], fault: null };

function view(thread: number, status: Partial<EngineStatus> | null) {
  return { thread, status: status && { ...RUNNING, ...status }, metrics: null };
}

test('a process is ready when every thread polls, has joined and restores nothing (H2)', () => {
  assert.deepEqual(readiness([view(0, {}), view(1, {})], NOW), { isOk: true, body: { status: 'ready', threads: [] } });
});

for (const [what, status, wanted] of [
  ['has said nothing yet', null, { state: 'starting' }],
  ['has not polled yet', { polledAt: null }, { state: 'starting', silentMs: 0 }],
  ['waits for its tasks', { joined: false }, { state: 'joining', silentMs: 0, notPolledMs: 0 }],
  [
    'restores',
    { restoring: [{ task: 'entities_0', remaining: 7 }] },
    { state: 'restoring', restoring: [{ task: 'entities_0', remaining: 7 }], silentMs: 0, notPolledMs: 0 },
  ],
  [
    'failed and starts again',
    { fault: 'TRG_LOG_UNREACHABLE', polledAt: null },
    { state: 'failing', fault: 'TRG_LOG_UNREACHABLE', silentMs: 0 },
  ],
  [
    'polls no more',
    { polledAt: NOW - POLLED_MS - 1, aliveAt: NOW - 5 },
    { state: 'stalled', silentMs: 5, notPolledMs: POLLED_MS + 1 },
  ],
] as const) {
  test(`a process is not ready while one thread ${what}, and says which (H2)`, () => {
    const { isOk, body } = readiness([view(0, {}), view(1, status)], NOW);
    assert.equal(isOk, false);
    assert.deepEqual(body, { status: 'not ready', threads: [{ thread: 1, ...wanted }] });
  });
}

test('what is not an engine’s is said in words', () => {
  const { isOk, body } = readiness([view(0, {})], NOW, ['the log takes no events']);
  assert.equal(isOk, false);
  assert.deepEqual(body, { status: 'not ready', reasons: ['the log takes no events'], threads: [] });
});

test('an outage, however long, kills nobody as long as the loop tries again (H1)', () => {
  const failing = view(0, { fault: 'TRG_LOG_UNREACHABLE', polledAt: null, aliveAt: NOW - ALIVE_MS });
  assert.deepEqual(liveness([failing], 0, NOW), { isOk: true, body: { status: 'live', threads: [] } });
});

test('a loop that does nothing at all is not alive, nor is a thread that never said anything (H1)', () => {
  const hanging = liveness([view(0, {}), view(1, { aliveAt: NOW - ALIVE_MS - 1 })], 0, NOW);
  assert.equal(hanging.isOk, false);
  assert.equal(hanging.body['status'], 'hanging');
  assert.equal(liveness([view(0, null)], NOW - ALIVE_MS - 1, NOW).isOk, false);
  assert.equal(liveness([view(0, null)], NOW - ALIVE_MS, NOW).isOk, true);
});
