// Verifying flows, and what a worker took back: outputs that the log would have refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelTraits } from '../../../connectors/channels/index.ts';
import { checkRules } from '../../../rules/index.ts';
import { deadLetterCodec, flowRecordCodec } from '../../../schemas/framed.ts';
import type { Verification } from '../../../services/verify/verification.ts';
import { verifyLog } from '../../../services/verify/verify.ts';
import { alteredLog } from '../../../testing/altered-log.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { readPartition } from '../../../testing/journal-replay.ts';
import { MemoryLog } from '../../../testing/memory-log.ts';
import { TestDriver } from '../../../testing/test-driver.ts';
import type { Log } from '../../../topology/engine/ports.ts';
import { triplineTopology } from '../../../topology/topology.ts';

const START = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const APPLICATION = 'shop';
const FLOWS = 'tripline.flows/0';
/** A message holds the text twice: as data, and in its event. */
const RECORD_BYTES_MAX = 100_000;
const LARGE = 'x'.repeat(60_000);
const RULES = `id: cart
when: { event: add }
goal: { event: buy }
then:
  - { wait: 1h }
  - { send: { channel: webhook, data: { note: '"left"' } } }
  - { waitFor: { event: back, atMost: 2h } }
---
id: copies
when: { event: told }
then: [{ send: { channel: webhook, data: { text: event.properties.text } } }]
---
id: waits
when: { absence: { after: { event: looked, as: seen }, of: bought, within: 1h } }
then: [{ send: { channel: webhook, data: { text: seen.properties.text } } }]
`;

function topology() {
  const { ruleSet, errors } = checkRules([{ file: 'r.yaml', text: RULES }], {
    outOfOrdernessMs: 1_000,
    entities: [],
    channels: channelTraits({}),
  });
  assert.deepEqual(errors, []);
  return triplineTopology({
    application: APPLICATION,
    prefix: 'tripline',
    sources: [{ topic: 'events', format: 'segment', entity: 'user', keyed: true }],
    rules: () => ruleSet,
    channels: ['webhook'],
    maxClockSkewMs: HOUR,
    dedupeWindowMs: HOUR,
    dedupeMax: 100,
    recordBytesMax: RECORD_BYTES_MAX,
    useRecordTime: true,
    hasWallTime: true,
    cacheBytes: 1_000_000,
  });
}

/** One commit after each event. */
async function played(events: readonly (readonly [userId: string, event: string, text?: string])[]): Promise<Log> {
  const clock = new FakeClock(START);
  const log = Object.assign(new MemoryLog(clock), { recordBytesMax: RECORD_BYTES_MAX });
  const options = { topology, application: APPLICATION, clock, log, outOfOrdernessMs: 1_000 };
  const driver = await TestDriver.open({ ...options, onFault: () => {} });
  for (const [i, [userId, event, text = '']] of events.entries()) {
    await clock.advance(10 * MINUTE);
    const told = { type: 'track', messageId: `m${i}`, userId, event, properties: { text } };
    const value = JSON.stringify({ ...told, timestamp: new Date(clock.now()) });
    await driver.pipe('events', { key: userId, value });
    await driver.run();
  }
  for (let hour = 0; hour < 6; hour++) {
    await clock.advance(HOUR);
    await driver.run();
  }
  return log;
}

function verified(log: Log): Promise<Verification> {
  return verifyLog({
    log,
    application: APPLICATION,
    prefix: 'tripline',
    channels: ['webhook'],
    outOfOrdernessMs: 1_000,
    ignoresSchemaIds: false,
    topology: topology(),
  });
}

const shopping = await played([
  ['ann', 'add'],
  ['bob', 'add'],
  ['ann', 'buy'],
  ['cid', 'add'],
  ['dan', 'add'],
  ['dan', 'nothing'],
  ['bob', 'nothing'],
  ['bob', 'nothing'],
  ['bob', 'back'],
  ['cid', 'add'],
]);
const records = (await readPartition(shopping, { topic: 'tripline.flows', partition: 0 })).map(({ offset, value }) => ({
  offset,
  record: flowRecordCodec.decode(value!),
}));

test('flows that go on, reach their goal and end are identical to what inputs, journal and rules give', async () => {
  const { identical, findings, topics } = await verified(shopping);
  assert.deepEqual({ identical, findings }, { identical: true, findings: [] });
  assert.equal(topics['tripline.flows']!.identical, records.length);
  const kinds = new Set(records.map(({ record }) => record.kind));
  for (const kind of ['entered', 'waiting', 'goal', 'ended'] as const) assert.ok(kinds.has(kind), kind);
});

test('whichever record of a flow is not there is missing, with its step', async () => {
  for (const { offset, record } of records) {
    const { findings } = await verified(
      alteredLog(shopping, (place, each) => (place === FLOWS && each.offset === offset ? null : each)),
    );
    assert.deepEqual(
      findings.map(({ kind, of }) => [kind, of!.id, of!.rule, of!.at]),
      [['missing', record.flow, record.rule, new Date(record.at).toISOString()]],
    );
    assert.equal(findings[0]!.step!.task, 'entities_0');
  }
});

test('a record of a flow with another time or reason differs in that field', async () => {
  const { offset, record } = records.find(({ record: { kind } }) => kind === 'ended')!;
  for (const [field, change] of [
    ['at', { at: record.at + MINUTE }],
    ['reason', { reason: 'stopped' }],
  ] as const) {
    const { findings } = await verified(
      alteredLog(shopping, (place, each) => {
        if (place !== FLOWS || each.offset !== offset) return each;
        return { ...each, value: flowRecordCodec.encode({ ...record, ...change }) };
      }),
    );
    assert.deepEqual(
      findings.map((finding) => [finding.kind, finding.offset, finding.field]),
      [['differs', offset, field]],
    );
  }
});

test('what a worker took back, since the log would have refused what came of it, is taken back in the replay too', async () => {
  const log = await played([
    ['ann', 'told', 'short'],
    ['ann', 'told', LARGE],
    ['bob', 'looked', LARGE],
    ['cid', 'looked', 'short'],
    ['ann', 'told', 'again'],
  ]);
  const letters = await readPartition(log, { topic: 'tripline.dead-letter', partition: 0 });
  assert.deepEqual(
    letters.map(({ value }) => deadLetterCodec.decode(value!).reason),
    ['TRG_RECORD_TOO_LARGE'],
  );
  const { identical, findings, topics } = await verified(log);
  assert.deepEqual({ identical, findings }, { identical: true, findings: [] });
  assert.equal(topics['actions.webhook']!.identical, 3);
  assert.equal(topics['tripline.decisions']!.identical, 3);
});
