import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { BATCH_BYTES_MAX, EVENT_BYTES_MAX } from '../../../../apps/http/ingest/limits.ts';
import { partitionOf } from '../../../../lib/murmur2.ts';
import { basic, clockAt, configWith, KEY, type Kit, PARTITIONS, silent, startKit, TOPIC } from './kit.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const NOW = '2026-03-01T12:00:00.000Z';
const purchase = { userId: 'u1', event: 'purchase', messageId: 'm1' };

async function idsOf(kit: Kit): Promise<unknown[]> {
  return (await kit.events()).map(({ messageId }) => messageId);
}

test('each call is written to the log with its type before it is answered with success', async (t) => {
  const kit = await startKit(t);
  const written: string[] = [];
  for (const type of ['track', 'identify', 'page', 'screen', 'group', 'alias']) {
    const { status, json } = await kit.post(`/v1/${type}`, { userId: 'u1', ...(type === 'track' && { event: 'x' }) });
    assert.equal(status, 200);
    assert.deepEqual(json, { success: true });
    written.push(type);
    assert.deepEqual(
      (await kit.events()).map((event) => event['type']),
      written,
    );
  }
});

test('a record is keyed by userId, else anonymousId, and lies where other Kafka clients would put that key', async (t) => {
  const kit = await startKit(t);
  await kit.post('/v1/track', { ...purchase, userId: 'u1', anonymousId: 'a1' });
  await kit.post('/v1/track', { ...purchase, userId: undefined, anonymousId: 'a1' });
  const keys = (await kit.records()).map(({ key }) => Buffer.from(key!).toString('utf8'));
  assert.deepEqual(keys.toSorted(), ['a1', 'u1']);
  for (const key of keys) {
    const partition = partitionOf(Buffer.from(key), PARTITIONS);
    const reader = kit.log.openReader();
    t.after(() => reader.close());
    reader.assign([{ topic: TOPIC, partition, offset: 0 }]);
    const [fetched] = await reader.read({ maxBytes: 1_000_000, waitMs: 0 });
    assert.ok(fetched!.records.some((record) => Buffer.from(record.key!).toString('utf8') === key));
  }
});

test('what a sender says of an event is kept, also what Tripline does not know', async (t) => {
  const kit = await startKit(t);
  const sent = { ...purchase, properties: { value: 80.5, 日本: ['a', null] }, context: { ip: '1.2.3.4' }, custom: 1 };
  await kit.post('/v1/track', sent);
  const [event] = await kit.events();
  const { properties, context, custom, messageId } = event!;
  assert.deepEqual({ ...purchase, properties, context, custom, messageId }, sent);
});

test('a message without an id is given one', async (t) => {
  const kit = await startKit(t);
  await kit.post('/v1/track', { userId: 'u1', event: 'a' });
  await kit.post('/v1/track', { userId: 'u1', event: 'a', messageId: null });
  const ids = (await kit.events()).map(({ messageId }) => String(messageId));
  assert.match(ids[0]!, UUID);
  assert.match(ids[1]!, UUID);
  assert.notEqual(ids[0], ids[1]);
});

test('an event without a timestamp happened when it was received', async (t) => {
  const kit = await startKit(t, { clock: clockAt(NOW) });
  await kit.post('/v1/track', { ...purchase, sentAt: '2026-03-01T11:00:00Z' });
  const [event] = await kit.events();
  assert.equal(event!['timestamp'], NOW);
  assert.equal(event!['receivedAt'], NOW);
  assert.equal((await kit.records())[0]!.timestamp, Date.parse(NOW));
});

test('a timestamp is taken as it is when nothing tells how the sender’s clock stands', async (t) => {
  const kit = await startKit(t, { clock: clockAt(NOW) });
  await kit.post('/v1/track', { ...purchase, timestamp: '2026-02-01T01:00:00+01:00' });
  assert.equal((await kit.events())[0]!['timestamp'], '2026-02-01T00:00:00.000Z');
});

test('a timestamp with sentAt is corrected by how wrong the sender’s clock is', async (t) => {
  const kit = await startKit(t, { clock: clockAt(NOW) });
  // The sender's clock is a day and 2 s slow: 10 s passed there between the event and its sending.
  const skewed = { timestamp: '2026-02-28T11:59:48Z', sentAt: '2026-02-28T11:59:58Z' };
  await kit.post('/v1/track', { ...purchase, ...skewed });
  await kit.post('/v1/track', { ...purchase, originalTimestamp: skewed.timestamp, sentAt: skewed.sentAt });
  await kit.post('/v1/batch', { batch: [{ ...purchase, timestamp: skewed.timestamp }], sentAt: skewed.sentAt });
  const events = await kit.events();
  assert.equal(events.length, 3);
  for (const event of events) {
    assert.equal(event['timestamp'], '2026-03-01T11:59:50.000Z');
    assert.equal(event['originalTimestamp'], '2026-02-28T11:59:48.000Z');
  }
  assert.ok((await kit.records()).every(({ timestamp }) => timestamp === Date.parse('2026-03-01T11:59:50Z')));
});

