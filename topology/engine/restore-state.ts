// Brings a task's database up to the end of its changelog.
//
// Invariants:
//   I5: restored state = fold of the changelog. A database that is another application's, or further than the log, which
//   then is not the one it came from, is emptied and built anew.

import { assert } from '../../lib/assert.ts';
import type { KeyValueStore } from '../../state/store/api.ts';
import { ChangelogFold } from '../../state/store/restore.ts';
import type { EngineMonitor, RestoreProgress } from './monitor.ts';
import type { Log, PartitionPosition } from './ports.ts';
import { changelogNote, ownerNote, readChangelogNote, readOwnerNote } from './task-note.ts';
import type { TaskSpec } from './tasks.ts';

export interface RestoreOptions {
  readonly log: Log;
  readonly application: string;
  readonly monitor?: EngineMonitor;
}

/** One read, and one batch of the database. */
const RESTORE_BYTES = 4 * 1024 * 1024;
/** Of a read that finds nothing yet; what is waited for has been written, so it is rarely waited out. */
const RESTORE_WAIT_MS = 1_000;

/** Throws the signal's reason when it aborts. */
export async function restoreState(
  { log, application, monitor }: RestoreOptions,
  spec: TaskSpec,
  store: KeyValueStore,
  signal: AbortSignal,
): Promise<void> {
  const changelog = spec.changelog!;
  const { offset, written, isEmpty } = await startOfRestore(log, application, spec, store);
  if (offset >= written) return;
  const progress = monitor?.restoring(spec.id, written - offset, offset);
  const fold = new ChangelogFold(store, isEmpty);
  try {
    await restore(log, fold, { ...changelog, offset }, written, progress, signal);
    await fold.done();
  } finally {
    // Nothing may be on its way to a database that is closed next.
    await fold.done().catch(() => {});
    progress?.end();
  }
}

/**
 * The changelog offset at which to go on, the first not yet written, and whether nothing of it was folded yet; the database
 * is this task's own afterwards.
 */
export async function startOfRestore(
  log: Log,
  application: string,
  { id, changelog }: TaskSpec,
  store: KeyValueStore,
): Promise<{ readonly offset: number; readonly written: number; readonly isEmpty: boolean }> {
  const { first, written } = await log.admin.offsets(changelog!);
  const owner = `${application}/${id}`;
  const before = readOwnerNote(store);
  const from = readChangelogNote(store);
  const isForeign = (before !== null && before !== owner) || from > written;
  if (isForeign) await store.clear();
  if (isForeign || before === null) await store.write([ownerNote(owner)]);
  return { offset: isForeign ? first : Math.max(from, first), written, isEmpty: isForeign || before === null };
}

async function restore(
  log: Log,
  fold: ChangelogFold,
  from: PartitionPosition,
  end: number,
  progress: RestoreProgress | undefined,
  signal: AbortSignal,
): Promise<void> {
  const reader = log.openReader();
  try {
    reader.assign([from]);
    let position = from.offset;
    while (position < end) {
      signal.throwIfAborted();
      const [fetched] = await reader.read({ maxBytes: RESTORE_BYTES, waitMs: RESTORE_WAIT_MS, signal });
      if (fetched === undefined || fetched.nextOffset === position) continue;
      assert(fetched.nextOffset > position, 'a changelog is folded forwards, each record once (I5)');
      position = fetched.nextOffset;
      const bytes = fetched.records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0);
      await fold.apply(fetched.records, [changelogNote(position)]);
      progress?.advance(fetched.records.length, bytes, Math.max(0, end - position));
    }
  } finally {
    await reader.close();
  }
}
