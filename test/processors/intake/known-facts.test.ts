import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordError } from '../../../lib/errors.ts';
import { type FactKind, KnownFacts } from '../../../processors/intake/known-facts.ts';
import type { Event } from '../../../schemas/event.ts';
import { CONSENT_EVENT, PROFILE_EVENT, SCORE_EVENT } from '../../../schemas/internal-events.ts';
import type { RecordHeader } from '../../../schemas/record.ts';
import type { ProcessorContext } from '../../../state/processor.ts';
import { RecordingContext, sourceRecord } from '../kit.ts';

const SKEW = 300_000;
/** The time of the records of the kit. */
const RECORD_TIME = 5_000;

function factsOf(kind: FactKind, wall = RECORD_TIME) {
  const facts = new KnownFacts(kind, { maxClockSkewMs: SKEW, recordBytesMax: 100 });
  const context = new RecordingContext();
  context.wall = wall;
  facts.init(context as unknown as ProcessorContext);
  const see = (value: object | string | null, key: string | null = 'u1', headers: readonly RecordHeader[] = []) => {
    const text = value === null || typeof value === 'string' ? value : JSON.stringify(value);
    const { record, ...place } = sourceRecord(text, key).value;
    facts.process({ key: '', value: { ...place, record: { ...record, headers } }, timestamp: RECORD_TIME, headers });
  };
  const known = (): unknown[] =>
    context.forwarded.map(({ message: { key, value, timestamp } }) => {
      const { event, messageId, userId, time, traits, properties } = value as Event;
      assert.equal(timestamp, time);
      return { key, event, messageId, userId, time, traits, properties };
    });
  return { see, known, context };
}

const OF_RECORD = { messageId: 'events.shop-3-7', userId: 'u1', time: RECORD_TIME };

test('a profile is the attributes of the record’s entity, and a deleted one says so (F1)', () => {
  const { see, known, context } = factsOf('profile');
  see({ plan: 'pro', userId: 'other' });
  see(null);
  see({ firmware: 7 }, 'd1', [['tripline-entity', Buffer.from('device')]]);
  const common = { ...OF_RECORD, event: PROFILE_EVENT };
  assert.deepEqual(known(), [
    { ...common, key: 'user/u1', traits: { plan: 'pro', userId: 'other' }, properties: {} },
    { ...common, key: 'user/u1', traits: {}, properties: { deleted: true } },
    { ...common, key: 'device/d1', userId: 'd1', traits: { firmware: 7 }, properties: {} },
  ]);
  assert.deepEqual(context.observed, [], 'it moves nobody’s time (F3)');
});

test('consent is the parts of the record, and a deleted record takes all of it back (F1)', () => {
  const { see, known, context } = factsOf('consent');
  const said = { categories: { news: false }, channels: { email: true }, all: true };
  see(said);
  see(null);
  const common = { ...OF_RECORD, key: 'user/u1', event: CONSENT_EVENT, traits: {} };
  assert.deepEqual(known(), [
    { ...common, properties: said },
    { ...common, properties: { deleted: true } },
  ]);
  assert.deepEqual(context.observed, []);
});

test('an answer of a model is of the time that it is about, and one that is written twice has one id', () => {
  const { see, known } = factsOf('score');
  see({ model: 'fraud', value: 0.5, at: 4_000 });
  see({ model: 'fraud', value: null, at: 4_000 });
  const common = { key: 'user/u1', event: SCORE_EVENT, messageId: 'score-fraud-4000', userId: 'u1', time: 4_000 };
  assert.deepEqual(known(), [
    { ...common, traits: {}, properties: { model: 'fraud', value: 0.5 } },
    { ...common, traits: {}, properties: { model: 'fraud', value: null } },
  ]);
});

test('what cannot be used is refused with its reason, and goes no further (F1)', () => {
  const deep = `${'{"a":'.repeat(101)}1${'}'.repeat(101)}`;
  const cases: readonly [FactKind, object | string | null, string | null, string, RegExp][] = [
    ['profile', { a: 1 }, null, 'TRG_RECORD_INVALID', /^the record has no key, which is the entity id$/],
    ['profile', { a: 1 }, '', 'TRG_RECORD_INVALID', /^the record has no key/],
    [
      'profile',
      '{"email":"a@',
      'u1',
      'TRG_RECORD_UNREADABLE',
      /^the record is not JSON: it ends inside of a text: it is cut off/,
    ],
    ['profile', '[]', 'u1', 'TRG_RECORD_INVALID', /^the record must be a JSON object$/],
    ['profile', { text: 'x'.repeat(100) }, 'u1', 'TRG_RECORD_TOO_LARGE', /^the record has 111 bytes/],
    ['consent', { all: 'no' }, 'u1', 'TRG_RECORD_INVALID', /^"all" must be true or false$/],
    ['consent', { channels: false }, 'u1', 'TRG_RECORD_INVALID', /^"channels" must be an object of true and false$/],
    ['consent', { email: false }, 'u1', 'TRG_RECORD_INVALID', /^unknown field "email"/],
    ['score', null, 'u1', 'TRG_RECORD_INVALID', /^an answer has a model, a value and the time it is about$/],
    ['score', { model: 'm', value: '1', at: 1 }, 'u1', 'TRG_RECORD_INVALID', /^an answer has/],
    ['score', { model: 'm', value: 1, at: -1 }, 'u1', 'TRG_RECORD_INVALID', /^an answer has/],
    ['score', { model: 'm', value: 1, at: 1.5 }, 'u1', 'TRG_RECORD_INVALID', /^an answer has/],
    ['score', { model: 5, value: 1, at: 1 }, 'u1', 'TRG_RECORD_INVALID', /^an answer has/],
  ];
  for (const [kind, value, key, code, message] of cases) {
    const { see, known } = factsOf(kind);
    assert.throws(() => see(value, key), { name: 'RecordError', code, message }, `${kind} ${JSON.stringify(value)}`);
    assert.deepEqual(known(), []);
  }
  const facts = new KnownFacts('profile', { maxClockSkewMs: SKEW, recordBytesMax: 10_000 });
  facts.init(new RecordingContext() as unknown as ProcessorContext);
  assert.throws(
    () => facts.process(sourceRecord(deep, 'u1')),
    (error) => error instanceof RecordError && /nested deeper than \d+ levels/.test(error.message),
  );
});

test('a record stamped exactly maxClockSkew ahead is taken, one a millisecond further is refused', () => {
  const ahead = factsOf('profile', RECORD_TIME - SKEW);
  ahead.see({ plan: 'pro' });
  assert.equal(ahead.known().length, 1);
  const further = factsOf('profile', RECORD_TIME - SKEW - 1);
  assert.throws(() => further.see({ plan: 'pro' }), { name: 'RecordError', code: 'TRG_RECORD_IN_FUTURE' });
  assert.deepEqual(further.known(), []);
});

test('a type of entity that would make the key of somebody else’s document is refused', () => {
  const { see, known } = factsOf('profile');
  for (const type of ['user/u2', '', 'User', 'a b']) {
    const send = () => see({ plan: 'pro' }, 'u1', [['tripline-entity', Buffer.from(type)]]);
    assert.throws(send, { code: 'TRG_RECORD_INVALID', message: /names no type of entity/ });
  }
  assert.deepEqual(known(), []);
});
