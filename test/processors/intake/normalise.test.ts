import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordError } from '../../../lib/errors.ts';
import { normalise, type Origin } from '../../../processors/intake/normalise.ts';
import type { SourceFormat } from '../../../processors/intake/source-format.ts';

const SEGMENT: SourceFormat = { topic: 'events', format: 'segment', keyed: false, entity: 'user' };
const SENSORS: SourceFormat = {
  topic: 'sensors',
  format: 'json',
  keyed: false,
  entity: 'device',
  id: 'device.id',
  event: 'kind',
  timestamp: 'ts',
};
const ORIGIN: Origin = { fallbackId: () => 'made-up', recordTime: 5_000 };
const TRACK = { type: 'track', userId: 'u1', event: 'paid', timestamp: '2026-01-01T00:00:00.000Z' };

function refusal(json: unknown, source = SEGMENT, origin = ORIGIN): string {
  try {
    normalise(json, source, origin);
  } catch (error) {
    assert.ok(error instanceof RecordError);
    assert.equal(error.code, 'TRG_RECORD_INVALID');
    return error.message;
  }
  return assert.fail('it was accepted');
}

test('each wrong field is named, with what it must be, and never with its value', () => {
  const cases: readonly [unknown, string][] = [
    [[], 'the message must be a JSON object, and is a list'],
    [null, 'the message must be a JSON object, and is null'],
    [
      { ...TRACK, type: 'trak' },
      'type must be one of track, identify, page, screen, group, alias, and is a string that is not one',
    ],
    [{ ...TRACK, userId: true }, 'userId must be a string that is not empty, and is a boolean that is not one'],
    [{ ...TRACK, anonymousId: {} }, 'anonymousId must be a string that is not empty, and is an object'],
    [{ ...TRACK, event: undefined }, 'event must be a string that is not empty, and is missing'],
    [{ ...TRACK, event: 7 }, 'event must be a string that is not empty, and is a number that is not one'],
    [{ ...TRACK, properties: [1] }, 'properties must be a JSON object, and is a list'],
    [{ ...TRACK, traits: 'secret' }, 'traits must be a JSON object, and is a string that is not one'],
    [{ ...TRACK, context: true }, 'context must be a JSON object, and is a boolean that is not one'],
    [{ ...TRACK, messageId: [5] }, 'messageId must be a string that is not empty, and is a list'],
    [{ ...TRACK, userId: null }, 'neither userId nor anonymousId is given'],
    [{ ...TRACK, userId: 'x'.repeat(513) }, 'userId is 513 characters long, at most 512'],
    [{ ...TRACK, event: 'x'.repeat(513) }, 'event is 513 characters long, at most 512'],
  ];
  for (const [json, message] of cases) assert.equal(refusal(json), message);
});

test('a time must be an instant with a zone or ms; wrong ones are refused', () => {
  const expected = /^timestamp must be an ISO-8601 instant with a zone, or ms since 1970, and is /;
  for (const timestamp of ['2026-01-01T00:00:00', 'yesterday', -1, 1.5, {}, true]) {
    assert.match(refusal({ ...TRACK, timestamp }), expected);
  }
  const timeOf = (timestamp: unknown): number => normalise({ ...TRACK, timestamp }, SEGMENT, ORIGIN).event.time;
  assert.equal(timeOf('2026-01-01T01:00:00+01:00'), Date.UTC(2026, 0, 1));
  assert.equal(timeOf(1_767_225_600_123), 1_767_225_600_123);
});

test('without a time the record’s counts, and where it has none the message is refused', () => {
  const { timestamp: _left, ...untimed } = TRACK;
  assert.equal(normalise(untimed, SEGMENT, ORIGIN).event.time, 5_000);
  assert.equal(normalise({ ...untimed, timestamp: null }, SEGMENT, ORIGIN).event.time, 5_000);
  assert.equal(refusal(untimed, SEGMENT, { ...ORIGIN, recordTime: null }), 'timestamp must be given, and is missing');
});

test('a message without an id gets the one made up of where it was read', () => {
  assert.equal(normalise(TRACK, SEGMENT, ORIGIN).event.messageId, 'made-up');
  assert.equal(normalise({ ...TRACK, messageId: 'm1' }, SEGMENT, ORIGIN).event.messageId, 'm1');
});

test('the user’s id counts before the anonymous one, which counts where there is no other', () => {
  const both = normalise({ ...TRACK, anonymousId: 'a1' }, SEGMENT, ORIGIN);
  assert.deepEqual([both.entityId, both.event.userId, both.event.anonymousId], ['u1', 'u1', 'a1']);
  assert.equal(normalise({ ...TRACK, userId: null, anonymousId: 'a1' }, SEGMENT, ORIGIN).entityId, 'a1');
});

test('calls other than track have their type as event name; what a page is called is a property', () => {
  const page = normalise({ ...TRACK, type: 'page', name: 'Home', properties: { path: '/' } }, SEGMENT, ORIGIN).event;
  assert.deepEqual([page.event, page.type, page.properties], ['page', 'page', { name: 'Home', path: '/' }]);
  const identify = normalise({ type: 'identify', userId: 'u1', traits: { plan: 'pro' } }, SEGMENT, ORIGIN).event;
  assert.deepEqual([identify.event, identify.traits], ['identify', { plan: 'pro' }]);
  assert.deepEqual(normalise({ ...TRACK, name: 'x' }, SEGMENT, ORIGIN).event.properties, {});
});

