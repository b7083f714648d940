import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordError } from '../../../lib/errors.ts';
import { Intake, type IntakeOptions } from '../../../processors/intake/intake.ts';
import type { Event } from '../../../schemas/event.ts';
import type { ProcessorContext } from '../../../state/processor.ts';
import { RecordingContext, sourceRecord } from '../kit.ts';

const WALL = 1_000_000;
const SKEW = 300_000;

function intakeOf(options: Partial<IntakeOptions> & { keyed?: boolean } = {}) {
  const intake = new Intake({
    source: { topic: 'events.shop', format: 'segment', keyed: options.keyed ?? false, entity: 'user' },
    maxClockSkewMs: SKEW,
    recordBytesMax: 200,
    useRecordTime: true,
    ...options,
  });
  const context = new RecordingContext();
  context.wall = WALL;
  intake.init(context as unknown as ProcessorContext);
  return { intake, context };
}

function message(fields: object = {}): string {
  return JSON.stringify({ type: 'track', userId: 'u1', event: 'paid', ...fields });
}

function refusal(work: () => void): RecordError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof RecordError);
    return error;
  }
  return assert.fail('it was accepted');
}

/** What went on, and to whom: `entity event@time`. */
function wentOn({ forwarded }: RecordingContext): string[] {
  return forwarded.map(({ to, message: { key, value, timestamp } }) => {
    const event = value as Event;
    assert.equal(to, undefined);
    assert.equal(timestamp, event.time);
    return `${key} ${event.event}@${event.time}`;
  });
}

test('a record becomes an event keyed by its entity, and moves the input’s time (T1)', () => {
  const { intake, context } = intakeOf();
  intake.process(sourceRecord(message({ timestamp: 9_000, properties: { n: 1 } })));
  assert.deepEqual(wentOn(context), ['user/u1 paid@9000']);
  const { messageId, type, userId, properties } = context.forwarded[0]!.message.value as Event;
  assert.deepEqual([messageId, type, userId, properties], ['events.shop-3-7', 'track', 'u1', { n: 1 }]);
  assert.deepEqual(context.observed, [9_000]);
});

test('an event that concerns several entities goes to each of them, once (T3)', () => {
  const others = [
    { entity: 'device', id: 'properties.device' },
    { entity: 'user', id: 'properties.friend' },
  ];
  const source = { topic: 'events.shop', format: 'segment', keyed: false, entity: 'user', others } as const;
  const { intake, context } = intakeOf({ source });
  intake.process(sourceRecord(message({ timestamp: 9_000, properties: { device: 'd1', friend: 'u1' } })));
  intake.process(sourceRecord(message({ timestamp: 9_001, properties: { friend: 'u2' } })));
  assert.deepEqual(wentOn(context), [
    'user/u1 paid@9000',
    'device/d1 paid@9000',
    'user/u1 paid@9001',
    'user/u2 paid@9001',
  ]);
  assert.deepEqual(context.observed, [9_000, 9_001]);
});

test('an event that nobody asks for moves the input’s time, is counted, and goes no further', () => {
  const { intake, context } = intakeOf({ isAsked: (name) => name === 'paid' });
  intake.process(sourceRecord(message({ timestamp: 9_000 })));
  intake.process(sourceRecord(message({ event: 'view', timestamp: 9_500 })));
  assert.deepEqual(context.observed, [9_000, 9_500]);
  assert.deepEqual(wentOn(context), ['user/u1 paid@9000']);
  assert.equal(context.counters.total('unasked'), 1);
});

test('what is wrong with an event that nobody asks for is found all the same', () => {
  const ask = { isAsked: () => false };
  const { intake, context } = intakeOf(ask);
  const cases: readonly [string, string][] = [
    [message({ userId: [5] }), 'TRG_RECORD_INVALID'],
    [message({ event: '$consent' }), 'TRG_RECORD_RESERVED'],
    [message({ userId: null }), 'TRG_RECORD_INVALID'],
    [message({ properties: 'text' }), 'TRG_RECORD_INVALID'],
    [message({ messageId: ['m'] }), 'TRG_RECORD_INVALID'],
    [message({ timestamp: 'soon' }), 'TRG_RECORD_INVALID'],
    [message({ timestamp: WALL + SKEW + 1 }), 'TRG_RECORD_IN_FUTURE'],
  ];
  for (const [value, code] of cases) assert.equal(refusal(() => intake.process(sourceRecord(value))).code, code, value);
  const keyed = intakeOf({ ...ask, keyed: true }).intake;
  assert.match(refusal(() => keyed.process(sourceRecord(message({ timestamp: 9 })))).message, /has no key/);
  assert.deepEqual(context.observed, []);
  assert.deepEqual(wentOn(context), []);
  assert.equal(context.counters.total('unasked'), 0);
});