test('a batch is written in its order, with its context where messages have none of their own', async (t) => {
  const kit = await startKit(t);
  const batch = [
    { ...purchase, messageId: 'b0', type: 'track' },
    { type: 'identify', userId: 'u1', messageId: 'b1', traits: { plan: 'pro' }, context: { ip: '1.1.1.1' } },
    { ...purchase, messageId: 'b2', type: 'track' },
  ];
  for (const path of ['/v1/batch', '/v1/import']) {
    const { status } = await kit.post(path, { batch, context: { library: { name: 'x' }, ip: '9.9.9.9' } });
    assert.equal(status, 200);
  }
  const events = await kit.events();
  assert.deepEqual(
    events.map(({ messageId }) => messageId),
    ['b0', 'b1', 'b2', 'b0', 'b1', 'b2'],
  );
  assert.deepEqual(events[0]!['context'], { library: { name: 'x' }, ip: '9.9.9.9' });
  assert.deepEqual(events[1]!['context'], { library: { name: 'x' }, ip: '1.1.1.1' });
});

test('a bad message of a batch is refused by its place and field, and the others are kept in their order', async (t) => {
  const kit = await startKit(t);
  const named = (messageId: string) => ({ ...purchase, messageId });
  const batch = [
    named('b0'),
    { ...purchase, properties: 'x' },
    named('b2'),
    { ...purchase, event: '$consent' },
    named('b4'),
    { ...purchase, timestamp: 1_767_225_600 },
    7,
  ];
  const { status, json } = await kit.post('/v1/batch', { batch });
  assert.equal(status, 200);
  assert.equal(json['success'], true);
  const rejected = json['rejected'] as { index: number; code: string; message: string }[];
  assert.deepEqual(
    rejected.map(({ index, code }) => [index, code]),
    [
      [1, 'TRG_RECORD_INVALID'],
      [3, 'TRG_RECORD_RESERVED'],
      [5, 'TRG_RECORD_TIME_IMPLAUSIBLE'],
      [6, 'TRG_RECORD_INVALID'],
    ],
  );
  assert.match(rejected[0]!.message, /^properties must be a JSON object/);
  assert.deepEqual(await idsOf(kit), ['b0', 'b2', 'b4']);
});

test('a batch of which nothing can be used is refused with the place of the first', async (t) => {
  const kit = await startKit(t);
  const { status, json } = await kit.post('/v1/batch', { batch: [{ ...purchase, properties: 'x' }, 7] });
  assert.equal(status, 400);
  assert.match(
    String(json['message']),
    /^batch\[0\]: properties must be a JSON object.*none of the other 1 can be used/,
  );
  assert.equal(json['code'], 'TRG_RECORD_INVALID');
  assert.deepEqual(await kit.records(), []);
});

test('what senders write for nothing costs no message: empty ids and times, PHP’s empty lists, null', async (t) => {
  const kit = await startKit(t, { clock: clockAt(NOW) });
  const quirks = { userId: '', messageId: '', timestamp: '', sentAt: '', originalTimestamp: null, context: [] };
  const batch = [
    { type: 'track', event: 'a', ...quirks, anonymousId: 'a1', properties: [] },
    { type: 'identify', ...quirks, userId: 17, traits: [] },
    { type: 'track', event: 'a', ...quirks, userId: null, anonymousId: 12, integrations: null },
  ];
  const { status, json } = await kit.post('/v1/batch', { batch, sentAt: '', context: [], integrations: [] });
  assert.deepEqual([status, json], [200, { success: true }]);
  const keys = (await kit.records()).map(({ key }) => Buffer.from(key!).toString('utf8'));
  assert.deepEqual(keys.toSorted(), ['12', '17', 'a1']);
  for (const { messageId, timestamp } of await kit.events()) {
    assert.match(String(messageId), UUID);
    assert.equal(timestamp, NOW);
  }
});

