import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONSENT_EVENT } from '../../../schemas/internal-events.ts';
import { entityJson } from '../../../services/state/entity-json.ts';
import { EvaluateRun } from '../../processors/kit.ts';
import { check, event } from '../../rules/kit.ts';

test('what is known of an entity beside its profile is shown, and what of it waits', () => {
  const segments = [{ file: 's.yaml', text: 'id: vip\nwhere: count("paid", "1d") > 0' }];
  const caps = [{ file: 'c.yaml', text: '- { max: 9, per: 1d }' }];
  const text = `{ id: a, when: { event: paid }, exclusive: x, then: [{ send: { channel: webhook } }] }
---
{ id: b, when: { event: paid }, review: 'true' }`;
  const { ruleSet } = check(text, { context: { segments, caps } });
  const run = new EvaluateRun(() => ruleSet);
  run.see(event(CONSENT_EVENT, 1_000, { all: false }, { type: 'consent' }), event('paid', 2_000));
  const shown = entityJson('entities_0', { key: 'user/u1', doc: run.document()!, dueAt: 0, bytes: 9 }, ruleSet);
  const at = (second: number): string => new Date(second * 1_000).toISOString();
  assert.deepEqual(shown['consent'], [{ category: '*', allowed: false, at: at(1) }]);
  assert.deepEqual(shown['history'], { paid: { kept: 1, newest: at(2) } });
  const member = { segment: 'vip', since: at(2) };
  assert.deepEqual(shown['segments'], [
    { lane: 'arrival', evaluatedAt: at(2), changesAt: at(86_402), members: [member] },
  ]);
  assert.deepEqual(shown['countedByCaps'], [{ at: at(2), category: null, channels: ['webhook'] }]);
  assert.deepEqual(shown['exclusive'], [{ group: 'x', rule: 'a', until: at(2) }]);
  assert.deepEqual(shown['waiting'], [{ rule: 'b', reason: 'review', at: at(2), due: '1970-01-08T00:00:02.000Z' }]);
});
