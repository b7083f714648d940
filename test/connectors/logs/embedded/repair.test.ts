// What acknowledged commits are missing is said, and what can be kept of a damaged log is.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { type FileSystem, nodeFileSystem } from '../../../../connectors/logs/embedded/file-system.ts';
import { repairEmbeddedLog } from '../../../../connectors/logs/embedded/repair.ts';
import { EngineError } from '../../../../lib/errors.ts';
import { until } from '../../../../testing/until.ts';
import { type Cleanup, record, valuesOf, write } from '../../../contract/log-kit.ts';
import { openLog, temporaryFolder } from './kit.ts';

/** Without waiting for the disk, and without the lock: hundreds of openings. */
const HASTY: FileSystem = {
  ...nodeFileSystem,
  lock: async () => ({ release: async () => {} }),
  syncFolder: async () => {},
  open: async (path, mode) => Object.assign(await nodeFileSystem.open(path, mode), { sync: async () => {} }),
};

const KEEPS = new Set(['events']);
const COMMITS = 6;
/** One place of so many is damaged, from another first one each time; FUZZ_RUNS of this and more: every place (Makefile). */
const STRIDE = Math.max(1, Math.floor(40 / Number(process.env['FUZZ_RUNS'] ?? 1)));

/** A log of six commits, each of an event and a decision; closed, or as a kill leaves it. */
async function writtenLog(t: Cleanup, isKilled: boolean): Promise<string> {
  const alive = await temporaryFolder(t);
  const dir = await temporaryFolder(t);
  const log = await openLog(t, alive);
  const topics = ['events', 'decisions'].map((topic) => ({ topic, partitions: 1 }));
  await log.admin.createTopics(topics);
  for (let i = 0; i < COMMITS; i++) await write(log, [record('events/0', `e${i}`), record('decisions/0', `d${i}`)]);
  // Commits are acknowledged before that is noted, by a moment.
  const note = () => readFileSync(join(alive, 'acknowledged'), 'latin1');
  await until(() => Number(note().slice(0, 20)) === COMMITS + 2, { message: 'the last commit is noted', seen: note });
  if (isKilled) cpSync(alive, dir, { recursive: true });
  await log.close();
  if (!isKilled) cpSync(alive, dir, { recursive: true });
  rmSync(join(dir, 'lock'), { recursive: true });
  rmSync(join(dir, 'owner.json'), { force: true });
  return dir;
}

function commitFileOf(dir: string): string {
  return join(dir, readdirSync(dir).find((name) => name.startsWith('commits-'))!);
}

function filesOf(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(dir, join(parentPath, name)))
    .sort();
}

function contentOf(dir: string): Record<string, string> {
  return Object.fromEntries(filesOf(dir).map((name) => [name, readFileSync(join(dir, name)).toString('hex')]));
}

for (const share of [0.4, 0.6, 0.97]) {
  test(`a commit log cut at ${share * 100} % is refused with file, position and command, and nothing is cut away`, async (t) => {
    const dir = await writtenLog(t, true);
    const commits = commitFileOf(dir);
    truncateSync(commits, Math.floor(statSync(commits).size * share));
    const before = contentOf(dir);
    await assert.rejects(openLog(t, dir), (error) => {
      assert.ok(error instanceof EngineError);
      assert.equal(error.code, 'TRG_LOG_CORRUPT');
      assert.equal(error.fields['file'], commits);
      assert.match(error.message, /commits after that were acknowledged.*tripline log recover/);
      return true;
    });
    const after = contentOf(dir);
    for (const [name, bytes] of Object.entries(before)) assert.equal(after[name], bytes, name);
  });
}

test('a repair that is not accepted says what is lost and what is kept, and changes nothing (W1, W3)', async (t) => {
  const dir = await writtenLog(t, true);
  const commits = commitFileOf(dir);
  truncateSync(commits, Math.floor(statSync(commits).size * 0.97));
  const before = contentOf(dir);
  const repair = await repairEmbeddedLog({ dir, keeps: KEEPS, accept: false });
  assert.equal(repair.missingCommits, 1);
  assert.deepEqual(repair.kept, [{ topic: 'events', partition: 0, from: 5, to: 6 }]);
  assert.deepEqual(repair.lost, [{ topic: 'decisions', partition: 0, from: 5, to: 6 }]);
  const after = contentOf(dir);
  for (const [name, bytes] of Object.entries(before)) assert.equal(after[name], bytes, name);
});

