// A small state folder with its changelog, damages to it, and what is in a state that was opened and restored.

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { documentRange, dueRange } from '../../../state/store/key-codec.ts';
import { LevelStore } from '../../../state/store/level-store.ts';
import { applyChangelog, type ChangelogRecord } from '../../../state/store/restore.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { openMemoryLog } from '../../../testing/memory-log.ts';
import type { Log } from '../../../topology/engine/ports.ts';
import { restoreState } from '../../../topology/engine/restore-state.ts';
import { changelogNote, ownerNote } from '../../../topology/engine/task-note.ts';
import type { TaskSpec } from '../../../topology/engine/tasks.ts';

export const KINDS = ['closed', 'killed'] as const;
export type Kind = (typeof KINDS)[number];
const CHANGELOG = { topic: 'shop-people-changelog', partition: 0 };
const SPEC = { id: 'people_0', changelog: CHANGELOG } as unknown as TaskSpec;
/** Generations of writing back, of several batches each; after every second one the database is closed and opened. */
const GENERATIONS = 5;
const RECORDS = 8;
const BATCH_RECORDS = 3;

function recordsOf(generation: number): ChangelogRecord[] {
  return Array.from({ length: RECORDS }, (_, i) => {
    const person = (generation * 3 + i) % 16;
    const key = Buffer.from(`person ${person}`);
    if (i === 5) return { key, value: null };
    const value = Buffer.alloc(24, generation * 16 + i);
    value.writeDoubleBE(i % 3 === 0 ? 1_000 + person : Infinity, 0);
    return { key, value };
  });
}

export async function changelog(): Promise<Log> {
  const log = openMemoryLog({ clock: new FakeClock() });
  await log.admin.createTopics([{ topic: CHANGELOG.topic, partitions: 1 }]);
  for (let generation = 0; generation < GENERATIONS; generation++) {
    const writer = await log.openWriter('writer');
    writer.send(recordsOf(generation).map((record) => ({ ...CHANGELOG, ...record, timestamp: 0, headers: [] })));
    await writer.commit('shop', []);
    await writer.close();
  }
  return log;
}

/** Writes the changelog but for its last records to a folder, as tasks do; returns it, closed or as a kill leaves it. */
export async function writtenState(kind: Kind, parent: string): Promise<string> {
  const folder = mkdtempSync(join(parent, 'state-'));
  let store = await LevelStore.open(folder);
  await store.write([ownerNote('shop/people_0')]);
  let end = 0;
  for (let generation = 0; generation < GENERATIONS - 1; generation++) {
    const records = recordsOf(generation);
    end += records.length;
    for (let from = 0; from < records.length; from += BATCH_RECORDS) {
      const isLast = from + BATCH_RECORDS >= records.length;
      await applyChangelog(store, records.slice(from, from + BATCH_RECORDS), isLast ? [changelogNote(end)] : []);
    }
    if (generation % 2 === 1 && generation < GENERATIONS - 2) {
      await store.close();
      store = await LevelStore.open(folder);
    }
  }
  const left = mkdtempSync(join(parent, 'left-'));
  if (kind === 'closed') await store.close();
  cpSync(folder, left, { recursive: true });
  if (kind === 'killed') await store.close();
  return left;
}

export interface Damage {
  readonly file: string;
  /** A bit that is turned over, or the length to which the file is cut. */
  readonly bit?: number;
  readonly length?: number;
}

/** A bit of each byte of each file, and each length of each. */
export function damagesOf(folder: string): readonly Damage[] {
  // LOG is what LevelDB tells people; it reads it no more than we do.
  const files = readdirSync(folder).filter((file) => file !== 'LOG' && file !== 'LOG.old');
  return files.flatMap((file) => {
    const { length } = readFileSync(join(folder, file));
    const places = Array.from({ length }, (_, at) => at);
    return [...places.map((at) => ({ file, bit: 8 * at + (at % 8) })), ...places.map((cut) => ({ file, length: cut }))];
  });
}

/** Damages a copy, opens and restores it, and returns what is in it then, and whether it was begun anew. */
export async function afterDamage(
  folder: string,
  log: Log,
  damage: Damage | null,
): Promise<{ readonly rows: readonly string[]; readonly warnings: readonly string[] }> {
  const parent = mkdtempSync(join(tmpdir(), 'tripline-damage-'));
  const copy = join(parent, 'people_0');
  cpSync(folder, copy, { recursive: true });
  if (damage !== null) inflict(join(copy, damage.file), damage);
  const warnings: string[] = [];
  const store = await LevelStore.open(copy, (_folder, error) => warnings.push((error as Error).message));
  try {
    await restoreState({ log, application: 'shop' }, SPEC, store, new AbortController().signal);
    return { rows: await rowsOf(store), warnings };
  } finally {
    await store.close();
    rmSync(parent, { recursive: true });
  }
}

function inflict(path: string, { bit, length }: Damage): void {
  const bytes = readFileSync(path);
  if (bit !== undefined) bytes[bit >> 3]! ^= 1 << (bit & 7);
  writeFileSync(path, bytes.subarray(0, length ?? bytes.length));
}

async function rowsOf(store: LevelStore): Promise<readonly string[]> {
  const spaces = [documentRange(), dueRange()];
  const rows = await Promise.all(spaces.map(({ from, to }) => store.range(from, to, 1_000)));
  return rows
    .flat()
    .map(({ key, value }) => `${Buffer.from(key).toString('hex')} ${Buffer.from(value).toString('hex')}`);
}
