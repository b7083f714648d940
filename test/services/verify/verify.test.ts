// Verifying a run: as it was it is identical, and whatever was changed in it is found with its first cause.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelTraits } from '../../../connectors/channels/index.ts';
import { checkRules, type RulesCheck } from '../../../rules/index.ts';
import { decisionCodec } from '../../../schemas/framed.ts';
import type { LogRecord } from '../../../schemas/record.ts';
import { textOf } from '../../../services/verify/text.ts';
import type { Verification } from '../../../services/verify/verification.ts';
import { verifyLog } from '../../../services/verify/verify.ts';
import { type Alteration, alteredLog } from '../../../testing/altered-log.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { MemoryLog } from '../../../testing/memory-log.ts';
import { TestDriver } from '../../../testing/test-driver.ts';
import { journalCodec } from '../../../topology/engine/journal.ts';
import type { Log } from '../../../topology/engine/ports.ts';
import { triplineTopology } from '../../../topology/topology.ts';

const START = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
const APPLICATION = 'shop';
const RULES = `id: cart
when: { absence: { after: { event: add }, of: buy, within: 1h } }
cooldown: 3h
then: [{ send: { channel: webhook, data: { note: '"left"' } } }]
---
id: busy
when: { count: { event: add, atLeast: 2, within: 2h } }
`;

function rulesOf(text: string): RulesCheck {
  const checked = checkRules([{ file: 'r.yaml', text }], {
    outOfOrdernessMs: 1_000,
    entities: [],
    channels: channelTraits({}),
  });
  assert.deepEqual(checked.errors, []);
  return checked;
}

function topologyOf(text: string) {
  const { ruleSet } = rulesOf(text);
  return triplineTopology({
    application: APPLICATION,
    prefix: 'tripline',
    sources: [{ topic: 'events', format: 'segment', entity: 'user', keyed: true }],
    rules: () => ruleSet,
    channels: ['webhook'],
    maxClockSkewMs: HOUR,
    dedupeWindowMs: HOUR,
    dedupeMax: 100,
    recordBytesMax: 100_000,
    useRecordTime: true,
    hasWallTime: true,
    cacheBytes: 100_000,
  });
}

/** A run over some hours with a crash in it; one commit after each event. */
async function played(): Promise<MemoryLog> {
  const clock = new FakeClock(START);
  const log = new MemoryLog(clock);
  const driver = await TestDriver.open({
    topology: () => topologyOf(RULES),
    application: APPLICATION,
    partitions: 2,
    clock,
    log,
    outOfOrdernessMs: 1_000,
  });
  for (let i = 0; i < 60; i++) {
    await clock.advance(10 * 60_000);
    const userId = `u${(i * 5) % 7}`;
    const event = i % 4 === 3 ? 'buy' : 'add';
    const value = JSON.stringify({
      type: 'track',
      messageId: `m${i}`,
      userId,
      event,
      timestamp: new Date(clock.now()),
    });
    await driver.pipe('events', { key: userId, value });
    await driver.run();
    if (i === 30) await driver.crash();
  }
  await clock.advance(2 * HOUR);
  await driver.run();
  return log;
}

const log = await played();

function verified(seen: Log, rules = RULES, query: { from?: number; to?: number } = {}): Promise<Verification> {
  return verifyLog({
    log: seen,
    application: APPLICATION,
    prefix: 'tripline',
    channels: ['webhook'],
    outOfOrdernessMs: 1_000,
    ignoresSchemaIds: false,
    topology: topologyOf(rules),
    ...query,
  });
}

const altered = (alter: Alteration): Log => alteredLog(log, alter);

/** The first decision of partition 0 after `skip` others. */
async function decisionAt(skip: number): Promise<LogRecord> {
  const reader = log.openReader();
  reader.assign([{ topic: 'tripline.decisions', partition: 0, offset: 0 }]);
  const [fetched] = await reader.read({ maxBytes: 10_000_000, waitMs: 0 });
  await reader.close();
  return fetched!.records[skip]!;
}

test('a run is identical to what its inputs, journal and rules give', async () => {
  const { identical, differences, findings, topics, tasks } = await verified(log);
  assert.deepEqual({ identical, differences, findings }, { identical: true, differences: 0, findings: [] });
  assert.ok(topics['tripline.decisions']!.identical > 20);
  assert.ok(topics['actions.webhook']!.identical > 5);
  assert.deepEqual(
    tasks.map(({ task, gone }) => [task, gone]),
    [
      ['entities_0', []],
      ['entities_1', []],
    ],
  );
  assert.ok(tasks.every(({ entries }) => entries > 10));
});

