import assert from 'node:assert/strict';
import { cp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { BATCH_HEADER_BYTES, readBatchHeader, viewOf } from '../../../../connectors/logs/embedded/batch.ts';
import type { EmbeddedLogOptions } from '../../../../connectors/logs/embedded/embedded-log.ts';
import { nodeFileSystem } from '../../../../connectors/logs/embedded/file-system.ts';
import { type Cleanup, readAll, record, valuesOf, write } from '../../../contract/log-kit.ts';
import { openLog, recordingLogger, temporaryFolder } from './kit.ts';

/** Many openings of one folder: the lock is another test's. */
const WITHOUT_LOCK: Partial<EmbeddedLogOptions> = {
  fileSystem: { ...nodeFileSystem, lock: async () => ({ release: async () => {} }) },
};

interface Victim {
  readonly dir: string;
  readonly segment: string;
  readonly commits: string;
  /** Length of the commit log before the last of the three commits. */
  readonly lastCommitAt: number;
  readonly lastRecordsAt: number;
}

/** The folder of a log that was killed after three commits, before anybody was told of the last of them. */
async function killedLog(t: Cleanup): Promise<Victim> {
  const alive = await temporaryFolder(t);
  const log = await openLog(t, alive, WITHOUT_LOCK);
  await log.admin.createTopics([{ topic: 'events', partitions: 1 }]);
  await write(log, [record('events/0', 'one')]);
  await write(log, [record('events/0', 'two'), record('events/0', 'three', 'key')]);
  const victim = await victimOf(alive);
  const lastCommitAt = (await stat(victim.commits)).size;
  const lastRecordsAt = (await stat(victim.segment)).size;
  const acknowledged = await readFile(join(alive, 'acknowledged'));
  await write(log, [record('events/0', 'four')]);
  const dir = await temporaryFolder(t);
  await cp(alive, dir, { recursive: true });
  await writeFile(join(dir, 'acknowledged'), acknowledged);
  return { ...(await victimOf(dir)), lastCommitAt, lastRecordsAt };
}

async function victimOf(dir: string): Promise<{ dir: string; segment: string; commits: string }> {
  const commits = (await readdir(dir)).find((name) => name.startsWith('commits-'))!;
  const segment = join(dir, 'topics/events/0/00000000000000000000.log');
  return { dir, segment, commits: join(dir, commits) };
}

async function copyOf(t: Cleanup, { dir }: Victim): Promise<{ dir: string; segment: string; commits: string }> {
  const copy = await temporaryFolder(t);
  await cp(dir, copy, { recursive: true });
  return victimOf(copy);
}

test('a last commit torn at any byte is cut off with its records, and said so', async (t) => {
  const victim = await killedLog(t);
  const whole = (await stat(victim.commits)).size;
  const records = (await stat(victim.segment)).size - victim.lastRecordsAt;
  for (let length = victim.lastCommitAt; length < whole; length++) {
    const torn = await copyOf(t, victim);
    await truncate(torn.commits, length);
    const { notices, logger } = recordingLogger();
    const log = await openLog(t, torn.dir, { ...WITHOUT_LOCK, logger });
    assert.deepEqual(await valuesOf(log, 'events'), ['one', 'two', 'three']);
    const bytes = length - victim.lastCommitAt + records;
    assert.deepEqual(notices, [
      {
        level: 'warn',
        fields: { folder: torn.dir, bytes, commits: 0 },
        message: `cut ${bytes} bytes of commits that were not finished`,
      },
    ]);
    await write(log, [record('events/0', 'again')]);
    assert.deepEqual(await valuesOf(log, 'events'), ['one', 'two', 'three', 'again']);
    await log.close();
    await rm(torn.dir, { recursive: true });
  }
});

test('records without a commit are cut off at any length', async (t) => {
  const victim = await killedLog(t);
  for (const surplus of [1, 35, 36, 80]) {
    const torn = await copyOf(t, victim);
    await writeFile(torn.segment, Buffer.alloc(surplus, 1), { flag: 'a' });
    const log = await openLog(t, torn.dir, WITHOUT_LOCK);
    assert.deepEqual(await valuesOf(log, 'events'), ['one', 'two', 'three', 'four']);
    assert.equal((await stat(torn.segment)).size, (await stat(victim.segment)).size);
  }
});

test('a byte changed anywhere in committed records is reported with file and byte position', async (t) => {
  const victim = await killedLog(t);
  const intact = await readFile(victim.segment);
  const starts: number[] = [];
  for (let at = 0; at < intact.length; at += readBatchHeader(viewOf(intact), at)!.bytes) starts.push(at);
  for (let at = 0; at < intact.length; at++) {
    const damaged = await copyOf(t, victim);
    const bytes = Buffer.from(intact);
    bytes[at]! ^= 0x10;
    await writeFile(damaged.segment, bytes);
    const log = await openLog(t, damaged.dir, WITHOUT_LOCK);
    const position = starts.findLast((start) => start <= at)!;
    await assert.rejects(readAll(log, { topic: 'events', partition: 0 }), {
      name: 'FatalError',
      code: 'TRG_LOG_CORRUPT',
      fields: { file: damaged.segment, position },
    });
    await log.close();
    await rm(damaged.dir, { recursive: true });
  }
});

test('a damaged batch is not passed over when reading starts within it', async (t) => {
  const victim = await killedLog(t);
  const intact = await readFile(victim.segment);
  const start = readBatchHeader(viewOf(intact), 0)!.bytes;
  for (let at = start; at < start + BATCH_HEADER_BYTES; at++) {
    for (const mask of [1, 2, 4, 0x80]) {
      const bytes = Buffer.from(intact);
      bytes[at]! ^= mask;
      await writeFile(victim.segment, bytes);
      const log = await openLog(t, victim.dir, WITHOUT_LOCK);
      for (const offset of [1, 2]) {
        await assert.rejects(
          readAll(log, { topic: 'events', partition: 0 }, { offset }),
          { code: 'TRG_LOG_CORRUPT' },
          `byte ${at}, mask ${mask}, offset ${offset}`,
        );
      }
      await log.close();
    }
  }
});

test('a reader that met damage goes on failing rather than passing over it', async (t) => {
  const victim = await killedLog(t);
  const bytes = await readFile(victim.segment);
  bytes[victim.lastRecordsAt - 1]! ^= 1;
  await writeFile(victim.segment, bytes);
  const log = await openLog(t, victim.dir, WITHOUT_LOCK);
  const reader = log.openReader();
  t.after(() => reader.close());
  reader.assign([{ topic: 'events', partition: 0, offset: 0 }]);
  for (let i = 0; i < 3; i++) {
    await assert.rejects(reader.read({ maxBytes: 1_000, waitMs: 0 }), { code: 'TRG_LOG_CORRUPT' });
  }
});

test('a byte changed in an earlier commit is reported with file and byte position', async (t) => {
  const victim = await killedLog(t);
  const intact = await readFile(victim.commits);
  for (let at = 0; at < victim.lastCommitAt; at += 7) {
    const damaged = await copyOf(t, victim);
    const bytes = Buffer.from(intact);
    bytes[at]! ^= 0x10;
    await writeFile(damaged.commits, bytes);
    await assert.rejects(
      openLog(t, damaged.dir, WITHOUT_LOCK),
      (error: { code: string; fields: { file: string; position: number } }) => {
        assert.equal(error.code, 'TRG_LOG_CORRUPT');
        assert.equal(error.fields.file, damaged.commits);
        assert.ok(error.fields.position <= at);
        return true;
      },
    );
    await rm(damaged.dir, { recursive: true });
  }
});

test('after closing in good order a damaged last commit is damage, not a torn tail', async (t) => {
  const dir = await temporaryFolder(t);
  const log = await openLog(t, dir, WITHOUT_LOCK);
  await log.admin.createTopics([{ topic: 'events', partitions: 1 }]);
  const { commits } = await victimOf(dir);
  const lastCommitAt = (await stat(commits)).size;
  await write(log, [record('events/0', 'last')]);
  await log.close();
  const bytes = await readFile(commits);
  bytes[lastCommitAt + 20]! ^= 1;
  await writeFile(commits, bytes);
  const fields = { file: commits, position: lastCommitAt };
  await assert.rejects(openLog(t, dir, WITHOUT_LOCK), { code: 'TRG_LOG_CORRUPT', fields });
});

test('a file that is shorter than what was committed to it is reported at start', async (t) => {
  const victim = await killedLog(t);
  const length = (await stat(victim.segment)).size - 1;
  await truncate(victim.segment, length);
  const fields = { file: victim.segment, position: length };
  await assert.rejects(openLog(t, victim.dir, WITHOUT_LOCK), { code: 'TRG_LOG_CORRUPT', fields });
});

test('a file that is gone is reported at start', async (t) => {
  const victim = await killedLog(t);
  await rm(victim.segment);
  const fields = { file: victim.segment, position: 0 };
  await assert.rejects(openLog(t, victim.dir, WITHOUT_LOCK), { code: 'TRG_LOG_CORRUPT', fields });
});

test('records without a commit log are reported at start', async (t) => {
  const victim = await killedLog(t);
  await rm(victim.commits);
  await assert.rejects(openLog(t, victim.dir, WITHOUT_LOCK), { code: 'TRG_LOG_CORRUPT' });
});
