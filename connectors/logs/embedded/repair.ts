// Brings a damaged log to what can be relied on, and says exactly what is lost by that.
//
// Owns: which batches stay. Does not own: finding damage at an opening and when reading (recovery.ts, batch-cursor.ts).
//
// Invariants:
//   W1. Without `accept` nothing on disk is changed.
//   W2. What stays is the log as of the last commit that can be read, less what is damaged of it. Of the topics in `keeps` whole
//       batches behind that stay as well: they were acknowledged, and as far as the rest of the log knows nobody has read them
//       yet, so they are processed. No offset is given out twice.
//   W3. What is lost is named by topic, partition and offsets.

import { dirname, join } from 'node:path';
import { FatalError } from '../../../lib/errors.ts';
import type { TopicPartition } from '../../../topology/engine/ports.ts';
import { Acknowledged, readAcknowledged } from './acknowledged.ts';
import { CommitLog, readCommitLog } from './commit-log.ts';
import { type FileSystem, nodeFileSystem } from './file-system.ts';
import { type LogState, PartitionState, type Segment, segmentFile } from './log-state.ts';
import { OpenFiles } from './open-files.ts';
import { cutTails, foldEntries } from './recovery.ts';
import { partitionFolder, SegmentReader } from './segment-reader.ts';
import { type WholeBatch, wholeBatches } from './survey.ts';

const SEGMENT_NAME = /^\d{20}\.log$/;

export interface LogRange extends TopicPartition {
  /** From this offset up to, but without, that one. */
  readonly from: number;
  readonly to: number;
}

export interface LogRepair {
  /** Commits that were acknowledged, and of which nothing is known any more but records. */
  readonly missingCommits: number;
  /** Bytes of the commit log that cannot be read. */
  readonly unreadableBytes: number;
  readonly lost: readonly LogRange[];
  /** Records behind the last commit that can be read, which stay all the same (W2). */
  readonly kept: readonly LogRange[];
}

export interface RepairOptions {
  /** The log's folder. */
  readonly dir: string;
  /** Topics whose records come from outside. */
  readonly keeps: ReadonlySet<string>;
  /** Whether the loss is accepted. */
  readonly accept: boolean;
  readonly fileSystem?: FileSystem;
}

/** A file that is to stand in the place of a damaged one. */
interface Rewritten {
  readonly path: string;
  readonly bytes: Buffer;
}

/**
 * Throws FatalError TRG_FILE_UNREADABLE when there is no log, TRG_LOG_LOCKED while a process has it open, TRG_LOG_CORRUPT when
 * nothing can be made of it: not even the snapshot at the beginning of its commit log.
 */
export async function repairEmbeddedLog(options: RepairOptions): Promise<LogRepair> {
  const { dir, fileSystem = nodeFileSystem } = options;
  const isThere = (await fileSystem.list(dir)).length > 0;
  if (!isThere) throw new FatalError('TRG_FILE_UNREADABLE', `there is no embedded log in ${dir}`, { folder: dir });
  const lock = await fileSystem.lock(dir);
  const files = new OpenFiles(fileSystem);
  try {
    return await repair(options, fileSystem, files);
  } finally {
    await files.close();
    await lock.release();
  }
}

async function repair(options: RepairOptions, fileSystem: FileSystem, files: OpenFiles): Promise<LogRepair> {
  const { dir, keeps, accept } = options;
  const acknowledged = await readAcknowledged(fileSystem, dir);
  const isDamaged = await isCommitLogDamaged(fileSystem, dir);
  const commits = await readCommitLog(fileSystem, dir, { isLost: true });
  if (commits === undefined) {
    throw new FatalError('TRG_LOG_CORRUPT', `${dir} has no commit log (commits-*.log): restore a copy`, {
      folder: dir,
    });
  }
  const { state, sequence } = await foldEntries(dir, new SegmentReader(dir, files), commits);
  const read = (path: string): Promise<Buffer> => readWhole(fileSystem, files, path);
  const missingCommits = Math.max(0, acknowledged - sequence);
  const wasCut = missingCommits > 0 || isDamaged;
  const lost: LogRange[] = [];
  const kept: LogRange[] = [];
  const rewritten: Rewritten[] = [];
  for (const [topic, { partitions }] of state.topics) {
    for (const [partition, each] of partitions.entries()) {
      const where = { topic, partition };
      const folder = partitionFolder(dir, where);
      rewritten.push(...(await mendSegments(folder, where, each, read, lost)));
      if (!wasCut) continue;
      const { behind, rest } = await batchesBehind(fileSystem, folder, each, read);
      lost.push(...rangesOf(where, rest));
      const ranges = rangesOf(
        where,
        behind.map(({ batch }) => batch),
      );
      if (keeps.has(topic)) {
        for (const { segment, batch } of behind) extend(state, where, segment, batch);
        kept.push(...ranges);
      } else {
        lost.push(...ranges);
      }
    }
  }
  if (wasCut) lost.push(...(await ofUnknownTopics(fileSystem, dir, state, read)));
  const unreadableBytes = isDamaged ? commits.tornBytes : 0;
  if (accept) await write({ dir, fileSystem, files, state, sequence: Math.max(sequence, acknowledged), rewritten });
  return { missingCommits, unreadableBytes, lost, kept };
}

