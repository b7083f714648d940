// A source whose records need a schema that may not be here yet: the task waits for it, in order, and loses nothing.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import avsc from 'avsc';
import { channelTraits } from '../../connectors/channels/index.ts';
import { checkRules } from '../../rules/index.ts';
import { avroJsonReader } from '../../schemas/avro-json.ts';
import { deadLetterCodec, decisionCodec } from '../../schemas/framed.ts';
import type { FoundSchema, SchemaLookup } from '../../schemas/schema-lookup.ts';
import { FAKE_START } from '../../testing/fake-clock.ts';
import { replayJournal } from '../../testing/journal-replay.ts';
import { type PipedRecord, TestDriver } from '../../testing/test-driver.ts';
import { until } from '../../testing/until.ts';
import { triplineTopology } from '../../topology/topology.ts';

const OUT_OF_ORDERNESS_MS = 5_000;
const HOUR = 3_600_000;
const ORDER = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'user', type: 'string' },
    { name: 'what', type: 'string' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'cents', type: ['null', 'long'], default: null },
  ],
};
const RULES = `
id: large
when: { event: paid }
if: event.properties.cents >= 1000
---
id: waiting
when: { absence: { after: { event: ordered }, of: { event: paid }, within: 1h } }
`;

/** A registry that answers when the test says so. */
class HeldSchemas implements SchemaLookup {
  readonly known = new Map<number, FoundSchema>();
  readonly asked: number[] = [];
  #waiting: { id: number; done: () => void }[] = [];
  #registry: ReadonlyMap<number, FoundSchema>;

  constructor(registry: ReadonlyMap<number, FoundSchema>) {
    this.#registry = registry;
  }

