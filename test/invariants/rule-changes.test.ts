// Rules that change while a task runs: at a recorded point, whatever happens to the engine (I1).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { channelTraits } from '../../connectors/channels/index.ts';
import { checkRules } from '../../rules/index.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import { decisionCodec } from '../../schemas/framed.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { type ReplayedRecord, readPartition, replayJournal } from '../../testing/journal-replay.ts';
import { MemoryLog } from '../../testing/memory-log.ts';
import { TestDriver } from '../../testing/test-driver.ts';
import { RuleVersions } from '../../topology/rule-versions.ts';
import { triplineTopology } from '../../topology/topology.ts';
import { holds } from './property.ts';

const START = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
const OUT_OF_ORDERNESS_MS = 1_000;

const ABSENCE = (more: string) =>
  `id: a\n${more}\nwhen: { absence: { after: { event: x }, of: y, within: 1h, restart: each } }`;
const COUNT = (atLeast: number, more = '') =>
  `id: b\n${more}\nwhen: { count: { event: x, atLeast: ${atLeast}, within: 3h } }`;
const VERSIONS = [
  [ABSENCE(''), COUNT(3)],
  [ABSENCE('if: now > timestamp("2026-01-01T00:00:00Z")'), COUNT(2)],
  [COUNT(3)],
  [ABSENCE('migrate: reset'), COUNT(2, 'cooldown: 9h')],
  ['id: a\nwhen: { event: x }', 'id: c\nwhen: { inactive: { for: 2h, event: x } }'],
].map((rules) => rules.join('\n---\n'));

function compiled(text: string, since: ReadonlyMap<string, number> = new Map()): RuleSet {
  const checked = checkRules([{ file: 'rules.yaml', text }], {
    outOfOrdernessMs: OUT_OF_ORDERNESS_MS,
    entities: [],
    channels: channelTraits({}),
    since,
  });
  assert.deepEqual(checked.errors, []);
  return checked.ruleSet;
}

/** Version n + 1 is VERSIONS[order[n]]; `since` as a publisher tells it. */
function published(order: readonly number[]): readonly RuleSet[] {
  let since = new Map<string, number>();
  return order.map((place, index) => {
    const ids = compiled(VERSIONS[place]!).rules.map(({ id }) => id);
    since = new Map(ids.map((id) => [id, since.get(id) ?? index + 1]));
    return compiled(VERSIONS[place]!, since);
  });
}

class Run {
  readonly clock = new FakeClock(START);
  readonly log = new MemoryLog(this.clock);
  readonly sets: readonly RuleSet[];
  #newest = 1;
  versions: RuleVersions;
  driver!: TestDriver;

  constructor(order: readonly number[]) {
    this.sets = published(order);
    this.versions = this.#versionsAnew();
  }

  static async open(order: readonly number[], dirtyBytesMax = 10_000_000): Promise<Run> {
    const run = new Run(order);
    run.driver = await TestDriver.open({
      topology: () => run.topology(run.#revived()),
      partitions: 2,
      clock: run.clock,
      log: run.log,
      outOfOrdernessMs: OUT_OF_ORDERNESS_MS,
      dirtyBytesMax,
      commitInterval: { minMs: 0, maxMs: 60_000 },
    });
    return run;
  }

  topology(versions: RuleVersions) {
    return triplineTopology({
      application: 'test',
      prefix: 'tripline',
      sources: [{ topic: 'events', format: 'segment', entity: 'user', keyed: true }],
      rules: () => versions.current,
      ruleVersions: versions,
      channels: [],
      maxClockSkewMs: HOUR,
      dedupeWindowMs: HOUR,
      dedupeMax: 100,
      recordBytesMax: 100_000,
      useRecordTime: true,
      cacheBytes: 1_000,
    });
  }

  /** Follows the journal alone. */
  replayed() {
    const versions = this.#bare();
    const topology = this.topology(versions);
    return replayJournal({
      log: this.log,
      topology,
      application: 'test',
      outOfOrdernessMs: OUT_OF_ORDERNESS_MS,
      dirtyBytesMax: 1,
      cacheBytes: 1,
    });
  }

  publish(): void {
    this.#newest = Math.min(this.#newest + 1, this.sets.length);
    this.versions.advance(this.#newest, this.sets[this.#newest - 1]!);
  }

  async send(user: string, event: string, messageId: string): Promise<void> {
    const timestamp = new Date(this.clock.now()).toISOString();
    const message = { type: 'track', messageId, userId: user, event, timestamp };
    await this.driver.pipe('events', { key: user, value: JSON.stringify(message) });
  }

  async written(topic: string): Promise<ReplayedRecord[][]> {
    return Promise.all([0, 1].map((partition) => readPartition(this.log, { topic, partition })));
  }

  async decided(): Promise<string[]> {
    const records = (await this.written('tripline.decisions')).flat();
    const decisions = records.map(({ value }) => decisionCodec.decode(value!));
    return decisions.map(({ rule, at, outcome }) => `${rule} ${(at - START) / HOUR}h ${outcome}`);
  }

  #revived(): RuleVersions {
    this.versions = this.#versionsAnew();
    return this.versions;
  }

  #versionsAnew(): RuleVersions {
    const versions = this.#bare();
    versions.advance(this.#newest, this.sets[this.#newest - 1]!);
    return versions;
  }

  #bare(): RuleVersions {
    const compile = (version: number) => this.sets[version - 1];
    return new RuleVersions({ topic: 'tripline.rules', initial: compiled(VERSIONS[2]!), compile });
  }
}

