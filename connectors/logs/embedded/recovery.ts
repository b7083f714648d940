// Opens what is on disk: reads the commit log, decides which entries count, cuts what an unfinished commit left.
//
// Invariants:
//   V1. Every commit that was acknowledged under fsync policy `commit` counts; a file that lacks its bytes is an error.
//   V2. Entries written without sync count up to the first whose records are not whole on disk: after a power cut the
//       log is as it was at some earlier moment, never a mixture.
//   V3. recoverState changes nothing on disk; cutTails does, and only its caller holds the lock.
//   V4. What was acknowledged is never taken for what an unfinished commit left: a commit log that ends before it is an error.

import { join } from 'node:path';
import { FatalError } from '../../../lib/errors.ts';
import { partitionKey } from '../../../topology/engine/ports.ts';
import { readAcknowledged } from './acknowledged.ts';
import { type CommitEntries, type Entry, readCommitLog } from './commit-log.ts';
import { type FileSystem, isMissing } from './file-system.ts';
import { corruptError } from './log-errors.ts';
import { LogState, type PartitionEnd, segmentFile } from './log-state.ts';
import type { OpenFiles } from './open-files.ts';
import { partitionFolder, type SegmentReader, segmentPath } from './segment-reader.ts';

export interface Recovered {
  readonly state: LogState;
  readonly sequence: number;
  /** Files whose last bytes were never synced, though they count now. */
  readonly unsynced: readonly string[];
  /** Bytes and entries of the commit log that do not count. */
  readonly tornBytes: number;
  readonly lostEntries: number;
}

/** The committed state of the log in `folder`; undefined when there is none. Throws FatalError TRG_LOG_CORRUPT. */
export async function recoverState(
  fileSystem: FileSystem,
  folder: string,
  reader: SegmentReader,
): Promise<Recovered | undefined> {
  // Before the commit log: its owner may go on writing meanwhile.
  const acknowledged = await readAcknowledged(fileSystem, folder);
  const commits = await readCommitLog(fileSystem, folder);
  if (commits === undefined) {
    if ((await fileSystem.list(join(folder, 'topics'))).length === 0) return undefined;
    throw corruptError(folder, 0, 'there are records but no commit log (commits-*.log)');
  }
  const { path, end, entries } = commits;
  const missing = acknowledged - entries.at(-1)!.sequence;
  if (missing > 0) throw corruptError(path, end, `it ends here, and ${missing} commits after that were acknowledged`);
  const recovered = await foldEntries(folder, reader, commits);
  await checkFiles(fileSystem, folder, recovered.state);
  return recovered;
}

/** The state as of the last entry that counts (V2). */
export async function foldEntries(folder: string, reader: SegmentReader, commits: CommitEntries): Promise<Recovered> {
  const { entries } = commits;
  const syncedTo = entries.reduce((most, entry) => Math.max(most, entry.syncedTo ?? 0), 0);
  const state = new LogState();
  const unsynced = new Set<string>();
  let counted = 0;
  for (const entry of entries) {
    if (entry.unsynced === true && entry.sequence > syncedTo) {
      if (!(await isWhole(folder, reader, state, entry))) break;
      for (const end of entry.ends ?? []) unsynced.add(pathOf(folder, end, state));
    }
    state.apply(entry);
    counted++;
  }
  return {
    state,
    sequence: entries.at(-1)!.sequence,
    unsynced: [...unsynced],
    tornBytes: commits.tornBytes,
    lostEntries: entries.length - counted,
  };
}

/** Removes what is beyond the committed ends, and files that nothing names. Returns how many bytes went. */
export async function cutTails(
  fileSystem: FileSystem,
  folder: string,
  files: OpenFiles,
  state: LogState,
): Promise<number> {
  let cut = 0;
  for (const [topic, { partitions }] of state.topics) {
    for (const [partition, { segments }] of partitions.entries()) {
      const committed = new Map(segments.map((segment) => [segment.file, segment.bytes]));
      const where = partitionFolder(folder, { topic, partition });
      for (const name of await fileSystem.list(where)) {
        const path = join(where, name);
        const keep = committed.get(name);
        const surplus = ((await fileSystem.size(path)) ?? 0) - (keep ?? 0);
        if (keep === undefined) await fileSystem.remove(path);
        else if (surplus > 0) await files.use(path, 'write', (file) => file.truncate(keep));
        cut += surplus;
      }
    }
  }
  return cut;
}

/** Whether the records that an unsynced entry covers are all there (V2). */
async function isWhole(folder: string, reader: SegmentReader, state: LogState, entry: Entry): Promise<boolean> {
  try {
    for (const end of entry.ends ?? []) {
      const segment = segmentOf(end, state);
      const checksum = await reader.verify(pathOf(folder, end, state), segment?.bytes ?? 0, end.bytes);
      if (checksum !== end.checksum) return false;
    }
    return true;
  } catch (error) {
    if (isMissing(error) || (error instanceof FatalError && error.code === 'TRG_LOG_CORRUPT')) return false;
    throw error;
  }
}

function segmentOf(end: PartitionEnd, state: LogState): { file: string; bytes: number } | undefined {
  const last = state.partition(end).segments.at(-1);
  return last?.base === end.base && last.bytes < end.bytes ? last : undefined;
}

function pathOf(folder: string, end: PartitionEnd, state: LogState): string {
  return segmentPath(folder, end, segmentOf(end, state) ?? { file: segmentFile(end.base) });
}

async function checkFiles(fileSystem: FileSystem, folder: string, state: LogState): Promise<void> {
  for (const [topic, { partitions }] of state.topics) {
    for (const [partition, { segments }] of partitions.entries()) {
      for (const segment of segments) {
        const path = segmentPath(folder, { topic, partition }, segment);
        const size = await fileSystem.size(path);
        if (size === undefined) throw corruptError(path, 0, `the file is gone (${partitionKey({ topic, partition })})`);
        if (size < segment.bytes) {
          throw corruptError(path, size, `${segment.bytes} bytes were committed to the file and ${size} are there`);
        }
      }
    }
  }
}
