// What a person says of what waits, and who is to say it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decision } from '../../../schemas/decision.ts';
import type { FlowRecord } from '../../../schemas/flow-record.ts';
import { ANSWER_EVENT } from '../../../schemas/internal-events.ts';
import { event } from '../../rules/kit.ts';
import { EvaluateRun } from '../kit.ts';

const HOUR = 3_600_000;
const RULES = `id: gated
when: { event: x }
review: { if: event.properties.amount > 100, atMost: 10h, onTimeout: approve }
then: [{ send: { channel: webhook, data: { text: '"hello"' } } }]
---
id: stepped
when: { event: y }
then: [{ name: look, review: { atMost: 10h, onTimeout: reject } }, { send: { channel: webhook, data: { text: '"hello"' } } }]`;

const decisionsOf = (run: EvaluateRun) => run.context.valuesTo<Decision>('decisions');
const recordsOf = (run: EvaluateRun) => run.context.valuesTo<FlowRecord>('flows');

function command(properties: object, at: number) {
  return event(ANSWER_EVENT, at, { ...properties, at }, { type: 'command' });
}

const answer = (of: string, verdict: string, at: number, more: object = {}) =>
  command({ kind: 'answer', of, verdict, data: {}, by: 'ann', ...more }, at);

for (const [verdict, outcome, reason] of [
  ['approve', 'fired', null],
  ['edit', 'fired', null],
  ['reject', 'suppressed', 'rejected'],
] as const) {
  test(`the second decision on what a person answered "${verdict}" tells which decision asked, who answered, when and why`, async () => {
    const run = new EvaluateRun(RULES).see(event('x', 1_000, { amount: 200 }));
    const [first] = decisionsOf(run) as [Decision];
    assert.deepEqual([first.outcome, 'review' in first.values], ['review', false]);
    run.see(answer(first.id, verdict, HOUR, { note: 'known customer', data: { text: 'hi' } }));
    run.storeAndLoad();
    await run.passTo(2 * HOUR);
    const [, second, ...more] = decisionsOf(run) as [Decision, Decision];
    assert.deepEqual([second.outcome, second.reason, second.at], [outcome, reason, HOUR]);
    assert.deepEqual(second.values['review'], { of: first.id, verdict, by: 'ann', note: 'known customer' });
    assert.equal(second.values['event.properties.amount'], 200);
    assert.deepEqual(more, []);
  });
}

test('the second decision on what nobody answered says so, and names nobody', async () => {
  const run = new EvaluateRun(RULES).see(event('x', 1_000, { amount: 200 }));
  await run.passTo(11 * HOUR);
  const [first, second] = decisionsOf(run) as [Decision, Decision];
  assert.deepEqual([second.outcome, second.at], ['fired', 1_000 + 10 * HOUR]);
  assert.deepEqual(second.values['review'], { of: first.id, verdict: 'timeout', by: null });
});

test('a decision that no person was asked about tells of no answer', () => {
  const run = new EvaluateRun(RULES).see(event('x', 1_000, { amount: 50 }));
  const [only] = decisionsOf(run) as [Decision];
  assert.deepEqual([only.outcome, 'review' in only.values], ['fired', false]);
});

test('the record of an answered flow has who answered and what was said with it', async () => {
  const run = new EvaluateRun(RULES).see(event('y', 1_000));
  const [{ flow }] = recordsOf(run) as [FlowRecord];
  run.see(answer(flow, 'approve', HOUR, { note: 'fine' }));
  await run.passTo(2 * HOUR);
  const reviewed = recordsOf(run).filter(({ kind }) => kind === 'reviewed');
  assert.deepEqual(
    reviewed.map(({ at, name, reason, by, note }) => [at, name, reason, by, note]),
    [[HOUR, 'look', 'approve', 'ann', 'fine']],
  );
});

test('who is to answer is a record, of a decision and of a flow, and changes nothing of what waits (A2)', async () => {
  const run = new EvaluateRun(RULES).see(event('x', 1_000, { amount: 200 }), event('y', 2_000));
  const gated = decisionsOf(run).find(({ rule }) => rule === 'gated')!.id;
  const stepped = decisionsOf(run).find(({ rule }) => rule === 'stepped')!.id;
  for (const id of [gated, stepped, 'another'])
    run.see(command({ kind: 'assign', of: id, to: 'bob', by: 'ann' }, HOUR));
  await run.passTo(2 * HOUR);
  const assigned = recordsOf(run).filter(({ kind }) => kind === 'assigned');
  assert.deepEqual(
    assigned.map(({ flow, rule, at, step, name, reason, by }) => [flow, rule, at, step, name, reason, by]),
    [
      [gated, 'gated', HOUR, null, null, 'bob', 'ann'],
      [stepped, 'stepped', HOUR, 0, 'look', 'bob', 'ann'],
    ],
  );
  run.see(answer(gated, 'approve', 3 * HOUR), answer(stepped, 'approve', 3 * HOUR));
  await run.passTo(4 * HOUR);
  assert.equal(run.context.valuesTo('actions').length, 2);
  run.see(command({ kind: 'assign', of: stepped, to: 'bob', by: 'ann' }, 5 * HOUR));
  await run.passTo(6 * HOUR);
  assert.equal(
    recordsOf(run).filter(({ kind }) => kind === 'assigned').length,
    2,
    'what was answered is assigned to nobody',
  );
});

test('a person who has answered is not asked again once quiet hours are over, and what was edited is sent then', async () => {
  const quiet = 'quietHours: { from: "21:00", to: "08:00" }';
  const run = new EvaluateRun(
    `id: g\nwhen: { event: x }\n${quiet}\nreview: { if: "true", atMost: 3d }\nthen: [{ send: { channel: webhook, data: { text: '"hello"' } } }]`,
  ).see(event('x', 20 * HOUR));
  const [{ id }] = decisionsOf(run) as [Decision];
  run.see(answer(id, 'edit', 22 * HOUR, { data: { text: 'hi' } }));
  run.storeAndLoad();
  await run.passTo(23 * HOUR);
  run.storeAndLoad();
  await run.passTo(40 * HOUR);
  assert.deepEqual(
    decisionsOf(run).map(({ at, outcome, values }) => [
      at,
      outcome,
      (values['review'] as { of: string } | undefined)?.of,
    ]),
    [
      [20 * HOUR, 'review', undefined],
      [22 * HOUR, 'deferred', id],
      [32 * HOUR, 'fired', id],
    ],
  );
  const [action] = run.context.valuesTo<{ data: object }>('actions');
  assert.deepEqual(action?.data, { text: 'hi' });
});