test('half a surrogate pair in an id becomes the replacement character, as its UTF-8 would', () => {
  assert.equal(normalise({ ...TRACK, userId: 'a\ud800b' }, SEGMENT, ORIGIN).entityId, 'a\ufffdb');
});

test('plain JSON is read at the configured paths, and is the properties as a whole', () => {
  const json = { device: { id: 42 }, kind: 'reading', ts: 1_000, value: 20.5 };
  const { entityId, event } = normalise(json, SENSORS, ORIGIN);
  assert.equal(entityId, '42');
  assert.deepEqual([event.event, event.time, event.userId, event.messageId], ['reading', 1_000, null, 'made-up']);
  assert.deepEqual(event.properties, json);
  const { event: named } = normalise({ ...json, uid: 9 }, { ...SENSORS, messageId: 'uid' }, ORIGIN);
  assert.equal(named.messageId, '9');
});

test('a path of plain JSON that leads nowhere is named as it was configured', () => {
  const json = { device: { id: 42 }, kind: 'reading', ts: 1_000 };
  assert.equal(
    refusal({ ...json, device: 'd1' }, SENSORS),
    'device.id must be a string that is not empty, and is missing',
  );
  assert.match(refusal({ ...json, kind: {} }, SENSORS), /^kind must be a string that is not empty, and is an object$/);
  assert.match(refusal({ ...json, ts: 'now' }, SENSORS), /^ts must be an ISO-8601 instant/);
});

test('a Segment source of another entity takes the id at its path', () => {
  const accounts: SourceFormat = { ...SEGMENT, entity: 'account', id: 'context.groupId' };
  assert.equal(normalise({ ...TRACK, context: { groupId: 'g1' } }, accounts, ORIGIN).entityId, 'g1');
  assert.match(refusal(TRACK, accounts), /^context.groupId must be/);
});

test('what senders write for nothing is read as nothing: null, an empty text, and PHP’s empty list', () => {
  for (const nothing of [null, '']) {
    const quirky = { ...TRACK, userId: nothing, anonymousId: 'a1', messageId: nothing, timestamp: nothing };
    const { entityId, event } = normalise(quirky, SEGMENT, ORIGIN);
    assert.deepEqual([entityId, event.userId, event.messageId, event.time], ['a1', null, 'made-up', 5_000]);
  }
  for (const nothing of [null, []]) {
    const { event } = normalise({ ...TRACK, properties: nothing, traits: nothing, context: nothing }, SEGMENT, ORIGIN);
    assert.deepEqual([event.properties, event.traits, event.context], [{}, {}, {}]);
  }
  assert.equal(refusal({ ...TRACK, userId: '', anonymousId: null }), 'neither userId nor anonymousId is given');
  const group = normalise({ type: 'group', userId: 'u1', groupId: '', properties: [] }, SEGMENT, ORIGIN).event;
  assert.deepEqual(group.properties, {});
});

test('ids that are numbers are their digits', () => {
  const { entityId, event } = normalise({ ...TRACK, userId: 7, anonymousId: 8, messageId: 9 }, SEGMENT, ORIGIN);
  assert.deepEqual([entityId, event.userId, event.anonymousId, event.messageId], ['7', '7', '8', '9']);
  const group = normalise({ type: 'group', userId: 'u1', groupId: 5 }, SEGMENT, ORIGIN).event;
  assert.deepEqual(group.properties, { groupId: '5' });
});

test('a name that begins with "$" is refused in every format, wherever the name is configured to stand', () => {
  const names = ['$consent', '$score', '$profile', '$enters vip', '$leaves vip', '$'];
  const cloud: SourceFormat = { ...SENSORS, format: 'cloudevents', event: 'data.kind', timestamp: 'time' };
  for (const name of names) {
    const sent: readonly (readonly [unknown, SourceFormat])[] = [
      [{ ...TRACK, event: name, properties: { all: true } }, SEGMENT],
      [{ device: { id: 1 }, kind: name, ts: 1 }, SENSORS],
      [
        { device: { id: 1 }, kind: name, ts: 1 },
        { ...SENSORS, format: 'avro' },
      ],
      [
        { device: { id: 1 }, id: '1', source: 's', type: 'x', data: { kind: name }, time: '2026-01-01T00:00:00Z' },
        cloud,
      ],
    ];
    for (const [json, source] of sent) {
      assert.throws(() => normalise(json, source, ORIGIN), { code: 'TRG_RECORD_RESERVED' }, `${name} ${source.format}`);
    }
  }
  assert.throws(() => normalise({ ...TRACK, type: 'consent' }, SEGMENT, ORIGIN), { code: 'TRG_RECORD_INVALID' });
  assert.equal(normalise({ ...TRACK, event: 'a$' }, SEGMENT, ORIGIN).event.event, 'a$');
});