  prepare(id: number): Promise<void> | null {
    if (this.known.has(id)) return null;
    this.asked.push(id);
    return new Promise((done) => this.#waiting.push({ id, done }));
  }

  find(id: number): FoundSchema | undefined {
    return this.known.get(id);
  }

  answer(): void {
    for (const { id, done } of this.#waiting.splice(0)) {
      this.known.set(id, this.#registry.get(id) ?? { kind: 'unusable', reason: `the registry has no schema ${id}` });
      done();
    }
  }
}

const type = avsc.Type.forSchema(ORDER as avsc.Schema);
const usable: FoundSchema = { kind: 'usable', read: avroJsonReader(JSON.stringify(ORDER)) };
const REGISTRY = new Map([
  [7, usable],
  [8, usable],
]);

function order(id: number, user: string, what: string, at: number, cents: number | null = null): PipedRecord {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(id, 1);
  return { key: user, value: Buffer.concat([head, type.toBuffer({ user, what, at, cents })]), timestamp: at };
}

async function open(t: TestContext, keyed = true) {
  const { ruleSet, errors } = checkRules([{ file: 'rules.yaml', text: RULES }], {
    outOfOrdernessMs: OUT_OF_ORDERNESS_MS,
    entities: [],
    channels: channelTraits({}),
  });
  assert.deepEqual(errors, []);
  const schemas = new HeldSchemas(REGISTRY);
  const fields = { id: 'user', event: 'what', timestamp: 'at' };
  const topology = () =>
    triplineTopology({
      application: 'test',
      prefix: 'tripline',
      sources: [{ topic: 'orders', format: 'avro', keyed, entity: 'user', schemas, ...fields }],
      rules: () => ruleSet,
      channels: [],
      maxClockSkewMs: 300_000,
      dedupeWindowMs: 24 * HOUR,
      dedupeMax: 1_000,
      recordBytesMax: 10_000,
      useRecordTime: true,
      cacheBytes: 1_000_000,
    });
  const driver = await TestDriver.open({ topology, outOfOrdernessMs: OUT_OF_ORDERNESS_MS });
  t.after(() => driver.close());
  return { driver, schemas, topology };
}

async function decided(driver: TestDriver): Promise<string[]> {
  const decisions = (await driver.read('tripline.decisions')).map(({ value }) => decisionCodec.decode(value!));
  return decisions.map(({ rule, entity, outcome }) => `${rule} ${entity.id} ${outcome}`);
}

test('records wait for their schema and are then processed in their order, each schema asked for once', async (t) => {
  const { driver, schemas } = await open(t);
  await driver.pipe(
    'orders',
    order(7, 'u1', 'paid', FAKE_START, 1_000),
    order(8, 'u2', 'paid', FAKE_START, 2_000),
    order(7, 'u3', 'paid', FAKE_START, 999),
    order(7, 'u4', 'paid', FAKE_START, 5_000),
  );
  await driver.run();
  assert.deepEqual(await decided(driver), []);
  assert.deepEqual(schemas.asked, [7]);
  schemas.answer();
  await driver.run();
  assert.deepEqual(await decided(driver), ['large u1 fired']);
  schemas.answer();
  await driver.run();
  assert.deepEqual(await decided(driver), ['large u2 fired', 'large u3 suppressed', 'large u4 fired']);
  assert.deepEqual(schemas.asked, [7, 8]);
});

test('while a record waits, no absence fires that it may cancel, however long it takes (I3)', async (t) => {
  const { driver, schemas } = await open(t);
  await driver.pipe('orders', order(7, 'u1', 'ordered', FAKE_START), order(7, 'u2', 'ordered', FAKE_START));
  void schemas.prepare(7);
  schemas.answer();
  await driver.run();
  await driver.pipe('orders', order(8, 'u1', 'paid', FAKE_START + 1_000, 5));
  await driver.run();
  await driver.advanceWallClock(5 * HOUR);
  await driver.run();
  assert.deepEqual(await decided(driver), []);
  schemas.answer();
  await driver.run();
  await driver.advanceWallClock(1_000);
  assert.deepEqual(await decided(driver), ['large u1 suppressed', 'waiting u2 fired']);
});

test('a crash while a record waits loses nothing and repeats nothing (I2, I6)', async (t) => {
  const { driver, schemas } = await open(t);
  await driver.pipe('orders', order(7, 'u1', 'paid', FAKE_START, 1_000));
  void schemas.prepare(7);
  schemas.answer();
  await driver.run();
  await driver.pipe('orders', order(8, 'u2', 'paid', FAKE_START, 1_000), order(7, 'u3', 'paid', FAKE_START, 1_000));
  await driver.run();
  assert.deepEqual(await decided(driver), ['large u1 fired']);
  await driver.crash();
  driver.loseStores();
  await driver.run();
  schemas.answer();
  await driver.run();
  assert.deepEqual(await decided(driver), ['large u2 fired', 'large u3 fired']);
});

test('of a source that is not keyed, records wait before the repartition topic', async (t) => {
  const { driver, schemas } = await open(t, false);
  await driver.pipe('orders', order(7, 'u1', 'paid', FAKE_START, 1_000));
  await driver.run();
  assert.deepEqual(await decided(driver), []);
  schemas.answer();
  await driver.run();
  assert.deepEqual(await decided(driver), ['large u1 fired']);
});

test('what is not framed, has no schema or is not of it is a dead letter with its reason, and the flow goes on (I6)', async (t) => {
  const { driver, schemas } = await open(t);
  const good = order(7, 'u1', 'paid', FAKE_START, 1_000);
  const bytes = good.value as Buffer;
  await driver.pipe(
    'orders',
    { ...good, value: '{"user":"u1"}' },
    { ...good, value: Buffer.from([0, 0]) },
    { ...good, value: Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 0]) },
    { ...good, value: null },
    order(99, 'u1', 'paid', FAKE_START),
    { ...good, value: Buffer.concat([bytes, Uint8Array.of(1)]) },
    good,
  );
  for (let round = 0; round < 3; round++) {
    await driver.run();
    schemas.answer();
  }
  await driver.run();
  const letters = (await driver.read('tripline.dead-letter')).map(({ value }) => deadLetterCodec.decode(value!));
  assert.deepEqual(
    letters.map(({ reason, message }) => `${reason}: ${message}`),
    [
      'TRG_RECORD_UNREADABLE: the record is not framed Avro: it must begin with a zero byte and the schema id (4 bytes)',
      'TRG_RECORD_UNREADABLE: the record is not framed Avro: it must begin with a zero byte and the schema id (4 bytes)',
      'TRG_RECORD_UNREADABLE: the record is not framed Avro: it must begin with a zero byte and the schema id (4 bytes)',
      'TRG_RECORD_INVALID: the record has no value',
      'TRG_RECORD_UNREADABLE: the registry has no schema 99',
      'TRG_RECORD_UNREADABLE: the record’s bytes are not of the schema that its id names',
    ],
  );
  assert.deepEqual(await decided(driver), ['large u1 fired']);
});

test('a replay of the journal gives the same bytes, though its schemas come at other moments (I1)', async (t) => {
  const { driver, schemas, topology } = await open(t);
  await driver.pipe('orders', order(7, 'u1', 'ordered', FAKE_START), order(8, 'u2', 'paid', FAKE_START, 5_000));
  await driver.run();
  await driver.advanceWallClock(1_000);
  schemas.answer();
  await driver.run();
  await driver.advanceWallClock(10_000);
  schemas.answer();
  await driver.run();
  await driver.advanceWallClock(2 * HOUR);
  const written = await driver.read('tripline.decisions');
  assert.equal(written.length, 2);
  schemas.known.clear();
  const replaying = replayJournal({
    log: driver.log,
    topology: topology(),
    application: 'test',
    outOfOrdernessMs: OUT_OF_ORDERNESS_MS,
  });
  let isDone = false;
  const done = replaying.finally(() => (isDone = true));
  await until(
    () => {
      schemas.answer();
      return isDone;
    },
    { message: 'the replay is over' },
  );
  const replayed = (await done).get('tripline.decisions/0')!;
  assert.deepEqual(
    replayed.map(({ value }) => Buffer.from(value!).toString('hex')),
    written.map(({ value }) => Buffer.from(value!).toString('hex')),
  );
});
