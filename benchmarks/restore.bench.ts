// How fast lost state comes back from its changelog.
//
// Measured: opening an engine on the embedded log with empty databases, of which the restore is nearly all: reading the
// changelog, folding it, writing documents and due rows to LevelDB; once of a changelog that was compacted to one record a
// document, once of one that has two of each, far apart. Not measured: a changelog on another machine.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { channelTraits } from '../connectors/channels/index.ts';
import { type EmbeddedLog, openEmbeddedLog } from '../connectors/logs/embedded/index.ts';
import { systemClock } from '../lib/clock.ts';
import { Counters } from '../lib/counters.ts';
import { checkRules } from '../rules/index.ts';
import { PATTERN_STATES } from '../rules/patterns/index.ts';
import { Event } from '../schemas/event.ts';
import { Section } from '../schemas/section.ts';
import { entityDocumentSpec } from '../state/entity/codec.ts';
import { emptyEntityDocument } from '../state/entity/document.ts';
import { CachedDocumentStore } from '../state/store/document-store.ts';
import { LevelStore } from '../state/store/level-store.ts';
import { MemoryStore } from '../state/store/memory-store.ts';
import { EngineMonitor } from '../topology/engine/monitor.ts';
import { openEngine } from '../topology/engine/open-engine.ts';
import { changelogTopic } from '../topology/engine/topics.ts';
import { requiredTopics } from '../topology/topics.ts';
import { triplineTopology } from '../topology/topology.ts';
import { elapsed, type Figure } from './figure.ts';

const RECORDS = 500_000;
/** How often each document is in the changelog, and what such a one is called. */
const CASES = [
  { recordsPerDocument: 1, name: 'a compacted changelog' },
  { recordsPerDocument: 2, name: 'two records of each document' },
];
const RECORDS_PER_COMMIT = 1_000;
const START_MS = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;
const APPLICATION = 'bench';
const RULE =
  'id: cart\nwhen: { absence: { after: { event: add_to_cart, as: cart }, of: { event: purchase }, within: 1d } }';

const { ruleSet } = checkRules([{ file: 'rules.yaml', text: RULE }], {
  outOfOrdernessMs: 5_000,
  entities: [],
  channels: channelTraits({}),
});
const topology = triplineTopology({
  application: APPLICATION,
  prefix: 'tripline',
  sources: [{ topic: 'events', format: 'segment', keyed: true, entity: 'user' }],
  rules: () => ruleSet,
  channels: [],
  maxClockSkewMs: 300_000,
  dedupeWindowMs: DAY_MS,
  dedupeMax: 1_000,
  recordBytesMax: 1_048_576,
  useRecordTime: true,
  cacheBytes: 16 * 1024 * 1024,
});

/** `scale` 1 restores half a million records of each kind. */
export async function run(options: { scale: number }): Promise<Figure[]> {
  const commits = Math.max(1, Math.round((RECORDS * options.scale) / RECORDS_PER_COMMIT));
  const figures: Figure[] = [];
  for (const { recordsPerDocument, name } of CASES) {
    const { wall, cpu, restored } = await measure(commits, recordsPerDocument);
    const what = `restore: ${name}`;
    figures.push(
      { name: what, value: Math.round(restored / wall), unit: 'records/s' },
      { name: what, value: Math.round(restored / cpu), unit: 'records/s of processor time' },
    );
  }
  return figures;
}

async function measure(commits: number, recordsPerDocument: number) {
  const folder = await mkdtemp(join(tmpdir(), 'tripline-restore-bench-'));
  const log = await openEmbeddedLog({ dir: join(folder, 'log'), clock: systemClock, fsync: 'never' });
  try {
    await log.admin.createTopics([
      { topic: 'events', partitions: 1 },
      ...requiredTopics(APPLICATION, topology.subTopologies(), 1),
    ]);
    await writeChangelog(log, commits, recordsPerDocument);
    let restored = 0;
    const time = await elapsed(async () => {
      restored = await restore(log, join(folder, 'state'));
    });
    return { ...time, restored };
  } finally {
    await log.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeChangelog(log: EmbeddedLog, commits: number, recordsPerDocument: number): Promise<void> {
  const documents = Math.ceil((commits * RECORDS_PER_COMMIT) / recordsPerDocument);
  const topic = changelogTopic(APPLICATION, 'entities');
  const writer = await log.openWriter('bench');
  for (let commit = 0; commit < commits; commit++) {
    const first = commit * RECORDS_PER_COMMIT;
    const changes = changesOf(Array.from({ length: RECORDS_PER_COMMIT }, (_, i) => (first + i) % documents));
    writer.send(
      changes.map(({ key, value }) => {
        return { topic, partition: 0, timestamp: START_MS, key, value, headers: [] };
      }),
    );
    await writer.commit('bench', []);
  }
  await writer.close();
}

/** The changes of documents with one timer each, as a task commits them. */
function changesOf(users: readonly number[]) {
  const store = new CachedDocumentStore(
    new MemoryStore(),
    entityDocumentSpec(() => ruleSet),
    { cacheBytes: 1e9 },
  );
  for (const user of users) {
    const document = emptyEntityDocument();
    const time = START_MS + user;
    document.seen.check(`m${user}`, time, 0, 1_000);
    const start = new Event({
      messageId: `m${user}`,
      type: 'track',
      event: 'add_to_cart',
      userId: `user_${user}`,
      anonymousId: null,
      time,
      properties: { cartId: `cart_${user}`, value: 49.99, currency: 'EUR', path: '/shop/category_1/sku_1' },
    });
    const state = { kind: 'absence', clocks: [{ start, deadline: time + DAY_MS }] };
    const instances = [{ by: '', state: Section.of(PATTERN_STATES.get('absence')!, state) }];
    document.rules.add({ rule: 'cart', fired: [], forgotten: -1, instances });
    store.put(`user/user_${user}`, document);
  }
  return Array.from(store.changes(), ({ key, value }) => ({ key, value }));
}

async function restore(log: EmbeddedLog, folder: string): Promise<number> {
  const counters = new Counters();
  const engine = await openEngine({
    log,
    topology,
    application: APPLICATION,
    clock: systemClock,
    counters,
    monitor: new EngineMonitor({ clock: systemClock, counters }),
    transactionalId: 'bench-0',
    openStore: (task) => LevelStore.open(join(folder, task)),
    outOfOrdernessMs: 5_000,
    commitInterval: { minMs: 5, maxMs: 100 },
  });
  await engine.close();
  return counters.total('restored-records');
}
