import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyAttributes } from '../../../processors/evaluate/facts.ts';
import { EntityScope } from '../../../processors/evaluate/scope.ts';
import { ruleSetOf } from '../../../rules/project/rule-set.ts';
import type { Event } from '../../../schemas/event.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import { type EntityDocument, emptyEntityDocument } from '../../../state/entity/document.ts';
import { sentFacts } from '../../../state/entity/facts.ts';
import { event, unexpected } from '../../rules/kit.ts';

const RULES = ruleSetOf([]);
const NEEDS = RULES.needs('user');

function scopeOf(document: EntityDocument, withBuffered: boolean): EntityScope {
  return new EntityScope({ document, rules: RULES, withBuffered, segmentFailed: unexpected });
}

function identify(time: number, traits: JsonObject): Event {
  return event('identify', time, {}, { type: 'identify', traits });
}

test('sent counts (now - D, now], by channel or of any', () => {
  const document = emptyEntityDocument();
  document.sections.put(sentFacts, [
    { channel: 'email', at: 100 },
    { channel: 'sms', at: 150 },
    { channel: 'email', at: 200 },
    { channel: 'email', at: 201 },
  ]);
  const scope = scopeOf(document, false);
  scope.now = 200;
  assert.equal(scope.sent('any', 100), 2);
  assert.equal(scope.sent('any', 101), 3);
  assert.equal(scope.sent('email', 101), 2);
  assert.equal(scope.sent('push', 1_000), 0);
});

test('of two messages for one attribute the later-stamped stays, of equal stamps the later read', () => {
  const document = emptyEntityDocument();
  applyAttributes(document, identify(20, { plan: 'pro', city: 'Oslo' }), NEEDS);
  applyAttributes(document, identify(10, { plan: 'free', name: 'Ann' }), NEEDS);
  applyAttributes(document, identify(20, { city: 'Rome' }), NEEDS);
  const scope = scopeOf(document, false);
  assert.deepEqual(scope.profile, { plan: 'pro', city: 'Rome', name: 'Ann' });
});

test('in order of arrival the profile has what waits in the buffer too, in event-time order it has not', () => {
  const document = emptyEntityDocument();
  applyAttributes(document, identify(10, { plan: 'free', name: 'Ann' }), NEEDS);
  document.buffer = [identify(20, { plan: 'pro' }), event('paid', 30, {}, { traits: { plan: 'no trait' } })];
  assert.deepEqual(scopeOf(document, true).profile, { plan: 'pro', name: 'Ann' });
  assert.deepEqual(scopeOf(document, false).profile, { plan: 'free', name: 'Ann' });
});
