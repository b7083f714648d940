import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyAttributes } from '../../../processors/evaluate/facts.ts';
import { EntityScope } from '../../../processors/evaluate/scope.ts';
import { lookAtSegments, segmentsChangeAt } from '../../../processors/evaluate/segments.ts';
import { emptyEntityDocument } from '../../../state/entity/document.ts';
import { membership } from '../../../state/entity/membership.ts';
import { check, event, unexpected } from '../../rules/kit.ts';
import { EvaluateRun } from '../kit.ts';

const RULES = `{ id: in, when: { segment: { enters: vip } } }\n---\n{ id: out, when: { segment: { leaves: vip } } }`;

function segments(text: string) {
  const { ruleSet, errors } = check(RULES, { context: { segments: [{ file: 'segments.yaml', text }] } });
  assert.deepEqual(errors, []);
  return ruleSet;
}

test('of what one event brings, exits are told before entries, and membership is kept with its beginning', () => {
  const rules = segments(`{ id: any, where: 'profile.plan != null' }
---
{ id: free, where: 'profile.plan == "free"' }
---
{ id: vip, where: 'profile.plan == "pro"' }`);
  const document = emptyEntityDocument();
  const look = (now: number, plan: string) => {
    applyAttributes(document, event('identify', now, {}, { type: 'identify', traits: { plan } }), rules.needs('user'));
    const scope = new EntityScope({ document, rules, withBuffered: true, segmentFailed: unexpected });
    return lookAtSegments(document, rules.segments('user'), 'arrival', now, scope, () => unexpected);
  };
  assert.deepEqual(look(1, 'pro'), [
    { change: 'enters', segment: 'any', at: 1 },
    { change: 'enters', segment: 'vip', at: 1 },
  ]);
  assert.deepEqual(look(2, 'free'), [
    { change: 'leaves', segment: 'vip', at: 2 },
    { change: 'enters', segment: 'free', at: 2 },
  ]);
  assert.deepEqual(look(3, 'free'), []);
  assert.deepEqual(document.sections.open(membership), [
    {
      lane: 'arrival',
      evaluatedAt: 3,
      changesAt: Infinity,
      members: [
        { segment: 'any', since: 1 },
        { segment: 'free', since: 2 },
      ],
    },
  ]);
  assert.equal(segmentsChangeAt(document, 'event-time'), Infinity);
});

test('an event that arrives behind the last look counts as of that look (M2)', async () => {
  const rules = segments(`{ id: vip, where: 'count("paid", "10ms") >= 2' }`);
  const found = new EvaluateRun(() => rules).see(event('paid', 20), event('paid', 21), event('paid', 5));
  assert.deepEqual(found.lines, ['in@21']);
  found.see(event('paid', 16));
  assert.deepEqual(found.lines, ['in@21']);
  await found.passTo(29);
  assert.deepEqual(found.lines, ['in@21']);
  await found.passTo(100);
  assert.deepEqual(found.lines, ['in@21', 'out@30']);
});
