import assert from 'node:assert/strict';
import { it } from 'node:test';
import { compareFlows } from './compare.ts';
import { play } from './notation.ts';

const THEN = 'then: [{ send: { channel: push } }, { wait: 60s }, { name: mail, send: { channel: email } }]';
const answer = play({
  name: '',
  rules: `{ id: cart, when: { event: add }, ${THEN} }`,
  inputs: ['0 u1 add m1', '0 u2 add m2'],
  end: 100,
});

it('answers that agree have no difference', () => {
  assert.equal(compareFlows(answer, structuredClone(answer)), null);
});

it('a record of another time is shown as missing and as surplus, after what led to it', () => {
  const records = answer.records.map((one) =>
    one.name === 'mail' && one.entity === 'u2' ? { ...one, at: one.at + 1 } : one,
  );
  assert.equal(
    compareFlows(answer, { ...answer, records }),
    [
      'flows: 10 expected, 10 there; they come apart at 8',
      '  0 cart/m2 entered',
      '  0 cart/m2 sent 0 cart/m2:0',
      '  0 cart/m2 waiting 1 until=60',
      '  60 cart/m1 sent 2:mail cart/m1:2',
      '  60 cart/m1 ended completed',
      '- 60 cart/m2 sent 2:mail cart/m2:2',
      '+ 60.001 cart/m2 sent 2:mail cart/m2:2',
    ].join('\n'),
  );
});

it('lines in another order are shown in both', () => {
  const decisions = [...answer.decisions].reverse();
  assert.equal(
    compareFlows(answer, { ...answer, decisions }),
    [
      'decisions: 2 expected, 2 there; they come apart at 0',
      ...['- 0 u1 cart fired m1', '- 0 u2 cart fired m2', '+ 0 u2 cart fired m2', '+ 0 u1 cart fired m1'],
    ].join('\n'),
  );
});

it('actions that are too few or too many are a difference', () => {
  const actions = answer.actions.slice(0, -1);
  const few = 'actions: 4 expected, 3 there; they come apart at 3';
  assert.ok(compareFlows(answer, { ...answer, actions })?.startsWith(few));
  const many = 'actions: 3 expected, 4 there; they come apart at 3';
  assert.ok(compareFlows({ ...answer, actions }, answer)?.startsWith(many));
});
