import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AbsenceState } from '../../../rules/patterns/absence.ts';
import type { CountState } from '../../../rules/patterns/count/at-least.ts';
import type { InactiveState } from '../../../rules/patterns/inactive.ts';
import { PATTERN_STATES } from '../../../rules/patterns/index.ts';
import { avroBytes } from '../../../schemas/avro-bytes.ts';
import { avroCodec } from '../../../schemas/codec.ts';
import { Event } from '../../../schemas/event.ts';
import type { Json } from '../../../schemas/json.ts';
import { Section, Sections } from '../../../schemas/section.ts';
import { entityDocumentSpec } from '../../../state/entity/codec.ts';
import {
  deadlineMoved,
  type EntityDocument,
  earliestDeadline,
  emptyEntityDocument,
  entityKey,
  entityOfKey,
} from '../../../state/entity/document.ts';
import { sentFacts } from '../../../state/entity/facts.ts';
import { RuleMemories, type RuleMemory } from '../../../state/entity/rule-memories.ts';
import { documentBytes, documentOf } from '../../../state/store/stored-document.ts';
import { check } from '../../rules/kit.ts';

const { ruleSet } = check(`
id: cart
when: { absence: { after: { event: add_to_cart, as: cart }, of: { event: purchase }, within: 1h, restart: each } }
---
id: quiet
when: { inactive: { for: 1h } }
---
id: views
when: { count: { event: view, atLeast: 3, within: 1h } }
`);
const spec = entityDocumentSpec(() => ruleSet);

