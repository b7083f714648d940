// The schema registry, against a real one: what is registered at start, and schemas of other teams by their ids.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { after, type TestContext, test } from 'node:test';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { CHANNEL_IDS } from '../../../../connectors/channels/index.ts';
import { RegistryClient, registerSchemas, SchemaCache } from '../../../../connectors/sources/schema-registry/index.ts';
import { systemClock } from '../../../../lib/clock.ts';
import { FatalError, RetryableError } from '../../../../lib/errors.ts';
import type { Decision } from '../../../../schemas/decision.ts';
import { decisionCodec, type SchemaIds } from '../../../../schemas/framed.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { until } from '../../../../testing/until.ts';
import { type PublicSchema, publicSchemas } from '../../../../topology/public-schemas.ts';
import { KeptLog, registryOfFile } from './kit.ts';

const registry = await registryOfFile();
const client = new RegistryClient({ url: registry.url, auth: null, allowPrivate: true }, systemClock);
after(() => client.close());
const never = new AbortController().signal;

/** Schemas under subjects that no other test has. */
function schemasOf(prefix: string): PublicSchema[] {
  return publicSchemas(prefix, CHANNEL_IDS).map((each) => ({ ...each, subject: `${prefix}-${each.subject}` }));
}

function register(schemas: readonly PublicSchema[], log = new KeptLog(), patienceMs = 10_000): Promise<SchemaIds> {
  return registerSchemas(client, schemas, { clock: systemClock, logger: log, patienceMs }, never);
}

