// Other teams on both sides of a worker, on a real broker with a real registry: they write registry-framed Avro and
// CloudEvents with kafkajs, and read the actions with kafkajs and Java.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { Kafka, logLevel, type Message, type Producer } from 'kafkajs';
import { decisions as decisionsCommand } from '../../apps/cli/commands/decisions.ts';
import { dlq } from '../../apps/cli/commands/dlq.ts';
import { run as runCommand } from '../../apps/cli/commands/run.ts';
import { runWorker } from '../../apps/worker/worker.ts';
import { createLogger } from '../../lib/logger.ts';
import { loadConfig } from '../../services/config/index.ts';
import { until } from '../../testing/until.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { folderWith, run } from '../apps/cli/kit.ts';
import { clusterOfFile, openLog } from '../connectors/logs/kafka/kit.ts';
import { registryOfFile } from '../connectors/sources/schema-registry/kit.ts';
import { Subscriber } from './subscriber-process.ts';

const [cluster, registry] = await Promise.all([clusterOfFile(), registryOfFile()]);
const schemas = new SchemaRegistry({ host: registry.url });
const kafka = new Kafka({ clientId: 'other-team', brokers: [...cluster.bootstrap], logLevel: logLevel.NOTHING });

const START = Date.UTC(2026, 0, 1);
const PEOPLE = 20;
const PARTITIONS = 3;
const ORDER = {
  type: 'record',
  name: 'Order',
  namespace: 'other.team',
  fields: [
    { name: 'customer', type: { type: 'record', name: 'Customer', fields: [{ name: 'id', type: 'string' }] } },
    { name: 'kind', type: 'string' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'cents', type: ['null', 'long'], default: null },
  ],
};
/** As ORDER, and one field more; ORDER_LAST is used for the first time while the registry is down. */
const ORDER_LATER = { ...ORDER, fields: [...ORDER.fields, { name: 'currency', type: 'string', default: 'EUR' }] };
const ORDER_LAST = { ...ORDER, fields: [...ORDER.fields, { name: 'coupon', type: 'string', default: '' }] };

function files(): Record<string, string> {
  return {
    'tripline.yaml': `application: subscribing
deliveredElsewhere: [webhook, pagerduty]
validFor: { operational: forever, marketing: forever }
kafka: { brokers: ["${cluster.bootstrap[0]}"] }
registry: { url: "${registry.url}", allowPrivate: true, startTimeout: 5s }
threads: 2
sources:
  - { topic: orders, format: avro, id: customer.id, event: kind, timestamp: at, keyed: true }
  - { topic: carts, format: cloudevents }
`,
    'rules/paid.yaml': `id: paid
when: { event: order.paid }
then: [{ send: { channel: webhook, data: { cents: event.properties.cents } } }]
`,
    'rules/cart.yaml': `id: cart
when: { event: cart.filled }
then: [{ send: { channel: pagerduty, data: { items: event.properties.items } } }]
`,
  };
}

async function idOf(schema: object): Promise<number> {
  const avro = { type: SchemaType.AVRO as const, schema: JSON.stringify(schema) };
  return (await schemas.register(avro, { subject: 'orders-value' })).id;
}

async function orderOf(person: number, schemaId: number): Promise<Message> {
  const id = `u${person}`;
  const order = { customer: { id }, kind: 'order.paid', at: START + person, cents: person === 0 ? null : person };
  const value = await schemas.encode(schemaId, { ...order, currency: 'USD', coupon: 'none' });
  return { key: id, value, timestamp: String(START) };
}

/** Half of them in binary mode, half structured; the key is not the person. */
function cartOf(person: number): Message {
  const attributes = {
    specversion: '1.0',
    id: `c${person}`,
    source: '/carts',
    type: 'cart.filled',
    subject: `u${person}`,
  };
  const time = new Date(START + person).toISOString();
  const data = { items: person };
  const key = `cart-${person}`;
  if (person % 2 === 0) {
    const headers = Object.fromEntries(
      Object.entries({ ...attributes, time }).map(([name, text]) => [`ce_${name}`, text]),
    );
    return { key, value: JSON.stringify(data), headers: { ...headers, 'content-type': 'application/json' } };
  }
  const value = JSON.stringify({ ...attributes, time, data });
  return { key, value, headers: { 'content-type': 'application/cloudevents+json; charset=UTF-8' } };
}

