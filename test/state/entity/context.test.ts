import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import avsc from 'avsc';
import { Event } from '../../../schemas/event.ts';
import { entityDocumentSpec } from '../../../state/entity/codec.ts';
import { contextDue, emptyContext } from '../../../state/entity/context.ts';
import { contextOf, emptyEntityDocument } from '../../../state/entity/document.ts';
import { EventTimes } from '../../../state/entity/event-times.ts';
import { documentBytes, documentOf } from '../../../state/store/document-store.ts';
import { check } from '../../rules/kit.ts';

const { ruleSet } = check('id: views\nwhen: { event: view }');
const spec = entityDocumentSpec(() => ruleSet);

const paid = new Event({
  messageId: 'm1',
  type: 'track',
  event: 'paid',
  userId: 'u1',
  anonymousId: null,
  time: 5,
  properties: { value: 3 },
});

test('everything in the context is read back as it was written', () => {
  const doc = emptyEntityDocument();
  const context = contextOf(doc);
  context.account = new Map([['plan', { value: 'pro', at: 3 }]]);
  context.consent = [{ category: 'promotions', allowed: false, at: 4 }];
  context.history = new Map([['view', new EventTimes()]]);
  for (const time of [7, 5, 7]) context.history.get('view')!.add(time, 1_000);
  context.segments = [
    { lane: 'arrival', evaluatedAt: 9, changesAt: Infinity, members: [{ segment: 'vip', since: 8 }] },
    { lane: 'event-time', evaluatedAt: 9, changesAt: 12, members: [] },
  ];
  context.fired = [{ at: 5, category: null, channels: ['email'] }];
  context.forgotten = 2;
  context.holds = [{ group: 'checkout', rule: 'cart', from: 5, until: 5 }];
  const captures = [{ name: 'order', events: [paid], isList: false }];
  const candidate = { rule: 'views', at: 5, events: ['m1'], captures };
  context.held = [
    { ...candidate, reason: 'quiet-hours', due: 50, event: paid },
    { ...candidate, reason: 'review', due: Infinity, event: null },
  ];
  context.scores = [
    { model: 'churn', value: 0.25, at: 5 },
    { model: 'fraud', value: null, at: 6 },
  ];
  const again = documentOf(spec, documentBytes(spec, doc));
  assert.deepEqual(documentBytes(spec, again), documentBytes(spec, doc));
  assert.equal(again.context!.history!.get('view')!.countIn(0, 10), 3);
  assert.deepEqual(again.context!.held[0]!.event!.toJson(), paid.toJson());
  const { history: _history, held: _held, ...rest } = again.context!;
  const { history: _1, held: _2, ...expected } = context;
  assert.deepEqual(rest, expected);
  assert.equal(again.context!.held[1]!.due, Infinity);
  assert.equal(contextDue(again.context), 12);
  assert.equal(spec.dueAt(again), 12);
});

test('an empty context is never due', () => {
  assert.equal(contextDue(emptyContext()), Infinity);
  assert.equal(contextDue(null), Infinity);
});

test('a document that version 1 wrote is read', () => {
  const text = readFileSync(new URL('../../../schemas/state/entity.v1.avsc', import.meta.url), 'utf8');
  const type = avsc.Type.forSchema(JSON.parse(text), { wrapUnions: 'auto' });
  const body = type.toBuffer({
    newestTime: 5,
    evaluatedBefore: 4,
    seen: Buffer.alloc(0),
    buffer: [],
    profile: [{ name: 'plan', value: '"pro"', at: 5 }],
    sent: [{ channel: 'email', at: 3 }],
    rules: [
      {
        rule: 'views',
        fired: [],
        forgotten: -1,
        instances: [{ by: '', state: { 'dev.tripline.state.count': { entries: [{ at: 5, messageId: 'm' }] } } }],
      },
    ],
  });
  const doc = documentOf(spec, Buffer.concat([Uint8Array.of(1), body]));
  assert.equal(doc.context, null);
  assert.deepEqual(doc.profile?.get('plan'), { value: 'pro', at: 5 });
  // Avro's records have classes of their own; what they hold is compared.
  const { state } = doc.rules.get('views')!.instances[0]!;
  assert.deepEqual(JSON.parse(JSON.stringify(state)), { entries: [{ at: 5, messageId: 'm' }], kind: 'count' });
});