async function put(subject: string, body: object): Promise<number> {
  const answer = await fetch(`${registry.url}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 200);
  return ((await answer.json()) as { id: number }).id;
}

function record(name: string, ...fields: object[]): string {
  return JSON.stringify({ type: 'record', name, fields });
}

const text = (name: string): object => ({ name, type: 'string' });

/** DNS that says that every name is in here. */
function privateLookup(): LookupFunction {
  return (_name, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]);
}

/** Bound, so that a schema that never comes fails the test. */
async function prepared(cache: SchemaCache, id: number): Promise<void> {
  for (let tries = 0; tries < 3; tries++) {
    const preparing = cache.prepare(id);
    if (preparing === null) return;
    await preparing;
  }
  assert.fail(`schema ${id} was not prepared`);
}

function cacheOf(t: TestContext, options: { log?: KeptLog; clock?: FakeClock; schemasMax?: number } = {}): SchemaCache {
  const { log = new KeptLog(), clock = systemClock, schemasMax = 100 } = options;
  const own = new RegistryClient({ url: registry.url, auth: null, allowPrivate: true }, systemClock);
  const cache = new SchemaCache(own, { clock, logger: log, schemasMax });
  t.after(() => cache.close());
  return cache;
}

test('each topic’s schema is registered as BACKWARD, and a second start gets the same ids (G1, G2)', async () => {
  const schemas = schemasOf('first');
  const ids = await register(schemas);
  assert.deepEqual(
    Object.keys(ids),
    schemas.map(({ topic }) => topic),
  );
  for (const { topic, subject, text: schema } of schemas) {
    assert.equal(await client.compatibility(subject), 'BACKWARD');
    assert.equal((await client.version({ name: '', subject, version: 1 }))!.schema, schema);
    assert.ok(ids[topic]! > 0);
  }
  assert.deepEqual(await register(schemas), ids);
  assert.equal(await client.version({ name: '', subject: schemas[0]!.subject, version: 2 }), null);
});

test('workers that start together get the same ids', async () => {
  const schemas = schemasOf('together');
  const all = await Promise.all(Array.from({ length: 4 }, () => register(schemas)));
  for (const ids of all) assert.deepEqual(ids, all[0]);
});

test('records under the registry’s ids are read by the library that kafkajs consumers use', async () => {
  const { 'readable.decisions': id } = await register(schemasOf('readable'));
  const decision: Decision = {
    id: 'd1',
    rule: 'cart',
    ruleVersion: 'abc',
    entity: { type: 'user', id: 'u1' },
    at: 1_767_225_600_123,
    outcome: 'suppressed',
    reason: 'cooldown',
    events: ['m1'],
    values: { plan: null },
    variant: null,
    flow: null,
    step: 0,
    passedOver: [],
    gathered: [],
    digest: null,
  };
  const bytes = decisionCodec.encoder(id)(decision);
  assert.equal(Buffer.from(bytes).readUInt32BE(1), id);
  const decoded = await new SchemaRegistry({ host: registry.url }).decode(Buffer.from(bytes));
  assert.deepEqual(JSON.parse(JSON.stringify(decoded)), { ...decision, values: '{"plan":null}' });
  assert.deepEqual({ ...decisionCodec.decode(bytes) }, { ...decisionCodec.decode(decisionCodec.encode(decision)) });
});

test('a schema that readers of the topic could not read ends the start, names the subject, and changes nothing (G1)', async () => {
  const [schema] = schemasOf('changed');
  await put(schema!.subject, { schema: record('Action', text('id'), text('gone')) });
  await assert.rejects(register([schema!]), (error) => {
    assert.ok(error instanceof FatalError);
    assert.equal(error.code, 'TRG_SCHEMA_INCOMPATIBLE');
    assert.match(error.message, new RegExp(`under ${schema!.subject} .*ncompatible`));
    assert.match(String(error.fields['hint']), /delete the subject/);
    return true;
  });
  assert.equal(await client.version({ name: '', subject: schema!.subject, version: 2 }), null);
});

test('a subject that its owner made stricter stays so, and one that takes anything becomes BACKWARD (G1)', async () => {
  const [strict, loose] = schemasOf('levels');
  await client.setCompatibility(strict!.subject, 'FULL_TRANSITIVE');
  await put(strict!.subject, { schema: strict!.text });
  await put(loose!.subject, { schema: loose!.text });
  await client.setCompatibility(loose!.subject, 'NONE');
  await register([strict!, loose!]);
  assert.equal(await client.compatibility(strict!.subject), 'FULL_TRANSITIVE');
  assert.equal(await client.compatibility(loose!.subject), 'BACKWARD');
});

test('a registry that is down at the start is waited for, with a word on each try', async () => {
  registry.shut();
  const log = new KeptLog();
  const ids = register(schemasOf('late'), log);
  try {
    await until(() => log.lines.length >= 2, { message: 'it has said that it waits, twice', seen: () => log.lines });
    assert.match(log.lines[0]!, /^warn: waiting for the schema registry .*"givesUpInMs":.* does not answer: /);
  } finally {
    registry.open();
  }
  assert.equal(Object.keys(await ids).length, publicSchemas('x', CHANNEL_IDS).length);
  assert.equal(log.lines.at(-1), 'info: schemas are registered');
});

test('a registry that stays down ends the start after its time, with its address', async (t) => {
  registry.shut();
  t.after(() => registry.open());
  await assert.rejects(register(schemasOf('down'), new KeptLog(), 300), (error) => {
    assert.ok(error instanceof FatalError);
    assert.equal(error.code, 'TRG_REGISTRY_UNREACHABLE');
    assert.match(error.message, /http:\/\/127.*does not answer: .*; waited 0.3 s \(registry\.startTimeout\)/);
    return true;
  });
});

test('a stop while the registry is waited for ends the wait', async (t) => {
  registry.shut();
  t.after(() => registry.open());
  const stop = new AbortController();
  const log = new KeptLog();
  const options = { clock: systemClock, logger: log, patienceMs: 60_000 };
  const ids = registerSchemas(client, schemasOf('stop'), options, stop.signal);
  await until(() => log.lines.length > 0, { message: 'it has said that it waits' });
  stop.abort();
  assert.deepEqual(await ids, {});
});

test('an address that is no registry, or not its Confluent-compatible API, is a failure that says so', async (t) => {
  const wrong = new RegistryClient(
    { url: new URL('/', registry.url).href, auth: null, allowPrivate: true },
    systemClock,
  );
  t.after(() => wrong.close());
  await assert.rejects(
    registerSchemas(wrong, schemasOf('wrong'), { clock: systemClock, logger: new KeptLog(), patienceMs: 5_000 }, never),
    (error) => error instanceof FatalError && error.code === 'TRG_REGISTRY_REFUSED',
  );
});

test('the log-in is sent, and a wrong one is a failure that says so', async (t) => {
  const server = createServer((request, response) => {
    const isRight = request.headers.authorization === `Basic ${Buffer.from('key:right').toString('base64')}`;
    response.writeHead(isRight ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isRight ? { schema: '"string"' } : { error_code: 401, message: 'Unauthorized' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = (password: string): Promise<unknown> => {
    const one = new RegistryClient({ url, auth: { username: 'key', password }, allowPrivate: true }, systemClock);
    t.after(() => one.close());
    return one.schema(1);
  };
  assert.deepEqual(await ask('right'), { schema: '"string"' });
  await assert.rejects(ask('wrong'), (error) => {
    assert.ok(error instanceof FatalError);
    assert.match(error.message, /401: check registry.auth/);
    assert.doesNotMatch(error.message, /wrong/);
    return error.code === 'TRG_REGISTRY_REFUSED';
  });
});

test('a registry that has a fault of its own, or answers no JSON, is asked again later and not believed', async (t) => {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/schemas/ids/1' ? 500 : 404, { 'content-type': 'text/html' });
    response.end('<h1>nothing here</h1>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const other = new RegistryClient({ url, auth: null, allowPrivate: true }, systemClock);
  t.after(() => other.close());
  await assert.rejects(other.schema(1), RetryableError);
  await assert.rejects(other.schema(2), FatalError);
});

test('a name that leads to a private address is not asked, and the failure says what to set', async (t) => {
  const lookup = privateLookup();
  const given = { url: 'http://registry.example.com', auth: null, allowPrivate: false };
  const inside = new RegistryClient(given, systemClock, lookup);
  t.after(() => inside.close());
  await assert.rejects(inside.schema(1), (error) => {
    assert.ok(error instanceof FatalError);
    assert.match(error.message, /is at a private address/);
    assert.match(String(error.fields['hint']), /registry\.allowPrivate: true/);
    return error.code === 'TRG_CONFIG_INVALID';
  });
});

test('a schema of many megabytes is not taken, and holds up nobody who needs another', async (t) => {
  const server = createServer((request, response) => {
    const isLarge = request.url === '/schemas/ids/1';
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ schema: isLarge ? ' '.repeat(5_000_000) : '"string"' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const log = new KeptLog();
  const given = { clock: systemClock, logger: log };
  const cache = new SchemaCache(new RegistryClient({ url, auth: null, allowPrivate: true }, systemClock), given);
  t.after(() => cache.close());
  await prepared(cache, 1);
  await prepared(cache, 2);
  const found = cache.find(1);
  assert.match(found?.kind === 'unusable' ? found.reason : '', /schema 1 of the registry has more than \d+ bytes/);
  assert.equal(cache.find(2)?.kind, 'usable');
  assert.deepEqual(log.lines, []);
});

test('a registry that never answers is given up after 10 s, and asked again', async (t) => {
  let asked = 0;
  const server = createServer(() => asked++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const clock = new FakeClock();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const log = new KeptLog();
  const cache = new SchemaCache(new RegistryClient({ url, auth: null, allowPrivate: true }, clock), {
    clock,
    logger: log,
  });
  void cache.prepare(1);
  await until(() => asked === 1, { message: 'it is asked' });
  await clock.advance(10_000);
  await until(() => log.lines.length === 1, { message: 'it is given up' });
  assert.match(log.lines[0]!, /^warn: records wait for their schema.*no answer within 10 s/);
  await clock.advance(500);
  await until(() => asked === 2, { message: 'it is asked again' });
  await cache.close();
});

test('a schema is asked for once and then at hand (K1)', async (t) => {
  const id = await put('orders-value', { schema: record('Order', text('user'), { name: 'cents', type: 'long' }) });
  const cache = cacheOf(t);
  assert.equal(cache.find(id), undefined);
  assert.equal(cache.prepare(id), cache.prepare(id));
  await prepared(cache, id);
  const found = cache.find(id);
  assert.ok(found?.kind === 'usable');
  assert.deepEqual(found.read(Buffer.from([4, 117, 49, 20])), { user: 'u1', cents: 10 });
});

test('an id that does not exist, and a schema that is not Avro, are unusable with the reason', async (t) => {
  const cache = cacheOf(t);
  const json = await put('json-value', {
    schemaType: 'JSON',
    schema: '{"$schema":"http://json-schema.org/draft-07/schema#","type":"object"}',
  });
  for (const id of [json, 987_654, 0, 2 ** 31 - 1]) await prepared(cache, id);
  for (const id of [0, 2 ** 31 - 1]) assert.equal(cache.find(id)?.kind, 'unusable');
  assert.deepEqual(cache.find(json), { kind: 'unusable', reason: `schema ${json} is JSON, not Avro` });
  assert.deepEqual(cache.find(987_654), { kind: 'unusable', reason: 'the registry has no schema 987654' });
});

test('that there is no schema of an id is asked again after a minute (K1)', async (t) => {
  const clock = new FakeClock();
  const cache = cacheOf(t, { clock });
  await prepared(cache, 987_655);
  await clock.advance(59_999);
  assert.equal(cache.prepare(987_655), null);
  await clock.advance(1);
  assert.notEqual(cache.prepare(987_655), null);
});

test('schemas that refer to others are read with them', async (t) => {
  const money = JSON.stringify({
    type: 'record',
    name: 'Money',
    namespace: 'bank',
    fields: [{ name: 'cents', type: 'long' }],
  });
  await put('money-value', { schema: money });
  const id = await put('paid-value', {
    schema: record('Paid', { name: 'sum', type: 'bank.Money' }),
    references: [{ name: 'bank.Money', subject: 'money-value', version: 1 }],
  });
  const cache = cacheOf(t);
  await prepared(cache, id);
  const found = cache.find(id);
  assert.ok(found?.kind === 'usable', JSON.stringify(found));
  assert.deepEqual(found.read(Uint8Array.of(20)), { sum: { cents: 10 } });
});

test('no more than so many schemas are kept: the one used longest ago goes, and comes again when needed (K2)', async (t) => {
  const ids: number[] = [];
  for (const name of ['A', 'B', 'C']) ids.push(await put(`kept-${name}`, { schema: record(name, text(name)) }));
  const [a, b, c] = ids as [number, number, number];
  const cache = cacheOf(t, { schemasMax: 2 });
  await prepared(cache, a);
  await prepared(cache, b);
  assert.equal(cache.prepare(a), null);
  await prepared(cache, c);
  assert.deepEqual(
    [a, b, c].map((id) => cache.find(id)?.kind),
    ['usable', undefined, 'usable'],
  );
  await prepared(cache, b);
  assert.equal(cache.find(b)?.kind, 'usable');
});

test('while the registry is down a schema is waited for, with a word on each try; what is known needs nobody (K3)', async (t) => {
  const known = await put('known-value', { schema: record('Known', text('a')) });
  const unknown = await put('unknown-value', { schema: record('Unknown', text('b')) });
  const log = new KeptLog();
  const cache = cacheOf(t, { log });
  await prepared(cache, known);
  registry.shut();
  let isThere = false;
  try {
    assert.equal(cache.prepare(known), null);
    void cache.prepare(unknown)!.then(() => (isThere = true));
    await until(() => log.lines.length >= 2, { message: 'it has said that it waits, twice', seen: () => log.lines });
    assert.match(
      log.lines[0]!,
      /^warn: records wait for their schema, which the registry does not give .* does not answer: /,
    );
    assert.equal(isThere, false);
  } finally {
    registry.open();
  }
  await until(() => isThere, { message: 'the schema is there', seen: () => log.lines });
  assert.equal(cache.find(unknown)?.kind, 'usable');
});