async function produce(producer: Producer): Promise<void> {
  const people = Array.from({ length: PEOPLE }, (_, person) => person);
  const schemaIds = [await idOf(ORDER), await idOf(ORDER_LATER)];
  const orders = await Promise.all(people.map((person) => orderOf(person, schemaIds[person % 2]!)));
  await producer.send({ topic: 'orders', messages: orders });
  await producer.send({ topic: 'carts', messages: people.map(cartOf) });
  const unknown = Buffer.from([0, 0, 0x0f, 0xff, 0xff, 2]);
  await producer.send({ topic: 'orders', messages: [{ key: 'u1', value: unknown }] });
  await producer.send({ topic: 'carts', messages: [{ key: 'u1', value: '{}' }] });
}

interface Line {
  readonly topic: string;
  readonly key: string;
  readonly decisionId: string;
  readonly id: string;
  readonly decision: string;
  readonly entity: { readonly type: string; readonly id: string };
  readonly data: Readonly<Record<string, unknown>>;
}

function linesOfJava(lines: readonly string[]): Line[] {
  return lines.map((line) => {
    const [topic, key, decisionId, json] = line.split('\t') as [string, string, string, string];
    const { data, context, ...action } = JSON.parse(json);
    assert.equal(typeof JSON.parse(context), 'object');
    return { topic, key, decisionId, ...action, data: JSON.parse(data) };
  });
}

const EXPECTED = Array.from({ length: PEOPLE }, (_, person) => [
  `actions.pagerduty u${person} {"items":${person}}`,
  `actions.webhook u${person} {"cents":${person === 0 ? null : person}}`,
])
  .flat()
  .sort();

function summary(lines: readonly Line[]): string[] {
  return lines.map(({ topic, entity, data }) => `${topic} ${entity.id} ${JSON.stringify(data)}`).sort();
}

test('a kafkajs and a Java subscriber read, through the registry, every action of what other teams wrote as Avro and CloudEvents', {
  timeout: 600_000,
}, async (t) => {
  const folder = folderWith(t, files());
  const log = openLog(t, cluster);
  await log.admin.createTopics(['orders', 'carts'].map((topic) => ({ topic, partitions: PARTITIONS })));
  const { config } = loadConfig({ folder, env: {} });
  const stop = new AbortController();
  const running = Promise.withResolvers<Log>();
  const logger = createLogger('test', { write: () => {} });
  const worker = runWorker({ config, logger, onRunning: running.resolve }, stop.signal);
  t.after(async () => {
    stop.abort();
    await worker;
  });
  await Promise.race([running.promise, worker]);
  const producer = kafka.producer();
  await producer.connect();
  t.after(() => producer.disconnect());
  await produce(producer);

  const subscription = {
    brokers: cluster.bootstrap,
    registry: registry.url,
    topics: ['actions.webhook', 'actions.pagerduty'],
  };
  const nodeSubscriber = Subscriber.kafkajs({ ...subscription, group: 'node-team' });
  t.after(() => nodeSubscriber.stop());
  const javaSubscriber = await Subscriber.java({ ...subscription, group: 'java-team' });
  t.after(() => javaSubscriber.stop());
  const ofNode = (await nodeSubscriber.lines(2 * PEOPLE)).map((line) => JSON.parse(line) as Line);
  const ofJava = linesOfJava(await javaSubscriber.lines(2 * PEOPLE));
  assert.deepEqual(summary(ofNode), EXPECTED);
  assert.deepEqual(summary(ofJava), EXPECTED);
  for (const { key, entity, decision, decisionId } of [...ofNode, ...ofJava]) {
    assert.equal(key, entity.id);
    assert.equal(decisionId, decision);
  }
  const byId = (a: Line, b: Line): number => (a.id < b.id ? -1 : 1);
  assert.deepEqual(ofJava.map(({ id }) => id).sort(), ofNode.map(({ id }) => id).sort());
  assert.deepEqual(
    [...ofJava].sort(byId).map(({ topic }) => topic),
    [...ofNode].sort(byId).map(({ topic }) => topic),
  );

  // With the registry down everything goes on, but for records with a schema that was not seen before: they wait.
  const [known, unseen] = [await idOf(ORDER), await idOf(ORDER_LAST)];
  const waiting = [await orderOf(101, unseen), await orderOf(102, known)];
  registry.shut();
  await producer.send({ topic: 'orders', messages: [await orderOf(100, known)] });
  await nodeSubscriber.lines(2 * PEOPLE + 1);
  assert.equal(registry.refused, 0);
  await producer.send({ topic: 'orders', messages: waiting });
  await until(() => registry.refused >= 2, { message: 'both threads have asked', seen: () => registry.refused });
  registry.open();
  const last = (await nodeSubscriber.lines(2 * PEOPLE + 3)).slice(2 * PEOPLE).map((line) => JSON.parse(line) as Line);
  const expected = [100, 101, 102].map((person) => `actions.webhook u${person} {"cents":${person}}`);
  assert.deepEqual(summary(last), expected);
  await javaSubscriber.lines(2 * PEOPLE + 3);

  // Our own readers read what was written under the registry's ids without asking it.
  registry.shut();
  t.after(() => registry.open());
  const shown = await run(['decisions', '--json'], [decisionsCommand], folder);
  assert.equal(shown.code, 0);
  const fired = shown.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const read = [...ofNode, ...last].map(({ decision }) => decision);
  assert.deepEqual(fired.map(({ id }) => id).sort(), read.sort());
  const letters = await run(['dlq', 'list', '--json'], [dlq], folder);
  const reasons = letters.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).message);
  assert.deepEqual(reasons.sort(), [
    'the record is no CloudEvent: it has neither ce_specversion (over HTTP: ce-specversion) among its headers nor a content-type of CloudEvents',
    'the registry has no schema 1048575',
  ]);
  for (const subscriber of [nodeSubscriber, javaSubscriber]) {
    const { code, err } = await subscriber.stop();
    assert.ok(code === 0 || code === 143, `exit ${code}: ${err}`);
    assert.doesNotMatch(err, /Exception|Error:/);
  }
});

