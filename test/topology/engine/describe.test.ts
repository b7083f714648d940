import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describe, mermaid } from '../../../topology/engine/describe.ts';
import { requiredTopics } from '../../../topology/topics.ts';
import { triplineTopology } from '../../../topology/topology.ts';
import { check } from '../../rules/kit.ts';

const { ruleSet } = check('id: one\nwhen: { event: paid }');
const job = triplineTopology({
  application: 'shop',
  prefix: 'tripline',
  sources: [
    { topic: 'events.shop', format: 'segment', keyed: true, entity: 'user' },
    { topic: 'raw', format: 'segment', keyed: false, entity: 'user' },
  ],
  rules: () => ruleSet,
  channels: ['email', 'webhook'],
  maxClockSkewMs: 300_000,
  dedupeWindowMs: 86_400_000,
  dedupeMax: 1_000,
  recordBytesMax: 1_048_576,
  useRecordTime: true,
  cacheBytes: 1_000_000,
});

test('the description of the job says what is joined to what', () => {
  assert.equal(
    describe(job),
    `Sub-topology 0: intake raw
  Source source raw (topic raw)
    --> intake raw
  Processor intake raw
    --> repartition raw, dead-letter raw
  Processor repartition raw
    --> repartitioned raw
  Sink repartitioned raw (topic shop-events-repartition)
  Sink dead-letter raw (topic tripline.dead-letter)

Sub-topology 1: entities
  Source source events (topic shop-events-repartition, waits for raw)
    --> intake events
  Source source events.shop (topic events.shop)
    --> intake events.shop
  Processor intake events
    --> evaluate, dead-letter
  Processor intake events.shop
    --> evaluate, dead-letter
  Processor evaluate (store entities)
    --> decisions, actions, flows, cancellations, late, undelivered
  Sink decisions (topic tripline.decisions)
  Sink actions (topics actions.email, actions.webhook)
  Sink flows (topic tripline.flows)
  Sink cancellations (topic shop-cancellations)
  Sink late (topic tripline.late)
  Sink undelivered (topic tripline.dead-letter)
  Sink dead-letter (topic tripline.dead-letter)
`,
  );
});

test('the picture of the job has every topic once, and an arrow for every way', () => {
  assert.equal(
    mermaid(job),
    `flowchart LR
  subgraph part0["intake raw"]
    n0_1["intake raw"]
    n0_2["repartition raw"]
  end
  topic0[("raw")]
  topic0 --> n0_1
  n0_1 --> n0_2
  topic1[("tripline.dead-letter")]
  n0_1 --> topic1
  topic2[("shop-events-repartition")]
  n0_2 --> topic2
  subgraph part1["entities"]
    n1_2["intake events"]
    n1_3["intake events.shop"]
    n1_4["evaluate"]
    store1("entities")
    n1_4 <--> store1
  end
  topic2 --> n1_2
  topic3[("events.shop")]
  topic3 --> n1_3
  n1_2 --> n1_4
  n1_2 --> topic1
  n1_3 --> n1_4
  n1_3 --> topic1
  topic4[("tripline.decisions")]
  n1_4 --> topic4
  topic5[("actions.email")]
  topic6[("actions.webhook")]
  n1_4 --> topic5
  n1_4 --> topic6
  topic7[("tripline.flows")]
  n1_4 --> topic7
  topic8[("shop-cancellations")]
  n1_4 --> topic8
  topic9[("tripline.late")]
  n1_4 --> topic9
  n1_4 --> topic1
`,
  );
});

test('the topics a job needs are those it writes to, its changelog, compacted, and its journal', () => {
  const specs = requiredTopics('shop', job.subTopologies(), 4);
  assert.deepEqual(specs.map(({ topic }) => topic).sort(), [
    'actions.email',
    'actions.webhook',
    'shop-cancellations',
    'shop-entities-changelog',
    'shop-events-repartition',
    'shop-journal',
    'tripline.dead-letter',
    'tripline.decisions',
    'tripline.flows',
    'tripline.late',
  ]);
  assert.ok(specs.every(({ partitions }) => partitions === 4));
  assert.deepEqual(
    specs.filter(({ compacted }) => compacted === true).map(({ topic }) => topic),
    ['shop-entities-changelog'],
  );
});
