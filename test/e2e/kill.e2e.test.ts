// The engine on the embedded log and LevelDB, killed with SIGKILL over and over while events are produced.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { openEmbeddedLogReadOnly } from '../../connectors/logs/embedded/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { seededRng } from '../../lib/rng.ts';
import { actionCodec, decisionCodec } from '../../schemas/framed.ts';
import type { LogRecord } from '../../schemas/record.ts';
import { LevelStore } from '../../state/store/level-store.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import { applyChangelog } from '../../state/store/restore.ts';
import { readPartition, replayJournal } from '../../testing/journal-replay.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { changelogTopic } from '../../topology/engine/topics.ts';
import { rowsOf } from '../invariants/rows.ts';
import { decisionOf, sorted } from '../oracle/engine.ts';
import { decide, type OracleRule } from '../oracle/oracle.ts';
import { APPLICATION, lastWall, OUT_OF_ORDERNESS_MS, PARTITIONS, producedEvents, RULES, topology } from './scenario.ts';

const KILLS = 8;
/** Batches that a life may produce before it is killed, at most: all lives together are far from producing all. */
const BATCHES_MAX = 40;

/** A life that hangs ends with the test. */
const BOUND = { timeout: 300_000 };
const PROCESS = fileURLToPath(new URL('./engine-process.ts', import.meta.url));

function start(t: TestContext, folder: string): { child: ChildProcess; lines: AsyncIterator<string> } {
  const child = spawn(process.execPath, [PROCESS, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  return { child, lines: createInterface({ input: child.stdout! })[Symbol.asyncIterator]() };
}

/** Lets a life produce so many batches, then kills it, wherever it is. */
async function liveAndDie(t: TestContext, folder: string, batches: number): Promise<void> {
  const { child, lines } = start(t, folder);
  const exit = once(child, 'exit');
  for (let seen = 0; seen < batches; seen++) {
    const { value, done } = await lines.next();
    assert.ok(!done && value !== 'done', 'a life ended before it was killed');
  }
  child.kill('SIGKILL');
  const [code, signal] = await exit;
  assert.deepEqual([code, signal], [null, 'SIGKILL']);
}

async function liveToTheEnd(t: TestContext, folder: string): Promise<void> {
  const { child, lines } = start(t, folder);
  const exit = once(child, 'exit');
  let last = '';
  for (;;) {
    const { value, done } = await lines.next();
    if (done) break;
    last = value;
  }
  assert.deepEqual(await exit, [0, null]);
  assert.equal(last, 'done');
}

async function recordsOf(log: Log, topic: string): Promise<LogRecord[][]> {
  return Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => readPartition(log, { topic, partition })));
}

test(
  'killed over and over, the engine decides what the oracle says, nothing twice and nothing missing',
  BOUND,
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'tripline-kill-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const rng = seededRng(process.pid);
    for (let kill = 0; kill < KILLS; kill++) await liveAndDie(t, folder, Math.floor(rng.next() * BATCHES_MAX));
    await liveToTheEnd(t, folder);

    const log = await openEmbeddedLogReadOnly({ dir: join(folder, 'log'), clock: systemClock });
    t.after(() => log.close());
    const written = await recordsOf(log, 'tripline.decisions');
    const decisions = written.flat().map(({ value }) => decisionCodec.decode(value!));
    const events = producedEvents();
    const rules = parseAllDocuments(RULES).map((document): OracleRule => document.toJS());
    const endOfTime = lastWall(events) - OUT_OF_ORDERNESS_MS - 1;
    const limits = { outOfOrdernessMs: OUT_OF_ORDERNESS_MS, dedupeWindowMs: 86_400_000, dedupeMax: 1_000 };
    const expected = decide({ rules, events, endOfTime, ...limits });
    for (const { id } of rules)
      assert.ok(
        expected.decisions.some((one) => one.rule === id && one.outcome === 'fired'),
        id,
      );
    assert.deepEqual(sorted(decisions.map(decisionOf)), expected.decisions);
    assert.deepEqual((await recordsOf(log, 'tripline.late')).flat(), []);

    const fired = decisions.filter(({ outcome }) => outcome === 'fired').map(({ id }) => id);
    const actions = (await recordsOf(log, 'actions.webhook')).flat().map(({ value }) => actionCodec.decode(value!));
    assert.deepEqual(actions.map(({ decision }) => decision).sort(), fired.sort());
    assert.equal(new Set(fired).size, fired.length);

    const settings = { log, topology: topology(), application: APPLICATION, outOfOrdernessMs: OUT_OF_ORDERNESS_MS };
    const replayed = await replayJournal(settings);
    const bytesOf = (records: readonly { value: Uint8Array | null }[]) =>
      records.map(({ value }) => Buffer.from(value!).toString('hex'));
    for (const [partition, records] of written.entries()) {
      assert.deepEqual(bytesOf(replayed.get(`tripline.decisions/${partition}`)!), bytesOf(records));
    }

    for (const [partition, changes] of (await recordsOf(log, changelogTopic(APPLICATION, 'entities'))).entries()) {
      const fold = new MemoryStore();
      await applyChangelog(fold, changes, []);
      const store = await LevelStore.open(join(folder, 'state', `entities_${partition}`));
      t.after(() => store.close());
      assert.deepEqual(await rowsOf(store), await rowsOf(fold));
    }
  },
);
