// docs/files.md and what a backtest writes name the same fields.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Action, actionJson } from '../../schemas/action.ts';
import { type Decision, decisionJson } from '../../schemas/decision.ts';

const page = readFileSync(new URL('../../docs/files.md', import.meta.url), 'utf8');

const DECISION: Decision = {
  id: '41',
  rule: 'come-back',
  ruleVersion: '9c',
  entity: { type: 'user', id: 'u1' },
  at: 0,
  outcome: 'fired',
  reason: null,
  events: ['m1'],
  values: {},
  variant: null,
  flow: null,
  step: 0,
  passedOver: [{ step: 0, channel: 'email', reason: 'consent' }],
  gathered: [{ step: 1, digest: '42', until: 3_600_000 }],
  digest: null,
};
/** Whatever may be left out is there. */
const WHOLE = decisionJson({ ...DECISION, digest: { id: '42', items: 2 } });

function codesOf(text: string): string[] {
  return [...text.matchAll(/`(\w+)`/g)].map(([, name]) => name!);
}

test('the table of a decision has each field of decisions.jsonl, and no other, in their order', () => {
  const [, table] = /^Fields of a decision:\n\n(.*?)\n\n/ms.exec(page)!;
  const names = table!.split('\n').flatMap((row) => codesOf(row.split(' | ')[0]!));
  assert.deepEqual(names, Object.keys(WHOLE));
});

test('the example of a decision has these fields, in this order', () => {
  const [, line] = /^```json\n(\{"id":.*)\n```$/m.exec(page)!;
  assert.deepEqual(Object.keys(JSON.parse(line!)), Object.keys(decisionJson(DECISION)));
});

test('fields of an action are named as in actions.jsonl, in their order', () => {
  const action: Action = {
    ...DECISION,
    decision: DECISION.id,
    channel: 'sms',
    fallback: [],
    template: null,
    urgency: 'marketing',
    category: null,
    attempt: 1,
    validUntil: null,
    ratePerSecond: null,
    devices: [],
    data: {},
    context: {},
  };
  const [, sentence] = /^Fields of an action: (.*?)\. The topics/ms.exec(page)!;
  assert.deepEqual(codesOf(sentence!), Object.keys(actionJson(action)));
});
