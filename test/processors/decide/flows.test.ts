import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flowList } from '../../../rules/flows/flow.ts';
import type { Action } from '../../../schemas/action.ts';
import type { FlowRecord } from '../../../schemas/flow-record.ts';
import { event } from '../../rules/kit.ts';
import { EvaluateRun } from '../kit.ts';

const CART = `
id: cart
when: { event: add, as: cart }
goal: { event: buy, within: 1h }
then:
  - send: { channel: email, template: t, fallback: [webhook] }
  - wait: 1m
  - send: { channel: webhook }
`;
const MINUTE = 60_000;

function recordsOf(run: EvaluateRun): string[] {
  const records = run.context.valuesTo<FlowRecord>('flows');
  return records.map(({ at, kind, step, reason }) => [at, kind, step ?? '', reason ?? ''].join(' ').trimEnd());
}

test('a goal ends the flow, and cancels what was written and may not have been sent yet', async () => {
  const run = new EvaluateRun(CART).see(event('add', 0), event('buy', 5));
  await run.passTo(10 * MINUTE);
  assert.deepEqual(run.sends, ['cart@0 email to u1']);
  assert.deepEqual(recordsOf(run), ['0 entered', '0 sent 0', '0 waiting 1', '5 goal', '5 ended  goal']);
  const [{ id }] = run.decisions as [(typeof run.decisions)[0]];
  const entity = { type: 'user', id: 'u1' };
  assert.deepEqual(run.context.valuesTo('cancellations'), [{ entity, flow: id, at: 5 }]);
  assert.deepEqual(run.routes(), [], 'no further channel takes over');
});

test('a flow that comes to its own end cancels nothing, and its goal is looked for as long as it says', async () => {
  const run = new EvaluateRun(CART).see(event('add', 0));
  await run.passTo(MINUTE);
  assert.deepEqual(recordsOf(run).slice(-2), ['60000 sent 2', '60000 ended  completed']);
  run.see(event('buy', 50 * MINUTE));
  await run.passTo(60 * MINUTE);
  assert.deepEqual(recordsOf(run).slice(-1), ['3000000 goal']);
  assert.deepEqual(run.context.valuesTo('cancellations'), []);
  assert.equal(run.document()!.sections.open(flowList), undefined, 'nothing is kept of it');
});

test('a goal one millisecond after its window is none, and what was kept of the flow goes', async () => {
  const run = new EvaluateRun(CART).see(event('add', 0));
  await run.passTo(MINUTE);
  run.see(event('buy', 60 * MINUTE + 1));
  await run.passTo(61 * MINUTE);
  assert.ok(recordsOf(run).every((line) => !line.includes('goal')));
  assert.equal(run.document()!.sections.open(flowList), undefined);
});

test('a rule that only sends writes no record, but of a send that its own condition leaves out', () => {
  const run = new EvaluateRun(`
id: a
when: { event: add }
then: [{ send: { channel: webhook } }, { send: { channel: webhook, if: event.properties.n == 1 } }]
`).see(event('add', 0, { n: 2 }));
  assert.deepEqual(run.sends, ['a@0 webhook to u1']);
  assert.deepEqual(recordsOf(run), ['0 skipped 1 condition']);
});

test('a flow that waits is in the stored document, and goes on from it', async () => {
  const run = new EvaluateRun(CART).see(event('add', 0));
  run.storeAndLoad();
  await run.passTo(MINUTE);
  const sent = run.context.valuesTo<Action>('actions').map(({ at, channel, step }) => [at, channel, step]);
  assert.deepEqual(sent, [
    [0, 'email', 0],
    [MINUTE, 'webhook', 2],
  ]);
});

test('a match while a flow of the rule lives is suppressed, begins it anew, or runs beside it, as the rule says', async () => {
  const decided = async (reentry: string): Promise<string[]> => {
    const run = new EvaluateRun(`${CART}order: event-time\nreentry: ${reentry}\n`).see(
      event('add', 0),
      event('add', 10),
    );
    await run.passTo(20);
    return [...run.lines, ...recordsOf(run).filter((line) => line.includes('ended'))];
  };
  assert.deepEqual(await decided('none'), ['cart@0', 'cart@10 in-flow']);
  assert.deepEqual(await decided('restart'), ['cart@0', 'cart@10', '10 ended  restarted']);
  assert.deepEqual(await decided('parallel'), ['cart@0', 'cart@10']);
});