test('ids that are large numbers reach the log digit for digit, also those of other entities', async (t) => {
  const entities = 'entities: { product: { id: properties.sku } }';
  const kit = await startKit(t, { yaml: `application: shop\n${entities}\nhttp: { port: 0, writeKeys: [${KEY}] }\n` });
  const numbers = ['9007199254740992', '9007199254740993', '1e400', '2e400'];
  for (const n of numbers) {
    await kit.post('/v1/track', `{"event":"x","userId":${n},"messageId":${n},"properties":{"sku":${n}}}`);
    await kit.post('/v1/batch', `{"batch":[{"type":"track","event":"x","anonymousId":${n}}]}`);
  }
  const keys = (await kit.records()).map(({ key }) => Buffer.from(key!).toString('utf8'));
  assert.deepEqual(keys.toSorted(), [...numbers, ...numbers].toSorted());
  const skus = (await kit.events()).flatMap(({ properties }) => (properties as { sku?: string })?.sku ?? []);
  assert.deepEqual(skus.map(String).toSorted(), numbers.toSorted());
});

test('names of our own cannot be sent', async (t) => {
  const kit = await startKit(t);
  for (const event of ['$consent', '$score', '$profile', '$enters vip']) {
    const { status, json } = await kit.post('/v1/track', { ...purchase, event, properties: { all: true } });
    assert.deepEqual([status, json['code']], [400, 'TRG_RECORD_RESERVED']);
  }
  const { status } = await kit.post('/v1/batch', { batch: [{ ...purchase, type: 'consent' }] });
  assert.equal(status, 400);
  assert.deepEqual(await kit.records(), []);
});

test('a time in another unit is refused with the unit that it looks like, whichever field has it', async (t) => {
  const kit = await startKit(t);
  const cases: readonly (readonly [fields: object, message: RegExp])[] = [
    [{ timestamp: 1_767_225_600 }, /^timestamp is 1970.*looks like seconds since 1970, send milliseconds or ISO 8601$/],
    [{ originalTimestamp: 1_767_225_600_000_000 }, /^originalTimestamp is .*looks like microseconds/],
    [{ timestamp: NOW, sentAt: 1_767_225_600 }, /^sentAt is 1970.*looks like seconds/],
    [
      { timestamp: '1999-12-31T23:59:59Z' },
      /^timestamp is 1999-12-31T23:59:59.000Z, before 2000-01-01.*eventTime.min\)$/,
    ],
  ];
  for (const [fields, message] of cases) {
    const { status, json } = await kit.post('/v1/track', { ...purchase, ...fields });
    assert.deepEqual([status, json['code']], [400, 'TRG_RECORD_TIME_IMPLAUSIBLE']);
    assert.match(String(json['message']), message);
  }
  assert.deepEqual(await kit.records(), []);
  const wide = `application: shop\neventTime: { min: 1960-01-01 }\nhttp: { port: 0, writeKeys: [${KEY}] }\n`;
  const old = await startKit(t, { yaml: wide });
  assert.equal((await old.post('/v1/track', { ...purchase, timestamp: '1999-12-31T23:59:59Z' })).status, 200);
});

test('what cannot be used is refused with 400 and the name of the field', async (t) => {
  const kit = await startKit(t);
  const cases: readonly (readonly [path: string, body: unknown, message: RegExp])[] = [
    ['track', { event: 'x' }, /neither userId nor anonymousId/],
    ['track', { userId: 'u1' }, /^event must be a string.*is missing/],
    ['track', { userId: 'u1', event: '' }, /^event must be a string that is not empty/],
    ['track', { userId: true, event: 'x' }, /^userId must be a string/],
    ['track', { userId: 'u1', event: 'x', messageId: {} }, /^messageId must be a string/],
    ['track', { ...purchase, properties: [1] }, /^properties must be a JSON object, and is a list/],
    ['identify', { userId: 'u1', traits: 'x' }, /^traits must be a JSON object/],
    ['page', { userId: 'u1', context: 5 }, /^context must be a JSON object/],
    ['track', { ...purchase, timestamp: 'yesterday' }, /^timestamp must be an ISO-8601 instant/],
    ['track', { ...purchase, timestamp: NOW, sentAt: {} }, /^sentAt must be an ISO-8601 instant/],
    ['track', { ...purchase, timestamp: 1e19 }, /^timestamp is beyond the last time there is/],
    [
      'track',
      { ...purchase, timestamp: '2001-01-01T00:00:00Z', sentAt: '2040-01-01T00:00:00Z' },
      /^timestamp, corrected/,
    ],
    ['track', '{"userId":', /not JSON/],
    ['track', '', /not JSON/],
    ['track', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), /not JSON in UTF-8/],
    ['track', '[]', /^the body must be a JSON object/],
    ['batch', {}, /^batch must be a list/],
    ['batch', { batch: [7] }, /^batch\[0\]: the message must be a JSON object/],
    ['batch', { batch: [{ ...purchase, type: 'buy' }] }, /^batch\[0\]: type must be one of track/],
  ];
  for (const [path, body, message] of cases) {
    const { status, json } = await kit.post(`/v1/${path}`, body);
    assert.equal(status, 400, JSON.stringify(body));
    assert.match(String(json['message']), message);
    assert.equal(json['success'], false);
  }
  assert.deepEqual(await kit.records(), []);
});