test('an accepted repair keeps what came from outside, and the log goes on (W2)', async (t) => {
  const dir = await writtenLog(t, true);
  const commits = commitFileOf(dir);
  truncateSync(commits, Math.floor(statSync(commits).size * 0.7));
  const { kept, lost } = await repairEmbeddedLog({ dir, keeps: KEEPS, accept: true });
  const from = kept[0]!.from;
  assert.ok(from < COMMITS - 1, `events from ${from} on were behind`);
  assert.deepEqual(kept, [{ topic: 'events', partition: 0, from, to: COMMITS }]);
  assert.deepEqual(lost, [{ topic: 'decisions', partition: 0, from, to: COMMITS }]);
  const log = await openLog(t, dir);
  assert.deepEqual(await valuesOf(log, 'events'), ['e0', 'e1', 'e2', 'e3', 'e4', 'e5']);
  assert.deepEqual(await valuesOf(log, 'decisions'), ['d0', 'd1', 'd2', 'd3', 'd4', 'd5'].slice(0, from));
  await write(log, [record('events/0', 'e6'), record('decisions/0', 'again')]);
  assert.deepEqual((await valuesOf(log, 'events')).at(-1), 'e6');
  await log.close();
  const again = await repairEmbeddedLog({ dir, keeps: KEEPS, accept: false });
  assert.deepEqual(again, { missingCommits: 0, unreadableBytes: 0, lost: [], kept: [] });
});

test('a batch that is damaged is taken out, and its offsets are not given out again (W2, W3)', async (t) => {
  const dir = await writtenLog(t, false);
  const segment = join(dir, 'topics/events/0/00000000000000000000.log');
  const bytes = readFileSync(segment);
  bytes[Math.floor(bytes.length / 2) + 5]! ^= 4;
  writeFileSync(segment, bytes);
  const { lost, kept } = await repairEmbeddedLog({ dir, keeps: KEEPS, accept: true });
  assert.deepEqual(kept, []);
  assert.equal(lost.length, 1);
  const { from, to } = lost[0]!;
  assert.equal(to - from, 1);
  const log = await openLog(t, dir);
  const all = ['e0', 'e1', 'e2', 'e3', 'e4', 'e5'];
  assert.deepEqual(await valuesOf(log, 'events'), all.toSpliced(from, 1));
  assert.deepEqual(await log.admin.offsets({ topic: 'events', partition: 0 }), {
    first: from === 0 ? 1 : 0,
    end: 6,
    written: 6,
  });
  await write(log, [record('events/0', 'e6')]);
  assert.deepEqual(await valuesOf(log, 'events'), [...all.toSpliced(from, 1), 'e6']);
});

test('a log whose last commit nobody was told of loses nothing by a repair', async (t) => {
  const dir = await writtenLog(t, true);
  writeFileSync(commitFileOf(dir), readFileSync(commitFileOf(dir)).subarray(0, -3));
  rmSync(join(dir, 'acknowledged'));
  const repair = await repairEmbeddedLog({ dir, keeps: KEEPS, accept: false });
  assert.deepEqual(repair, { missingCommits: 0, unreadableBytes: 0, lost: [], kept: [] });
});

for (const isKilled of [true, false]) {
  const how = isKilled ? 'killed' : 'closed';
  test(`whatever byte of a log (${how}) is changed, and wherever a file is cut, nothing is lost in silence`, async (t) => {
    const dir = await writtenLog(t, isKilled);
    const expected = ['e0', 'e1', 'e2', 'e3', 'e4', 'e5', 'd0', 'd1', 'd2', 'd3', 'd4', 'd5'];
    let refused = 0;
    let places = 0;
    const first = randomInt(STRIDE);
    t.diagnostic(`every ${STRIDE}th place from the ${first}th on`);
    for (const file of filesOf(dir)) {
      const intact = readFileSync(join(dir, file));
      const bits = Array.from({ length: Math.ceil(intact.length / 5) }, (_, i) => 40 * i + ((i * 13) % 40));
      const cuts = Array.from({ length: Math.ceil(intact.length / 9) }, (_, i) => 9 * i);
      const damages = [
        ...bits
          .filter((bit) => bit >> 3 < intact.length)
          .map((bit) => {
            const bytes = Buffer.from(intact);
            bytes[bit >> 3]! ^= 1 << (bit & 7);
            return bytes;
          }),
        ...cuts.map((length) => intact.subarray(0, length)),
      ];
      for (const bytes of damages) {
        const copy = mkdtempSync(join(tmpdir(), 'tripline-damaged-'));
        cpSync(dir, copy, { recursive: true });
        writeFileSync(join(copy, file), bytes);
        places++;
        try {
          const log = await openLog(t, copy, { fileSystem: HASTY });
          try {
            const values = [...(await valuesOf(log, 'events')), ...(await valuesOf(log, 'decisions'))];
            assert.deepEqual(values, expected, `${file}, damaged`);
          } finally {
            await log.close();
          }
        } catch (error) {
          assert.ok(error instanceof EngineError, `${file}: ${error}`);
          assert.equal(error.code, 'TRG_LOG_CORRUPT');
          assert.equal(typeof error.fields['position'], 'number');
          assert.match(error.message, /tripline log recover/);
          refused++;
        } finally {
          rmSync(copy, { recursive: true });
        }
      }
    }
    assert.ok(refused > places / 2, `${refused} of ${places} were refused`);
  });
}