const act = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('send'),
      user: fc.constantFrom('u1', 'u2', 'u3'),
      event: fc.constantFrom('x', 'x', 'y'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass'), ms: fc.constantFrom(1, 500, HOUR / 2, 2 * HOUR) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('publish', 'poll', 'run', 'crash', 'lose') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('die'), calls: fc.nat({ max: 10 }) }) },
) as fc.Arbitrary<{ kind: string; user: string; event: string; ms: number; calls: number }>;

holds(
  'rules that change at any point, with crashes and restarts, give the bytes that the journal gives again (I1)',
  80,
  fc.record({
    order: fc.array(fc.nat({ max: VERSIONS.length - 1 }), { minLength: 2, maxLength: 6 }),
    acts: fc.array(act, { maxLength: 40 }),
    dirtyBytesMax: fc.constantFrom(10_000_000, 1),
  }),
  async ({ order, acts, dirtyBytesMax }) => {
    const run = await Run.open(order, dirtyBytesMax);
    const { driver, clock } = run;
    for (const [place, { kind, user, event, ms, calls }] of acts.entries()) {
      if (kind === 'send') await run.send(user, event, `m${place}`);
      if (kind === 'pass') await clock.advance(ms);
      if (kind === 'publish') run.publish();
      if (kind === 'poll') await driver.poll();
      if (kind === 'run') await driver.run();
      if (kind === 'crash' || kind === 'lose') await driver.crash();
      if (kind === 'lose') driver.loseStores();
      if (kind === 'die') {
        driver.crashes.arm(calls, 'before');
        await driver.run();
      }
    }
    await driver.run();
    await driver.advanceWallClock(5 * HOUR);
    await driver.advanceWallClock(1_000);
    const replayed = await run.replayed();
    const written = await run.written('tripline.decisions');
    for (const [partition, records] of written.entries()) {
      const again = replayed.get(`tripline.decisions/${partition}`) ?? [];
      const bytes = ({ value, timestamp }: ReplayedRecord) => `${timestamp} ${Buffer.from(value!).toString('hex')}`;
      assert.deepEqual(again.map(bytes), records.map(bytes));
    }
    await driver.close();
  },
);

async function runWith(order: readonly number[], play: (run: Run) => Promise<void>): Promise<string[]> {
  const run = await Run.open(order);
  await play(run);
  await run.driver.advanceWallClock(5 * HOUR);
  const decided = await run.decided();
  await run.driver.close();
  return decided;
}

const sendAndRun = async (run: Run, event: string, id: string): Promise<void> => {
  await run.send('u1', event, id);
  await run.driver.run();
};

test('a rule whose condition or bound changes keeps what its pattern has seen', async () => {
  const decided = await runWith([0, 1], async (run) => {
    await sendAndRun(run, 'x', 'm1');
    run.publish();
    await run.clock.advance(HOUR / 2);
    await sendAndRun(run, 'x', 'm2');
  });
  assert.deepEqual(decided, ['b 0.5h fired', 'a 1h fired', 'a 1.5h fired']);
});

test('a rule with `migrate: reset` begins anew when it changes', async () => {
  const decided = await runWith([0, 3], async (run) => {
    await sendAndRun(run, 'x', 'm1');
    await run.driver.advanceWallClock(2 * OUT_OF_ORDERNESS_MS);
    run.publish();
    await run.clock.advance(HOUR / 2 - 2 * OUT_OF_ORDERNESS_MS);
    await sendAndRun(run, 'x', 'm2');
  });
  assert.deepEqual(decided, ['b 0.5h fired', 'a 1.5h fired']);
});

test('a rule that was gone and comes back begins anew: it has not seen what came meanwhile', async () => {
  const decided = await runWith([0, 2, 0], async (run) => {
    await sendAndRun(run, 'x', 'm1');
    await run.driver.advanceWallClock(2 * OUT_OF_ORDERNESS_MS);
    run.publish();
    await run.clock.advance(1_000);
    await sendAndRun(run, 'y', 'm2');
    run.publish();
    await run.clock.advance(1_000);
    await sendAndRun(run, 'y', 'm3');
  });
  assert.deepEqual(decided, []);
});

test('a cooldown outlives a change of its rule (I4)', async () => {
  const decided = await runWith([3, 1, 3], async (run) => {
    await sendAndRun(run, 'x', 'm1');
    await sendAndRun(run, 'x', 'm2');
    run.publish();
    await run.clock.advance(1_000);
    await sendAndRun(run, 'y', 'm3');
    run.publish();
    await run.clock.advance(4 * HOUR);
    await sendAndRun(run, 'x', 'm4');
    await sendAndRun(run, 'x', 'm5');
  });
  assert.deepEqual(
    decided.filter((line) => line.startsWith('b')).map((line) => line.split(' ')[2]),
    ['fired', 'suppressed'],
  );
});