const time = fc.integer({ min: 0, max: 4e12 });
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as Json);
const part = fc.option(fc.dictionary(text, json, { maxKeys: 4 }), { nil: undefined });
const event = fc
  .record({
    messageId: text,
    type: fc.constantFrom('track', 'identify'),
    event: text,
    userId: fc.option(text),
    anonymousId: fc.option(text),
    time,
    properties: part,
    traits: part,
    context: part,
    traceparent: fc.constantFrom(null, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
  })
  .map(({ properties, traits, context, traceparent, ...fields }) => {
    const made = new Event({
      ...fields,
      ...(properties && { properties }),
      ...(traits && { traits }),
      ...(context && { context }),
    });
    made.traceparent = traceparent;
    return made;
  });
type StoredState = AbsenceState | InactiveState | CountState;

function stored(state: StoredState): Section {
  return Section.of(PATTERN_STATES.get(state.kind)!, state);
}

const state: fc.Arbitrary<StoredState> = fc.oneof(
  fc.record({
    kind: fc.constant('absence' as const),
    clocks: fc.array(fc.record({ start: event, deadline: time }), { maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('inactive' as const), last: event, deadline: time, fired: fc.boolean() }),
  fc.record({
    kind: fc.constant('count' as const),
    entries: fc.array(fc.record({ at: time, messageId: text }), { maxLength: 3 }),
  }),
);
const section = state.map(stored);
const memory: fc.Arbitrary<RuleMemory> = fc.record({
  rule: text,
  fired: fc.array(fc.record({ key: text, at: time }), { maxLength: 3 }),
  forgotten: fc.oneof(fc.constant(-1), time),
  instances: fc.array(fc.record({ by: text, state: section }), { maxLength: 3 }),
});

const document = fc
  .record({
    newestTime: time,
    evaluatedBefore: time,
    ids: fc.array(text, { maxLength: 5 }),
    buffer: fc.array(event, { maxLength: 3 }),
    profile: fc.array(fc.tuple(text, fc.record({ value: json, at: time })), { maxLength: 4 }),
    sent: fc.array(fc.record({ channel: text, at: time }), { maxLength: 3 }),
    rules: fc.array(memory, { maxLength: 3 }),
  })
  .map(({ ids, profile, rules, sent, ...fields }): EntityDocument => {
    const byId = new Map(rules.map((each) => [each.rule, each]));
    const made = { ...emptyEntityDocument(), ...fields, rules: new RuleMemories([...byId.values()]) };
    for (const id of ids) made.seen.check(id, 5, 0, 100);
    if (sent.length > 0) made.sections.put(sentFacts, sent);
    if (profile.length > 0) made.profile = new Map(profile);
    return made;
  });

/** The document as plain data: what the classes in it hold. */
function plain(doc: EntityDocument): unknown {
  const { deadline: _derived, ...kept } = doc;
  return JSON.parse(
    JSON.stringify(kept, (_name, value: unknown) => {
      if (value instanceof Event) return [value.toJson(), value.traceparent];
      if (value instanceof Map) return [...value];
      if (value instanceof RuleMemories) return value.values();
      if (value instanceof Sections) return value.all;
      return value === doc.seen ? avroBytes((out) => doc.seen.encode(out)).toString('hex') : value;
    }),
  );
}

test('every field and every pattern’s state is read back as it was written', () => {
  fc.assert(
    fc.property(document, (doc) => {
      const again = documentOf(spec, documentBytes(spec, doc));
      assert.deepEqual(plain(again), plain(doc));
      assert.deepEqual(documentBytes(spec, again), documentBytes(spec, doc));
    }),
    { numRuns: 300 },
  );
});

test('its bytes are those of its schema’s own codec', () => {
  const schema = avroCodec<unknown>('state/entity');
  fc.assert(
    fc.property(document, (doc) => {
      const [version, ...record] = documentBytes(spec, doc);
      assert.equal(version, 3);
      assert.deepEqual(schema.encode(schema.decode(Buffer.from(record))), Buffer.from(record));
    }),
    { numRuns: 300 },
  );
});

test('an empty document has a few bytes and is never due', () => {
  const doc = emptyEntityDocument();
  assert.ok(documentBytes(spec, doc).length <= 10);
  assert.equal(spec.dueAt(doc), Infinity);
});

function eventAt(at: number): Event {
  return new Event({ messageId: 'm', type: 'track', event: 'view', userId: 'u', anonymousId: null, time: at });
}

function memoryWith(rule: string, ...states: readonly StoredState[]): RuleMemory {
  return {
    rule,
    fired: [],
    forgotten: -1,
    instances: states.map((each, i) => ({ by: String(i), state: stored(each) })),
  };
}

function documentWith(...memories: readonly RuleMemory[]): EntityDocument {
  return { ...emptyEntityDocument(), rules: new RuleMemories([...memories]) };
}

test('a document is due at its earliest deadline, or at its first buffered event if that is earlier (N1)', () => {
  const doc = documentWith(
    memoryWith(
      'cart',
      { kind: 'absence', clocks: [{ start: eventAt(1), deadline: 900 }] },
      { kind: 'absence', clocks: [{ start: eventAt(1), deadline: 700 }] },
    ),
    memoryWith('quiet', { kind: 'inactive', last: eventAt(1), deadline: 800, fired: false }),
    memoryWith('views', { kind: 'count', entries: [{ at: 1, messageId: 'm' }] }),
  );
  assert.equal(spec.dueAt(doc), 700);
  doc.buffer.push(eventAt(600), eventAt(650));
  assert.equal(spec.dueAt(doc), 600);
});

test('a silence that was reported, a rule that is gone and a state of another kind make nothing due', () => {
  const inactive = { kind: 'inactive', last: eventAt(1), deadline: 800 } as const;
  assert.equal(spec.dueAt(documentWith(memoryWith('quiet', { ...inactive, fired: true }))), Infinity);
  assert.equal(spec.dueAt(documentWith(memoryWith('gone', { ...inactive, fired: false }))), Infinity);
  assert.equal(spec.dueAt(documentWith(memoryWith('cart', { ...inactive, fired: false }))), Infinity);
});

test('the earliest deadline stays right through any moves that are told', () => {
  const move = fc.tuple(fc.nat(3), fc.option(fc.integer({ min: 0, max: 9 }), { nil: Infinity }), fc.boolean());
  fc.assert(
    fc.property(fc.array(move, { maxLength: 30 }), (moves) => {
      const silences = [0, 1, 2, 3].map(() => ({
        kind: 'inactive' as const,
        last: eventAt(1),
        deadline: 5,
        fired: false,
      }));
      const doc = documentWith(memoryWith('quiet', ...silences));
      for (const [which, to, asks] of moves) {
        const silence = silences[which]!;
        const from = silence.fired ? Infinity : silence.deadline;
        silence.fired = to === Infinity;
        if (to !== Infinity) silence.deadline = to;
        deadlineMoved(doc, from, to);
        if (!asks) continue;
        const running = silences.filter((each) => !each.fired).map((each) => each.deadline);
        assert.equal(earliestDeadline(doc, ruleSet), Math.min(Infinity, ...running));
      }
    }),
    { numRuns: 500 },
  );
});

test('other rules have other deadlines, in the same document too', () => {
  const silence = { kind: 'inactive', last: eventAt(1), deadline: 800, fired: false } as const;
  const doc = documentWith(memoryWith('quiet', silence));
  assert.equal(earliestDeadline(doc, ruleSet), 800);
  assert.equal(earliestDeadline(doc, check('id: other\nwhen: { event: x }').ruleSet), Infinity);
});

test('a key tells the entity, also when the id has slashes', () => {
  assert.deepEqual(entityOfKey(entityKey('device', 'a/b/c')), { type: 'device', id: 'a/b/c' });
});

test('a document of version 1, whose events have no traceparent, is read (A2)', () => {
  const record = { messageId: 'm1', type: 'track', event: 'view', userId: 'u1', anonymousId: null, timestamp: 5 };
  const waiting = { ...record, properties: Buffer.from('{"a":1}'), traits: null, context: null };
  const before = avroCodec<unknown>('state/entity.v1').encode({
    newestTime: 7,
    evaluatedBefore: 6,
    seen: Buffer.alloc(0),
    buffer: [Event.fromRecord(waiting)],
    profile: [{ name: 'plan', value: 'pro', at: 3 }],
    sent: [],
    rules: [
      {
        rule: 'cart',
        fired: [{ key: '', at: 2 }],
        forgotten: -1,
        instances: [
          {
            by: '',
            state: {
              'dev.tripline.state.absence': { clocks: [{ start: Event.fromRecord(waiting), deadline: 3_600_005 }] },
            },
          },
        ],
      },
    ],
  });
  const doc = documentOf(spec, Buffer.concat([Uint8Array.of(1), before]));
  assert.equal(doc.newestTime, 7);
  assert.equal(doc.buffer[0]!.messageId, 'm1');
  assert.deepEqual(doc.buffer[0]!.properties, { a: 1 });
  assert.equal(doc.buffer[0]!.traceparent, null);
  const { state } = doc.rules.get('cart')!.instances[0]!;
  const { clocks } = state.open(PATTERN_STATES.get('absence')!) as AbsenceState;
  assert.ok(clocks[0]!.start instanceof Event);
  assert.equal(clocks[0]!.deadline, 3_600_005);
  assert.equal(spec.dueAt(doc), 5);
  assert.equal(documentBytes(spec, doc)[0], 3);
});
