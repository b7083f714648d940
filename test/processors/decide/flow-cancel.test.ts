// A flow that somebody cancels.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeCommand, encodeCommand } from '../../../schemas/commands.ts';
import type { FlowRecord } from '../../../schemas/flow-record.ts';
import { COMMAND_EVENT } from '../../../schemas/internal-events.ts';
import { event } from '../../rules/kit.ts';
import { EvaluateRun } from '../kit.ts';

const HOUR = 3_600_000;
const RULES = `id: slow
when: { event: x }
reentry: parallel
exclusive: g
then: [{ send: { channel: webhook } }, { wait: 10h }, { send: { channel: webhook } }]
---
id: other
when: { event: y }
then: [{ wait: 10h }]`;

const recordsOf = (run: EvaluateRun) => run.context.valuesTo<FlowRecord>('flows');
const endsOf = (run: EvaluateRun) =>
  recordsOf(run).flatMap(({ kind, rule, at, reason, by }) => (kind === 'ended' ? [[rule, at, reason, by]] : []));

function cancel(rule: string, flow: string, at: number) {
  const properties = { kind: 'flow-cancel', rule, flow, by: 'ann', at };
  return event(COMMAND_EVENT, at, properties, { type: 'command' });
}

test('a flow that is cancelled ends at once, with who did it; what it wrote is cancelled, and nothing of it comes any more', async () => {
  const run = new EvaluateRun(RULES).see(event('x', 1_000), event('y', 2_000));
  const [{ flow }] = recordsOf(run) as [FlowRecord];
  run.context.streamTime = () => HOUR;
  run.see(cancel('slow', flow, 2 * HOUR));
  run.storeAndLoad();
  await run.passTo(11 * HOUR);
  assert.deepEqual(endsOf(run), [
    ['slow', HOUR, 'cancelled', 'ann'],
    ['other', 2_000 + 10 * HOUR, 'completed', null],
  ]);
  assert.equal(run.context.valuesTo('actions').length, 1);
  assert.deepEqual(
    run.context.valuesTo<{ flow: string; at: number }>('cancellations').map(({ flow: of, at }) => [of, at]),
    [[flow, HOUR]],
  );
});

test('another flow, another rule, and one that has ended are left alone', async () => {
  const run = new EvaluateRun(RULES).see(event('x', 1_000));
  const [{ flow }] = recordsOf(run) as [FlowRecord];
  run.see(cancel('slow', 'another', HOUR), cancel('other', flow, HOUR));
  assert.deepEqual(endsOf(run), []);
  run.context.streamTime = () => HOUR;
  run.see(cancel('slow', flow, HOUR), cancel('slow', flow, 2 * HOUR));
  assert.deepEqual(endsOf(run), [['slow', HOUR, 'cancelled', 'ann']]);
});

test('a flow that began beyond what has been put in order ends where it waits, not in its past (C2)', () => {
  const run = new EvaluateRun(RULES).see(event('x', 5 * HOUR));
  const [{ flow }] = recordsOf(run) as [FlowRecord];
  run.see(cancel('slow', flow, HOUR));
  assert.deepEqual(endsOf(run), [['slow', 5 * HOUR, 'cancelled', 'ann']]);
});

test('a command is read to the last field, and one that lacks something is refused by name', () => {
  const command = { kind: 'flow-cancel', rule: 'r', flow: 'f', by: 'ann', at: 1 } as const;
  assert.deepEqual(decodeCommand(encodeCommand(command)), command);
  for (const [change, message] of [
    [{ rule: '' }, /"rule" of the flow-cancel/],
    [{ flow: 7 }, /"flow" of the flow-cancel/],
    [{ by: 'x'.repeat(201) }, /"by" of the flow-cancel/],
    [{ at: 'now' }, /"at" of the flow-cancel/],
  ] as const) {
    const bytes = encodeCommand({ ...command, ...change } as never);
    assert.throws(() => decodeCommand(bytes), { code: 'TRG_RECORD_INVALID', message });
  }
});

test('a match after the end begins anew, also where the clock of whoever cancelled is far ahead (C2)', () => {
  const run = new EvaluateRun('id: one\nwhen: { event: x }\nthen: [{ wait: 10h }]').see(event('x', 1_000));
  const [{ flow }] = recordsOf(run) as [FlowRecord];
  run.context.streamTime = () => 2_000;
  run.see(cancel('one', flow, 5 * HOUR), event('x', HOUR));
  assert.deepEqual(
    recordsOf(run).map(({ kind, at }) => [kind, at]),
    [
      ['entered', 1_000],
      ['waiting', 1_000],
      ['ended', 2_000],
      ['entered', HOUR],
      ['waiting', HOUR],
    ],
  );
});
