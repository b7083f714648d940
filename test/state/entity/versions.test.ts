// Documents that an earlier version wrote: their bytes are kept as they were, and stay readable (A2).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { AbsenceState } from '../../../rules/patterns/absence.ts';
import { PATTERN_STATES } from '../../../rules/patterns/index.ts';
import type { Event } from '../../../schemas/event.ts';
import { entityDocumentSpec } from '../../../state/entity/codec.ts';
import { sentFacts } from '../../../state/entity/facts.ts';
import { documentBytes, documentOf } from '../../../state/store/stored-document.ts';
import { check } from '../../rules/kit.ts';

const { ruleSet } = check(
  'id: cart\nwhen: { absence: { after: { event: add_to_cart }, of: { event: purchase }, within: 1h } }\n',
);
const spec = entityDocumentSpec(() => ruleSet);
const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

/** Avro's records have classes of their own; what they hold is compared. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** Written by the version that had schemas/state/entity.v1.avsc as its schema. */
function versionOne(): Buffer {
  const url = new URL('./fixtures/entity-document.v1.base64', import.meta.url);
  return Buffer.from(readFileSync(url, 'utf8'), 'base64');
}

test('a document of version 1 is read with everything in it; what it did not know is empty', () => {
  const bytes = versionOne();
  assert.equal(bytes[0], 1);
  const doc = documentOf(spec, bytes);
  assert.deepEqual([doc.newestTime, doc.evaluatedBefore], [AT, AT - 5_000]);
  for (const id of ['m1', 'm2']) assert.equal(doc.seen.check(id, AT, 0, 100), true, id);
  assert.equal(doc.seen.check('m3', AT, 0, 100), false);
  const [buffered] = doc.buffer as [Event];
  assert.deepEqual(buffered.toJson(), {
    messageId: 'b1',
    type: 'track',
    event: 'add_to_cart',
    userId: 'u1',
    anonymousId: null,
    timestamp: new Date(AT).toISOString(),
    properties: { price: 9.5, tags: ['é', null] },
    traits: { plan: 'pro' },
    context: { ip: '10.0.0.1' },
  });
  assert.equal(buffered.traceparent, null);
  assert.deepEqual(
    [...doc.profile!],
    [
      ['plan', { value: 'pro', at: AT - 1 }],
      ['age', { value: { years: 40 }, at: AT }],
    ],
  );
  assert.deepEqual(plain(doc.sections.open(sentFacts)), [{ channel: 'email', at: AT - 3 }]);
  const [cart, quiet, views] = [...doc.rules.values()];
  assert.deepEqual(cart!.fired, [{ key: 'k', at: AT - 7 }]);
  const { state } = cart!.instances[0]!;
  const { clocks } = state.open(PATTERN_STATES.get('absence')!) as AbsenceState;
  assert.deepEqual([clocks[0]!.start.messageId, clocks[0]!.deadline], ['a1', AT + 3_600_000]);
  assert.equal(quiet!.forgotten, AT - 99);
  assert.equal(quiet!.instances[0]!.by, 'shop-1');
  assert.deepEqual(plain(views!.instances[0]!.state.open(PATTERN_STATES.get('count')!)), {
    kind: 'count',
    entries: [{ at: AT - 2, messageId: 'c1' }],
  });
  assert.equal(spec.dueAt(doc), AT);
});

test('a document of version 1 is written again in the present version, and nothing is lost by it', () => {
  const doc = documentOf(spec, versionOne());
  const present = documentBytes(spec, doc);
  assert.ok(present[0]! > 1);
  const again = documentOf(spec, present);
  assert.deepEqual(documentBytes(spec, again), present);
  assert.deepEqual([again.newestTime, again.rules.size, again.buffer.length], [AT, 3, 1]);
});

test('a document of a version to come is refused, and says that a newer Tripline wrote it', () => {
  const bytes = Buffer.concat([Buffer.from([250]), versionOne().subarray(1)]);
  assert.throws(() => documentOf(spec, bytes), {
    name: 'FatalError',
    code: 'TRG_STATE_MISMATCH',
    message: /version 250.*newer/,
  });
});
