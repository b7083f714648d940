// Workers, brokers and the network fail in every way at once; the decisions are the oracle's all the same.
//
// Bounded in `make test`; as long as one likes with `make chaos SEED=… MINUTES=…`.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { seededRng } from '../../lib/rng.ts';
import { decisionCodec } from '../../schemas/framed.ts';
import { loadConfig } from '../../services/config/index.ts';
import { jobOf } from '../../services/job/job.ts';
import { loadFlawlessProject } from '../../services/project/load-project.ts';
import { rulesTopicOf } from '../../services/rules/published.ts';
import { replayJournal } from '../../testing/journal-replay.ts';
import { RuleVersions } from '../../topology/rule-versions.ts';
import { needlessRestores, restoresOf, storiesOf, timelineOf } from './report.ts';
import { APPLICATION, type ChaosOptions, type Finished, runChaos } from './run.ts';
import { type KeptSeed, SEEDS } from './seeds.ts';
import { checkState } from './state.ts';
import { differences } from './verdict.ts';

const { CHAOS_SEED, CHAOS_MINUTES, CHAOS_WORKERS, CHAOS_PARTITIONS } = process.env;
const BOUNDED_MS = 40_000;
/** Of users of whom nothing can be said (verdict.ts). */
const EXCUSED_MAX = 0.1;

function optionsOf(seed: number): ChaosOptions {
  const draw = seededRng(seed);
  return {
    seed,
    durationMs: CHAOS_MINUTES === undefined ? BOUNDED_MS : Number(CHAOS_MINUTES) * 60_000,
    workers: Number(CHAOS_WORKERS ?? 3),
    partitions: Number(CHAOS_PARTITIONS ?? 4 + Math.floor(draw.next() * 9)),
    eventsPerSecond: 60,
    sessionTimeoutMs: 6_000,
    standbyReplicas: draw.next() < 0.5 ? 0 : 1,
    threads: draw.next() < 0.7 ? 1 : 2,
    isStatic: draw.next() < 0.5,
    repartitions: draw.next() < 0.7,
  };
}

/** `make test` plays what is known, `make chaos` what is asked for, or what nobody has seen yet. */
const isBounded = CHAOS_SEED === undefined && CHAOS_MINUTES === undefined;
const runs: readonly KeptSeed[] = isBounded ? SEEDS : [{ seed: Number(CHAOS_SEED ?? process.pid), was: 'new' }];

for (const { seed, was } of runs) {
  test(`amid faults of all kinds, exactly what the oracle says is decided (seed ${seed}: ${was})`, async (t) => {
    const options = optionsOf(seed);
    t.diagnostic(JSON.stringify(options));
    const finished = await runChaos(options);
    t.after(() => finished.close());
    try {
      await check(finished, options, (text) => t.diagnostic(text));
    } catch (error) {
      t.diagnostic(`make chaos SEED=${seed}\n${timelineOf(finished)}`);
      throw error;
    }
  });
}

async function check(finished: Finished, options: ChaosOptions, say: (text: string) => void): Promise<void> {
  const { outcome, expected, excused, delays, log, folders, failures, tailed } = finished;
  const slowest = Math.max(...delays.values());
  const share = excused.size / expected.size;
  assert.ok(share <= EXCUSED_MAX, `the test itself was too slow to say anything: it wrote events ${slowest} ms late`);
  assert.deepEqual(failures, []);

  const wrong = differences(outcome, expected, excused);
  if (wrong.length > 0) assert.fail(await storiesOf(wrong, finished, options.partitions));
  assert.deepEqual(
    outcome.late.filter(({ entity }) => !excused.has(entity.slice('user/'.length))),
    [],
  );
  assert.equal(outcome.deadLetters, 0);
  const ids = outcome.decisions.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual([...tailed].sort(), [...ids].sort(), 'our reader saw what the other client sees');

  const fired = outcome.decisions.filter((decision) => decision.outcome === 'fired').map(({ id }) => id);
  assert.deepEqual(outcome.actions.map(({ decision }) => decision).sort(), fired.sort());

  const dataDirs = folders.map((folder) => join(folder, 'data'));
  const state = await checkState(log, APPLICATION, options.partitions, dataDirs);
  assert.ok(state.rows > 0);

  // Of a repartition topic nothing is kept that was read: there the journal tells of records that are gone.
  if (!options.repartitions) {
    assert.deepEqual(await replayedDecisions(finished), outcome.decisions.map(bytesOf).sort());
  }

  assert.deepEqual(needlessRestores(finished), []);
  const restores = restoresOf(finished);
  const rebalances = finished.logs.filter(({ msg }) => msg === 'rebalanced').length;
  const restored = restores.reduce((sum, { records }) => sum + records, 0);
  const bytes = restores.reduce((sum, each) => sum + each.bytes, 0);
  say(
    `${delays.size} events, ${ids.length} decisions, ${fired.length} actions; the producer's longest delay ${slowest} ms`,
  );
  say(
    `${restores.length} restores of ${restored} records (${bytes} bytes) in all; changelogs hold ${state.changes}, ${state.copies} copies; ${rebalances} assignments taken`,
  );
}

/** What the journal says was decided, as the bytes of the records. */
async function replayedDecisions({ folders, log }: Finished): Promise<string[]> {
  const [folder] = folders;
  const { config } = loadConfig({ file: join(folder!, 'tripline.yaml'), env: {}, folder: folder! });
  const project = loadFlawlessProject({ paths: [config.rules], folder: folder!, config });
  const { ruleSet } = project.rules;
  // Every worker published the same rules.
  const versions = new RuleVersions({ ...rulesTopicOf(config), initial: ruleSet, compile: () => ruleSet });
  const { topology } = jobOf(config, project, systemClock, { versions });
  const { outOfOrdernessMs } = config;
  const outputs = await replayJournal({ log, topology, application: APPLICATION, outOfOrdernessMs });
  return [...outputs]
    .filter(([where]) => where.startsWith('tripline.decisions/'))
    .flatMap(([, records]) => records.map(({ value }) => Buffer.from(value!).toString('hex')))
    .sort();
}

function bytesOf(decision: Finished['outcome']['decisions'][number]): string {
  return Buffer.from(decisionCodec.encode(decision)).toString('hex');
}