test('JSON that is nested without end is refused, and the next request is served', async (t) => {
  const kit = await startKit(t);
  const deep = `{"userId":"u1","event":"x","properties":{"a":${'['.repeat(15_000)}${']'.repeat(15_000)}}}`;
  const { status, json } = await kit.post('/v1/track', deep);
  assert.equal(status, 400);
  assert.match(String(json['message']), /nested deeper than 100 levels/);
  assert.deepEqual(await kit.records(), []);
  assert.equal((await kit.post('/v1/track', purchase)).status, 200);
  assert.deepEqual(await idsOf(kit), [purchase.messageId]);
});

test('an event of 32 KB is taken, and one byte more refused with 413', async (t) => {
  const kit = await startKit(t);
  const empty = JSON.stringify({ ...purchase, properties: { text: '' } }).length;
  const sized = (bytes: number) => ({ ...purchase, properties: { text: 'x'.repeat(bytes - empty) } });
  assert.equal((await kit.post('/v1/track', sized(EVENT_BYTES_MAX))).status, 200);
  assert.equal((await kit.post('/v1/batch', { batch: [sized(EVENT_BYTES_MAX)] })).status, 200);
  assert.equal((await kit.post('/v1/track', sized(EVENT_BYTES_MAX + 1))).status, 413);
  const { status, json } = await kit.post('/v1/batch', { batch: [sized(EVENT_BYTES_MAX + 1)] });
  assert.equal(status, 413);
  assert.match(String(json['message']), /^batch\[0\]: the event has 32769 bytes, at most 32768/);
  const texts = (await kit.events()).map(({ properties }) => (properties as { text: string }).text.length);
  assert.deepEqual(texts, [EVENT_BYTES_MAX - empty, EVENT_BYTES_MAX - empty]);
});

test('an event larger than limits.recordBytes, which intake would dead-letter, is refused at once', async (t) => {
  const kit = await startKit(t, {
    yaml: `application: shop\nlimits: { recordBytes: 1024 }\nhttp: { port: 0, writeKeys: [${KEY}] }\n`,
  });
  const { status, json } = await kit.post('/v1/track', { ...purchase, properties: { text: 'x'.repeat(1_000) } });
  assert.equal(status, 413);
  assert.equal(json['code'], 'TRG_RECORD_TOO_LARGE');
  assert.deepEqual(await kit.records(), []);
});

test('a batch of 500 KB is taken, and a byte more refused with 413, also when its length is not told', async (t) => {
  const kit = await startKit(t);
  const event = { ...purchase, type: 'track', properties: { text: 'x'.repeat(20_000) } };
  const body = JSON.stringify({ batch: Array.from({ length: 24 }, () => event) });
  assert.equal((await kit.post('/v1/batch', body.padEnd(BATCH_BYTES_MAX))).status, 200);
  assert.equal((await kit.post('/v1/batch', body.padEnd(BATCH_BYTES_MAX + 1))).status, 413);
  const chunks = ReadableStream.from([Buffer.from(body), Buffer.from(' '.repeat(BATCH_BYTES_MAX))]);
  const answer = await fetch(`${kit.url}/v1/batch`, {
    method: 'POST',
    headers: { authorization: basic(KEY) },
    body: chunks,
    duplex: 'half',
  } as RequestInit);
  assert.equal(answer.status, 413);
  assert.equal((await kit.records()).length, 24);
});

test('a batch of 2,500 events is taken, and one of 2,501 refused with 400', async (t) => {
  const kit = await startKit(t);
  const batch = Array.from({ length: 2_501 }, (_, i) => ({ userId: `u${i}`, event: 'x' }));
  assert.equal((await kit.post('/v1/batch', { batch: batch.slice(1) })).status, 200);
  const { status, json } = await kit.post('/v1/batch', { batch });
  assert.equal(status, 400);
  assert.match(String(json['message']), /2501 events, at most 2500/);
  const users = (await kit.events()).map(({ userId }) => userId);
  assert.deepEqual(
    users.sort(),
    batch
      .slice(1)
      .map(({ userId }) => userId)
      .sort(),
  );
});