test('both threads of the worker write the ids that the registry gave', async (t) => {
  const log = openLog(t, cluster);
  const expected = await schemas.getLatestSchemaId('actions.webhook-value');
  const reader = log.openReader();
  t.after(() => reader.close());
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  reader.assign(partitions.map((partition) => ({ topic: 'actions.webhook', partition, offset: 0 })));
  const ids = new Map<number, Set<number>>();
  for (const { partition, records } of await reader.read({ maxBytes: 1_000_000, waitMs: 5_000 })) {
    ids.set(partition, new Set(records.map(({ value }) => Buffer.from(value!).readUInt32BE(1))));
  }
  assert.deepEqual([...ids.keys()].sort(), partitions);
  for (const found of ids.values()) assert.deepEqual([...found], [expected]);
});

test('a worker whose schema readers could not read does not start: exit code 1, the subject, and how to mend it', async (t) => {
  const other = JSON.stringify({ type: 'record', name: 'Late', fields: [{ name: 'gone', type: 'string' }] });
  const subject = 'tripline.late-value';
  await fetch(`${registry.url}/subjects/${subject}`, { method: 'DELETE' });
  await schemas.register({ type: SchemaType.AVRO, schema: other }, { subject });
  const { code, err } = await run(['run'], [runCommand], folderWith(t, files()));
  assert.equal(code, 1);
  assert.match(err, /TRG_SCHEMA_INCOMPATIBLE/);
  assert.match(err, /under tripline\.late-value /);
  assert.match(err, /delete the subject in the registry/);
});

test('a worker whose registry stays down does not start: exit code 1, and its address', async (t) => {
  const down = files()['tripline.yaml']!.replace(registry.url, 'http://127.0.0.1:1').replace('5s', '300ms');
  const { code, err } = await run(['run'], [runCommand], folderWith(t, { ...files(), 'tripline.yaml': down }));
  assert.equal(code, 1);
  assert.match(err, /TRG_REGISTRY_UNREACHABLE/);
  assert.match(err, /http:\/\/127\.0\.0\.1:1 does not answer/);
});
