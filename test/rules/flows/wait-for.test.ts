import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Turn } from '../../../rules/flows/step.ts';
import { compiled, errorsOf } from '../kit.ts';

test('the steps behind a waitFor read its event by name, whether it has steps of its own or not', () => {
  for (const then of ['', ', then: [{ set: { seen: answer.properties.x } }]', ', onTimeout: [{ wait: 1h }]']) {
    const rule = compiled(`id: a
when: { event: e }
then:
  - waitFor: { event: reply, as: answer, atMost: 1d${then} }
  - send: { channel: webhook, data: { x: answer.properties.x } }
`);
    assert.deepEqual(rule.program.sends[0]!.captures, ['answer'], then);
  }
});

test('the steps on time-out do not: there was no such event', () => {
  const text = `id: a
when: { event: e }
then:
  - waitFor: { event: reply, as: answer, atMost: 1d, onTimeout: [{ set: { seen: answer.properties.x } }] }
`;
  assert.match(errorsOf(text)[0]!, /^rule.yaml:4:81: unknown name "answer"/);
});

test('an event may be called time-out: without it the flow goes on by onTimeout', () => {
  const rule = compiled(`id: a
when: { event: e }
then:
  - waitFor: { event: time-out, atMost: 1d, then: [{ set: { a: 1 } }], onTimeout: [{ set: { a: 2 } }] }
`);
  assert.deepEqual(rule.program.steps[0]!.onDeadline!({} as Turn), { to: 2 });
});