test('one flipped byte in a decision is found: its place, its field and the step that led to it', async () => {
  const { offset, value } = await decisionAt(3);
  const decision = decisionCodec.decode(value!);
  const changed = altered((place, record) => {
    if (place !== 'tripline.decisions/0' || record.offset !== offset) return record;
    const [event, ...rest] = decision.events;
    return { ...record, value: decisionCodec.encode({ ...decision, events: [`${event}x`, ...rest] }) };
  });
  const { identical, differences, findings, topics } = await verified(changed);
  assert.deepEqual({ identical, differences }, { identical: false, differences: 1 });
  const [finding] = findings;
  assert.deepEqual([finding!.kind, finding!.place, finding!.offset], ['differs', 'tripline.decisions/0', offset]);
  assert.deepEqual(finding!.field, 'events.0');
  assert.deepEqual([finding!.recorded, finding!.replayed], [`${decision.events[0]}x`, decision.events[0]]);
  assert.equal(finding!.of!.id, decision.id);
  assert.equal(finding!.step!.task, 'entities_0');
  assert.ok(finding!.step!.entry > 0);
  assert.equal(topics['tripline.decisions']!.differs, 1);
});

test('any byte of any decision that is flipped is found', async () => {
  const { offset, value } = await decisionAt(0);
  for (let at = 0; at < value!.length; at += 7) {
    const changed = altered((place, record) => {
      if (place !== 'tripline.decisions/0' || record.offset !== offset) return record;
      const bytes = Buffer.from(value!);
      bytes[at]! ^= 1;
      return { ...record, value: bytes };
    });
    const { identical, findings } = await verified(changed);
    assert.equal(identical, false, `byte ${at}`);
    assert.ok(findings.length <= 2, `byte ${at}: ${JSON.stringify(findings)}`);
    assert.ok(findings.every(({ place }) => place === 'tripline.decisions/0'));
  }
});

test('a decision that is not there is missing, and one that nothing led to is extra', async () => {
  const { offset, value } = await decisionAt(2);
  const { id } = decisionCodec.decode(value!);
  const fewer = await verified(
    altered((place, record) => (place === 'tripline.decisions/0' && record.offset === offset ? null : record)),
  );
  assert.deepEqual(
    fewer.findings.map(({ kind, of, offset: at }) => [kind, of!.id, at]),
    [['missing', id, null]],
  );
  const decision = decisionCodec.decode(value!);
  const forged = decisionCodec.encode({ ...decision, id: 'f'.repeat(32), rule: 'busy' });
  const more = await verified(
    altered((place, record) =>
      place === 'tripline.decisions/0' && record.offset === offset ? { ...record, value: forged } : record,
    ),
  );
  assert.deepEqual(
    more.findings.map(({ kind, of }) => [kind, of!.id]),
    [
      ['missing', id],
      ['extra', 'f'.repeat(32)],
    ],
  );
  assert.equal(more.findings[1]!.step, null);
});

test('a journal record that was removed is found, whichever it was, before what follows from it', async () => {
  const entries = await journalEntries();
  assert.ok(entries.length > 20);
  for (const { place, offset, isLast } of entries) {
    const { identical, findings } = await verified(
      altered((at, record) => (at === place && record.offset === offset ? null : record)),
    );
    const [first] = findings;
    if (isLast) {
      // Nothing goes on from the last one: it is missed by what it led to.
      assert.ok(identical || first!.kind === 'extra');
      continue;
    }
    assert.equal(identical, false, `${place}@${offset}`);
    assert.equal(first!.kind, 'journal', JSON.stringify(first));
    assert.equal(first!.place, place);
    assert.ok(first!.offset! > offset);
  }
});

async function journalEntries() {
  const found: { place: string; offset: number; isLast: boolean }[] = [];
  for (const partition of [0, 1]) {
    const reader = log.openReader();
    reader.assign([{ topic: 'shop-journal', partition, offset: 0 }]);
    const [fetched] = await reader.read({ maxBytes: 10_000_000, waitMs: 0 });
    await reader.close();
    const own = fetched!.records.map(({ offset, value }) => {
      assert.ok(journalCodec.decode(value!).from !== null);
      return { place: `shop-journal/${partition}`, offset, isLast: false };
    });
    own.at(-1)!.isLast = true;
    // Without its first entry a task begins somewhere: nothing tells that there was one, but for what follows.
    found.push(...own.slice(1));
  }
  return found;
}

test('a changed rule is found by the first decision that it made otherwise', async () => {
  const { identical, findings } = await verified(log, RULES.replace('atLeast: 2', 'atLeast: 3'));
  assert.equal(identical, false);
  const [first] = findings;
  assert.equal(first!.of!.rule, 'busy');
  assert.equal(first!.kind, 'extra');
  assert.ok(findings.every(({ of }, i) => i === 0 || of!.at >= findings[i - 1]!.of!.at));
  const renamed = await verified(log, RULES.replace('cooldown: 3h', 'cooldown: 4h'));
  const [version] = renamed.findings;
  assert.deepEqual([version!.kind, version!.field, version!.of!.rule], ['differs', 'ruleVersion', 'cart']);
});

test('an input record that was changed is found by what it led to', async () => {
  const { findings } = await verified(
    altered((place, record) => {
      if (!place.startsWith('events/') || !Buffer.from(record.value!).includes('"m8"')) return record;
      return { ...record, value: Buffer.from(Buffer.from(record.value!).toString().replace('"m8"', '"m8x"')) };
    }),
  );
  const [first] = findings;
  assert.ok(JSON.stringify(first).includes('m8'), JSON.stringify(first));
});

