import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FLOW_CASES } from './cases.ts';
import { actionText, decisionText, recordText } from './lines.ts';
import { play } from './notation.ts';

describe('the interpreter of flows', () => {
  for (const one of FLOW_CASES) {
    it(one.name, () => {
      const answer = play(one);
      if (one.decisions !== undefined) assert.deepEqual(answer.decisions.map(decisionText), one.decisions);
      if (one.flows !== undefined) assert.deepEqual(answer.records.map(recordText), one.flows);
      if (one.actions !== undefined) assert.deepEqual(answer.actions.map(actionText), one.actions);
      assert.deepEqual(answer.late, one.late ?? []);
    });
  }

  it('refuses what it does not model, so that it never agrees by ignorance', () => {
    const when = 'when: { event: add }';
    for (const [rules, what] of [
      [`{ id: a, ${when}, then: [{ send: { channel: auto } }] }`, /channel auto/],
      [`{ id: a, ${when}, then: [{ send: { channel: push, rate: 1/s } }] }`, /send\.rate/],
      [`{ id: a, ${when}, then: [{ branch: [{ else: [{ send: { channel: push, digest: {} } }] }] }] }`, /send\.digest/],
      [`{ id: a, ${when}, then: [{ emit: { event: x, to: { segment: vip } } }] }`, /emit to a segment/],
      [`{ id: a, ${when}, then: [{ exit: true, wait: 5s }] }`, /exactly one thing/],
      [`{ id: a, ${when}, migrate: reset }`, /rule\.migrate/],
      ['{ id: a, order: arrival, when: { inactive: { for: 60s } } }', /deadlines in order of arrival/],
    ] as const) {
      assert.throws(() => play({ name: '', rules, inputs: [], end: 0 }), what);
    }
  });

  it('has cases with names of their own, each of which expects something', () => {
    assert.equal(new Set(FLOW_CASES.map(({ name }) => name)).size, FLOW_CASES.length);
    for (const { name, decisions, flows, actions } of FLOW_CASES) assert.ok(decisions ?? flows ?? actions, name);
  });
});
