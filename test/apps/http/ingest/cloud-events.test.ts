import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockAt, KEY, type Kit, startKit } from './kit.ts';

const NOW = '2026-03-01T12:00:00.000Z';
const EVENT = { specversion: '1.0', id: 'A-1', source: '/shop', type: 'purchase', subject: 'u1' };
const STRUCTURED = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
const BATCH = { 'content-type': 'application/cloudevents-batch+json' };

async function seen(kit: Kit): Promise<unknown[]> {
  return (await kit.events()).map(({ userId, event, messageId, timestamp, properties, type }) => {
    return { userId, event, messageId, timestamp, properties, type };
  });
}

const EXPECTED = {
  userId: 'u1',
  event: 'purchase',
  messageId: '/shop A-1',
  timestamp: '2026-03-01T11:00:00.000Z',
  properties: { value: 80 },
  type: 'track',
};

test('a CloudEvent in binary and in structured mode is the same event of its subject', async (t) => {
  const kit = await startKit(t, { clock: clockAt(NOW) });
  const time = '2026-03-01T11:00:00Z';
  const attributes = Object.entries({ ...EVENT, time }).map(([name, value]) => [`ce-${name}`, value]);
  const binary = { 'content-type': 'application/json', ...Object.fromEntries(attributes) };
  assert.equal((await kit.post('/v1/events', { value: 80 }, { headers: binary })).status, 200);
  const structured = { ...EVENT, time, data: { value: 80 } };
  assert.equal((await kit.post('/v1/events', structured, { headers: STRUCTURED })).status, 200);
  const { data, ...without } = structured;
  const base64 = { ...without, data_base64: Buffer.from(JSON.stringify(data)).toString('base64') };
  assert.equal((await kit.post('/v1/events', base64, { headers: STRUCTURED })).status, 200);
  assert.deepEqual(await seen(kit), [EXPECTED, EXPECTED, EXPECTED]);
  const [first] = await kit.events();
  assert.deepEqual((first!['context'] as { cloudEvent: object }).cloudEvent, {
    ...EVENT,
    time,
    datacontenttype: 'application/json',
  });
});

test('attributes in headers are unescaped, and data need not be an object, or there', async (t) => {
  const kit = await startKit(t, { clock: clockAt(NOW) });
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': '1',
    'ce-source': 's',
    'ce-type': 'x',
    'ce-subject': 'J%C3%BCrgen',
  };
  await kit.post('/v1/events', '"text"', { headers: { ...headers, 'content-type': 'application/json' } });
  await kit.post('/v1/events', { ...EVENT, id: '2' }, { headers: STRUCTURED });
  const [first, second] = (await kit.events()).toSorted((a, b) =>
    String(a['userId']).localeCompare(String(b['userId'])),
  );
  assert.deepEqual([first!['userId'], first!['properties']], ['Jürgen', { data: 'text' }]);
  assert.deepEqual([second!['userId'], second!['timestamp']], ['u1', NOW]);
});

test('of a batch the good ones are kept, and the others named by their place', async (t) => {
  const kit = await startKit(t, { clock: clockAt(NOW) });
  const { subject, ...nobody } = EVENT;
  assert.equal(subject, 'u1');
  const list = [
    EVENT,
    nobody,
    { ...EVENT, id: 'A-2', type: '$consent' },
    { ...EVENT, specversion: '0.3' },
    { ...EVENT, id: 'A-3' },
  ];
  const { status, json } = await kit.post('/v1/events', list, { headers: BATCH });
  assert.equal(status, 200);
  assert.deepEqual(
    (json['rejected'] as { index: number; code: string }[]).map(({ index, code }) => [index, code]),
    [
      [1, 'TRG_RECORD_INVALID'],
      [2, 'TRG_RECORD_RESERVED'],
      [3, 'TRG_RECORD_INVALID'],
    ],
  );
  assert.deepEqual(
    (await kit.events()).map(({ messageId }) => messageId),
    ['/shop A-1', '/shop A-3'],
  );
});

test('what is no CloudEvent is refused with its reason, and so is who has no key in the head', async (t) => {
  const kit = await startKit(t);
  const cases: readonly (readonly [unknown, Record<string, string>, RegExp])[] = [
    [{ a: 1 }, {}, /^the record is no CloudEvent/],
    [{ ...EVENT, subject: undefined }, STRUCTURED, /^subject must be the id of the person/],
    [{ ...EVENT, id: '' }, STRUCTURED, /^id must be a string that is not empty/],
    [{ ...EVENT, time: 1_767_225_600 }, STRUCTURED, /looks like seconds/],
    ['<a/>', { 'content-type': 'application/cloudevents+xml' }, /are not understood, only as JSON/],
    ['{', STRUCTURED, /not JSON/],
    [{}, BATCH, /^the body must be a JSON list/],
  ];
  for (const [body, headers, message] of cases) {
    const { status, json } = await kit.post('/v1/events', body, { headers });
    assert.equal(status, 400, JSON.stringify(body));
    assert.match(String(json['message']), message);
  }
  const unsigned = await kit.post('/v1/events', { ...EVENT, writeKey: KEY }, { headers: STRUCTURED, key: null });
  assert.equal(unsigned.status, 401);
  assert.deepEqual(await kit.records(), []);
});