test('what cannot be used is refused with its reason, and moves nobody’s time (T1)', () => {
  const { intake, context } = intakeOf();
  const cases: readonly [string | Uint8Array | null, string, RegExp][] = [
    [null, 'TRG_RECORD_INVALID', /no value/],
    ['{"userId":"secret', 'TRG_RECORD_UNREADABLE', /^the record is not JSON: it ends inside of a text: it is cut off/],
    ['"text"', 'TRG_RECORD_INVALID', /must be a JSON object/],
    [
      Buffer.from(message({ userId: 'm\xfcller' }), 'latin1'),
      'TRG_RECORD_UNREADABLE',
      /^the record is not UTF-8: byte \d+ of it begins fc 6c 6c$/,
    ],
    [message({ event: '' }), 'TRG_RECORD_INVALID', /^event must be/],
    [message({ text: 'x'.repeat(200) }), 'TRG_RECORD_TOO_LARGE', /at most 200 are taken \(limits.recordBytes\)/],
  ];
  for (const [value, code, text] of cases) {
    const error = refusal(() => intake.process(sourceRecord(value)));
    assert.equal(error.code, code);
    assert.match(error.message, text);
  }
  assert.deepEqual(context.observed, []);
  assert.deepEqual(context.forwarded, []);
});

test('an event exactly maxClockSkew ahead is taken, one a millisecond further is quarantined (T2)', () => {
  const { intake, context } = intakeOf();
  intake.process(sourceRecord(message({ timestamp: WALL + SKEW })));
  assert.deepEqual(wentOn(context), [`user/u1 paid@${WALL + SKEW}`]);
  const error = refusal(() => intake.process(sourceRecord(message({ timestamp: WALL + SKEW + 1 }))));
  assert.equal(error.code, 'TRG_RECORD_IN_FUTURE');
  assert.match(error.message, /more than 300 s after the clock \(maxClockSkew\)/);
  assert.deepEqual(context.observed, [WALL + SKEW]);
  assert.equal(context.forwarded.length, 1);
});

test('of a keyed source the key is the entity, whatever the message says', () => {
  const { intake, context } = intakeOf({ keyed: true });
  intake.process(sourceRecord(message({ userId: 'other' }), 'k1'));
  assert.deepEqual(wentOn(context), ['user/k1 paid@5000']);
});

test('a keyed source’s record without key is refused with what to do', () => {
  const { intake } = intakeOf({ keyed: true });
  assert.match(refusal(() => intake.process(sourceRecord(message()))).message, /no key.*set `keyed: false`/);
});

test('a line of a file without a time is refused, since its record has none', () => {
  const { intake } = intakeOf({ useRecordTime: false });
  assert.match(refusal(() => intake.process(sourceRecord(message()))).message, /^timestamp must be given/);
});

test('a time that no event can have is quarantined with a hint, asked for or not, and moves nobody’s time (T2)', () => {
  const eventTime = { min: Date.UTC(2000, 0, 1), max: Date.UTC(2100, 0, 1) };
  for (const isAsked of [() => true, () => false]) {
    const { intake, context } = intakeOf({ eventTime, isAsked, maxClockSkewMs: Number.MAX_SAFE_INTEGER });
    for (const timestamp of [1_767_225_600, 1_767_225_600_000_000, 1_767_225_600_000_000_000]) {
      const error = refusal(() => intake.process(sourceRecord(message({ timestamp }))));
      assert.equal(error.code, 'TRG_RECORD_TIME_IMPLAUSIBLE');
      assert.match(error.message, /looks like (micro|nano)?seconds since 1970, send milliseconds or ISO 8601$/);
    }
    assert.deepEqual(context.observed, []);
    intake.process(sourceRecord(message({ timestamp: 1_767_225_600_000 })));
    assert.deepEqual(context.observed, [1_767_225_600_000]);
  }
});