test('a large context of a batch, which each of its messages would repeat, is refused', async (t) => {
  const kit = await startKit(t);
  const batch = Array.from({ length: 1_000 }, () => purchase);
  const { status, json } = await kit.post('/v1/batch', { batch, context: { text: 'x'.repeat(200_000) } });
  assert.equal(status, 413);
  assert.match(String(json['message']), /the batch with its context/);
  assert.deepEqual(await kit.records(), []);
});

test('gzip bodies are taken, and what unpacks to more than the limit is not', async (t) => {
  const kit = await startKit(t);
  const headers = { 'content-encoding': 'gzip' };
  assert.equal((await kit.post('/v1/track', gzipSync(JSON.stringify(purchase)), { headers })).status, 200);
  const large = gzipSync(Buffer.from('{"batch":[]}'.padEnd(BATCH_BYTES_MAX + 1)));
  assert.equal((await kit.post('/v1/batch', large, { headers })).status, 413);
  const cut = gzipSync(JSON.stringify(purchase)).subarray(0, -9);
  assert.equal((await kit.post('/v1/track', cut, { headers })).status, 400);
  assert.equal((await kit.post('/v1/track', purchase, { headers: { 'content-encoding': 'br' } })).status, 400);
  assert.deepEqual(await idsOf(kit), [purchase.messageId]);
});

test('a gzip body that claims half a gigabyte costs no memory', async (t) => {
  const kit = await startKit(t);
  await kit.post('/v1/track', purchase);
  // Members of gzip may follow each other: 45 of 10 MB.
  const bomb = Buffer.concat(Array.from({ length: 45 }, () => gzipSync(Buffer.alloc(10 * 1024 * 1024, ' '))));
  assert.ok(bomb.length < BATCH_BYTES_MAX);
  const before = process.resourceUsage().maxRSS;
  const { status } = await kit.post('/v1/batch', bomb, { headers: { 'content-encoding': 'gzip' } });
  assert.equal(status, 413);
  const grownKb = process.resourceUsage().maxRSS - before;
  assert.ok(grownKb < 100 * 1024, `${grownKb} KB`);
  assert.deepEqual(await idsOf(kit), [purchase.messageId]);
});

test('the content type does not matter: beacons send JSON as text', async (t) => {
  const kit = await startKit(t);
  for (const type of ['text/plain;charset=UTF-8', 'application/x-www-form-urlencoded']) {
    assert.equal((await kit.post('/v1/track', purchase, { headers: { 'content-type': type } })).status, 200);
  }
  assert.deepEqual(await idsOf(kit), [purchase.messageId, purchase.messageId]);
});

test('other paths and methods are answered with 404 and what there is', async (t) => {
  const kit = await startKit(t);
  for (const path of ['/v1/other', '/v1/hooks/x', '/metrics', '/api/decisions']) {
    const { status, json } = await kit.post(path, purchase);
    assert.equal(status, 404);
    assert.equal(json['code'], 'TRG_HTTP_NOT_FOUND');
    assert.match(String(json['message']), /POST to \/v1\/track/);
  }
  assert.equal((await kit.get('/v1/track')).status, 404);
  assert.deepEqual(await kit.records(), []);
});

test('events go to the first source of people in Segment’s format, and a start without one says so', async (t) => {
  const sources = '[{ topic: sensors, format: json, entity: device, id: d }, { topic: events.shop, keyed: false }]';
  const http = `http: { port: 0, writeKeys: [${KEY}] }`;
  const entities = 'entities: { device: { id: d } }';
  const kit = await startKit(t, { yaml: `${entities}\nsources: ${sources}\n${http}\n` });
  assert.equal((await kit.post('/v1/track', purchase)).status, 200);
  assert.deepEqual(await idsOf(kit), [purchase.messageId]);
  const { startIngest } = await import('../../../../apps/http/ingest/ingest.ts');
  const config = configWith(t, `${entities}\nsources: [{ topic: s, format: json, entity: device, id: d }]\n${http}\n`);
  const options = { config, log: kit.log, clock: clockAt(NOW), logger: silent, isReady: () => true, onFatal: () => {} };
  await assert.rejects(startIngest(options), { code: 'TRG_CONFIG_INVALID', message: /format segment and entity user/ });
});