/** Has the state name only what is whole of its segments; returns the files that must be written for that. */
async function mendSegments(
  folder: string,
  where: TopicPartition,
  partition: PartitionState,
  read: (path: string) => Promise<Buffer>,
  lost: LogRange[],
): Promise<readonly Rewritten[]> {
  const rewritten: Rewritten[] = [];
  const segments: Segment[] = [];
  for (const [i, segment] of partition.segments.entries()) {
    const next = partition.segments[i + 1]?.base ?? partition.end;
    const bytes = (await read(join(folder, segment.file))).subarray(0, segment.bytes);
    const batches = wholeBatches(bytes);
    const length = batches.reduce((sum, { at, end }) => sum + end - at, 0);
    if (length === segment.bytes) {
      segments.push(segment);
      continue;
    }
    let offset = segment.base;
    for (const { baseOffset, nextOffset } of [...batches, { baseOffset: next, nextOffset: next }]) {
      if (baseOffset > offset) lost.push({ ...where, from: offset, to: baseOffset });
      offset = nextOffset;
    }
    if (batches.length === 0) continue;
    const file = segmentFile(segment.base, partition.cleanings++);
    segments.push({ ...segment, file, bytes: length });
    rewritten.push({
      path: join(folder, file),
      bytes: Buffer.concat(batches.map(({ at, end }) => bytes.subarray(at, end))),
    });
  }
  partition.segments = segments;
  return rewritten;
}

interface Behind {
  /** Whole batches that no commit names, each following on the one before. */
  readonly behind: readonly { readonly segment: Segment; readonly batch: WholeBatch }[];
  /** Those that come after one that is not whole. */
  readonly rest: readonly WholeBatch[];
}

async function batchesBehind(
  fileSystem: FileSystem,
  folder: string,
  { segments, end }: PartitionState,
  read: (path: string) => Promise<Buffer>,
): Promise<Behind> {
  const last = segments.at(-1);
  const names = (await fileSystem.list(folder)).filter((name) => SEGMENT_NAME.test(name)).sort();
  const behind: { segment: Segment; batch: WholeBatch }[] = [];
  const rest: WholeBatch[] = [];
  let next = end;
  for (const file of names) {
    const base = Number(file.slice(0, -'.log'.length));
    const isLast = file === last?.file;
    if (!isLast && base < end) continue;
    const segment = isLast ? last : { base, file, bytes: 0, firstWrittenAt: 0, lastWrittenAt: 0 };
    for (const batch of wholeBatches(await read(join(folder, file)), segment.bytes)) {
      const before = behind.at(-1);
      const from = before?.segment === segment ? before.batch.end : segment.bytes;
      if (rest.length === 0 && batch.baseOffset === next && batch.at === from) behind.push({ segment, batch });
      else rest.push(batch);
      next = batch.nextOffset;
    }
  }
  return { behind, rest };
}

/** Records of topics whose making is among what was lost. */
async function ofUnknownTopics(
  fileSystem: FileSystem,
  dir: string,
  state: LogState,
  read: (path: string) => Promise<Buffer>,
): Promise<readonly LogRange[]> {
  const lost: LogRange[] = [];
  for (const topic of await fileSystem.list(join(dir, 'topics'))) {
    if (state.topics.has(topic)) continue;
    for (const partition of await fileSystem.list(join(dir, 'topics', topic))) {
      const where = { topic, partition: Number(partition) };
      const { behind } = await batchesBehind(fileSystem, partitionFolder(dir, where), new PartitionState(), read);
      lost.push(
        ...rangesOf(
          where,
          behind.map(({ batch }) => batch),
        ),
      );
    }
  }
  return lost;
}

/** Whether its end is not only what a commit that was not finished leaves. */
async function isCommitLogDamaged(fileSystem: FileSystem, dir: string): Promise<boolean> {
  try {
    await readCommitLog(fileSystem, dir);
    return false;
  } catch (error) {
    if (error instanceof FatalError && error.code === 'TRG_LOG_CORRUPT') return true;
    throw error;
  }
}

function extend(
  state: LogState,
  where: TopicPartition,
  { base }: Segment,
  { end, nextOffset, writtenAt }: WholeBatch,
): void {
  state.apply({ ends: [{ ...where, base, bytes: end, end: nextOffset, writtenAt }] });
}

function rangesOf(where: TopicPartition, batches: readonly WholeBatch[]): readonly LogRange[] {
  if (batches.length === 0) return [];
  return [{ ...where, from: batches[0]!.baseOffset, to: batches.at(-1)!.nextOffset }];
}

/** The new files first, then the commit log that names them, then what nothing names any more goes. */
async function write({
  dir,
  fileSystem,
  files,
  state,
  sequence,
  rewritten,
}: {
  readonly dir: string;
  readonly fileSystem: FileSystem;
  readonly files: OpenFiles;
  readonly state: LogState;
  readonly sequence: number;
  readonly rewritten: readonly Rewritten[];
}): Promise<void> {
  for (const { path, bytes } of rewritten) {
    await files.use(path, 'create', async (file) => {
      await file.write([bytes], 0);
      await file.sync();
    });
    await fileSystem.syncFolder(dirname(path));
  }
  const commitLog = new CommitLog(fileSystem, dir, sequence);
  await commitLog.rotate(state.snapshot());
  await commitLog.close();
  const acknowledged = new Acknowledged(files, dir);
  acknowledged.note(commitLog.sequence);
  await acknowledged.settled();
  await cutTails(fileSystem, dir, files, state);
}

/** Nothing, where there is no such file. */
async function readWhole(fileSystem: FileSystem, files: OpenFiles, path: string): Promise<Buffer> {
  const size = await fileSystem.size(path);
  if (size === undefined) return Buffer.alloc(0);
  const bytes = Buffer.alloc(size);
  const got = await files.use(path, 'read', (file) => file.read(bytes, 0));
  return bytes.subarray(0, got);
}