test('a period compares the decisions in it alone', async () => {
  const { offset, value } = await decisionAt(0);
  const { at } = decisionCodec.decode(value!);
  const changed = altered((place, record) => {
    return place === 'tripline.decisions/0' && record.offset === offset ? null : record;
  });
  assert.equal((await verified(changed, RULES, { from: at + 1 })).identical, true);
  assert.equal((await verified(changed, RULES, { to: at })).identical, true);
  const found = await verified(changed, RULES, { from: at, to: at + 1 });
  assert.deepEqual(
    found.findings.map(({ kind }) => kind),
    ['missing'],
  );
});

/** The log as it is after retention has taken what was before `first` of this place. */
function shortened(topic: string, partition: number, first: number): Log {
  const place = `${topic}/${partition}`;
  return {
    ...altered((at, record) => (at === place && record.offset < first ? null : record)),
    admin: {
      topics: () => log.admin.topics(),
      createTopics: (specs) => log.admin.createTopics(specs),
      committed: (group, partitions) => log.admin.committed(group, partitions),
      async offsets(asked) {
        const offsets = await log.admin.offsets(asked);
        return asked.topic === topic && asked.partition === partition ? { ...offsets, first } : offsets;
      },
    },
  };
}

test('decisions that retention has taken cannot be verified; one that is gone after them is missing', async () => {
  const kept = await decisionAt(3);
  const seen = shortened('tripline.decisions', 0, kept.offset);
  const { identical, topics } = await verified(seen);
  assert.equal(identical, true);
  assert.equal(topics['tripline.decisions']!.unverifiable, 3);
  const { offset } = await decisionAt(5);
  const fewer = alteredLog(seen, (place, record) => {
    return place === 'tripline.decisions/0' && record.offset === offset ? null : record;
  });
  const { findings } = await verified(fewer);
  assert.deepEqual(
    findings.map(({ kind }) => kind),
    ['missing'],
  );
});

test('where an input begins later than it did, differences are no findings but cannot be verified', async () => {
  const seen = shortened('events', 0, 5);
  const verification = await verified(seen);
  assert.deepEqual([verification.identical, verification.differences], [true, 0]);
  assert.deepEqual(verification.tasks[0]!.gone, ['events/0 begins at offset 5']);
  const { unverifiable, identical } = verification.topics['tripline.decisions']!;
  assert.ok(unverifiable > 0 && identical > 0);
  assert.match(textOf(verification), /entities_0 cannot be verified in whole: events\/0 begins at offset 5/);
});

test('what another application with the same prefix wrote is told by its rules, and is no difference', async () => {
  const { offset, value } = await decisionAt(1);
  const own = decisionCodec.decode(value!);
  const seen = altered((place, record) => {
    if (place !== 'tripline.decisions/0' || record.offset !== offset) return record;
    return { ...record, value: decisionCodec.encode({ ...own, rule: 'of-others' }) };
  });
  const verification = await verifyLog({
    log: seen,
    application: APPLICATION,
    prefix: 'tripline',
    channels: ['webhook'],
    outOfOrdernessMs: 1_000,
    ignoresSchemaIds: false,
    rules: new Set(['cart', 'busy']),
    topology: topologyOf(RULES),
  });
  assert.equal(verification.topics['tripline.decisions']!.foreign, 1);
  assert.deepEqual(
    verification.findings.map(({ kind, of }) => [kind, of!.id]),
    [['missing', own.id]],
  );
});

test('what a worker writes while it is verified is no finding', async () => {
  const clock = new FakeClock(START);
  const live = new MemoryLog(clock);
  const driver = await TestDriver.open({
    topology: () => topologyOf(RULES),
    application: APPLICATION,
    clock,
    log: live,
    outOfOrdernessMs: 1_000,
  });
  let sent = 0;
  const step = async (): Promise<void> => {
    await clock.advance(HOUR);
    const value = JSON.stringify({
      type: 'track',
      messageId: `m${sent++}`,
      userId: 'u',
      event: 'add',
      timestamp: new Date(clock.now()),
    });
    await driver.pipe('events', { key: 'u', value });
    await driver.run();
  };
  for (let i = 0; i < 5; i++) await step();
  let looks = 0;
  const seen: Log = {
    ...live,
    openReader: () => live.openReader(),
    openWriter: (id) => live.openWriter(id),
    admin: {
      topics: () => live.admin.topics(),
      createTopics: (specs) => live.admin.createTopics(specs),
      committed: (group, partitions) => live.admin.committed(group, partitions),
      async offsets(place) {
        // The journal is looked at, and the worker goes on.
        const offsets = await live.admin.offsets(place);
        if (place.topic === 'shop-journal' && ++looks === 2) for (let i = 0; i < 5; i++) await step();
        return offsets;
      },
    },
    close: () => live.close(),
  };
  const { identical, topics } = await verified(seen);
  assert.equal(identical, true);
  assert.ok(topics['tripline.decisions']!.newer > 0);
});
