import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import specs from '@asyncapi/specs';
import { Ajv } from 'ajv';
import avsc from 'avsc';
import { parse } from 'yaml';
import { CHANNEL_IDS } from '../../../connectors/channels/index.ts';
import { asyncApiDocument, asyncApiYaml } from '../../../services/topics/asyncapi.ts';
import { DEFAULT_PREFIX, requiredTopics } from '../../../topology/topics.ts';
import { triplineTopology } from '../../../topology/topology.ts';

interface Document {
  channels: Record<string, { address: string; messages: Record<string, { $ref: string }> }>;
  operations: Record<string, { channel: { $ref: string } }>;
  components: { messages: Record<string, { payload: { schema: avsc.Schema } }> };
}

const document = asyncApiDocument() as unknown as Document;

function at(reference: string): unknown {
  assert.match(reference, /^#\//);
  return reference
    .slice(2)
    .split('/')
    .reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], document);
}

test('docs/asyncapi.yaml is what the code makes of its topics and schemas (npm run generate)', () => {
  const page = readFileSync(new URL('../../../docs/asyncapi.yaml', import.meta.url), 'utf8');
  assert.equal(page, asyncApiYaml());
  assert.deepEqual(parse(page), document);
});

test('the document is valid AsyncAPI 3.0', () => {
  // The schema brings its own copy of JSON Schema's.
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true, meta: false, validateSchema: false });
  const validate = ajv.compile(specs.schemas['3.0.0'] as object);
  assert.ok(validate(document), JSON.stringify(validate.errors, null, 2));
  const wrong = structuredClone(document) as unknown as { operations: Record<string, { action: string }> };
  wrong.operations['write-tripline-decisions']!.action = 'shout';
  assert.equal(validate(wrong), false);
});

test('every reference in it leads somewhere, and every payload is an Avro schema', () => {
  for (const { channel } of Object.values(document.operations)) assert.ok(at(channel.$ref), channel.$ref);
  for (const { messages } of Object.values(document.channels)) {
    for (const { $ref } of Object.values(messages)) assert.ok(at($ref), $ref);
  }
  for (const { payload } of Object.values(document.components.messages)) {
    assert.equal(avsc.Type.forSchema(payload.schema).typeName, 'record');
  }
});

test('it has every topic that others may read, and no other', () => {
  const topology = triplineTopology({
    application: 'test',
    prefix: DEFAULT_PREFIX,
    sources: [{ topic: 'events.shop', format: 'segment', keyed: false, entity: 'user' }],
    rules: () => assert.fail('nothing runs'),
    channels: CHANNEL_IDS,
    maxClockSkewMs: 0,
    dedupeWindowMs: 0,
    dedupeMax: 0,
    recordBytesMax: 0,
    useRecordTime: true,
    cacheBytes: 0,
  });
  const written = requiredTopics('test', topology.subTopologies(), 1).filter(({ isPublic }) => isPublic);
  const described = Object.values(document.channels).map(({ address }) => address);
  const deliveries = `${DEFAULT_PREFIX}.deliveries`;
  assert.deepEqual([...described].sort(), [...written.map(({ topic }) => topic), deliveries].sort());
});
