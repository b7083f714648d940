// Whether the files of a LevelDB folder are whole: looked at before LevelDB sees them.
//
// Owns: which files there must be, and that one goes on where the other ends. Does not own: the layout of each (level-log.ts,
// level-table.ts).
//
// Our binding sets neither `paranoid_checks` nor `verify_checksums`: LevelDB passes over a damaged block of a write-ahead log,
// reads tables without a look at their checksums, and ends the process by an assertion when their keys are not in order.
//
// Invariants:
//   K1. What passes is everything that was written up to some moment, in its order, and nothing else: every block matches its
//       checksum, every table that counts is there in its length, and the batches of the write-ahead logs follow each other
//       and what the tables have, without a gap. A note that was written behind what it notes thus proves it (docs/decisions/0027).
//   K2. A folder that was closed in good order has each of its files in the length that it had then.
//   K3. Nothing is changed.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { ByteReader } from './byte-reader.ts';
import { FileDamage, type LogRecords, readLog } from './level-log.ts';
import { checkTable, tableNumber } from './level-table.ts';

/** Says that the folder was closed in good order, and how long its files were then. */
export const CLOSED_FILE = 'CLOSED';
const MANIFEST_NAME = /^MANIFEST-(\d+)$/;
const LOG_NAME = /^(\d+)\.log$/;
/** Sequence (8), number of rows (4). */
const BATCH_HEADER_BYTES = 12;

/** Tags of LevelDB's version edits (db/version_edit.cc). */
const COMPARATOR = 1;
const LOG_NUMBER = 2;
const NEXT_FILE = 3;
const LAST_SEQUENCE = 4;
const COMPACT_POINTER = 5;
const DELETED_FILE = 6;
const NEW_FILE = 7;
const PREVIOUS_LOG = 9;

/** What the MANIFEST says counts. */
interface Version {
  /** Bytes of each table, by its number. */
  readonly tables: ReadonlyMap<number, number>;
  /** Write-ahead logs from this number on are read. */
  readonly log: number;
  readonly lastSequence: number;
}

/** Throws FileDamage, and the system's errors; a folder without database passes. */
export async function checkFiles(folder: string): Promise<void> {
  const names = await namesIn(folder);
  if (!names.some(isDatabaseFile)) return;
  const wasClosed = names.includes(CLOSED_FILE);
  const read = async (name: string): Promise<Buffer> => {
    try {
      return await readFile(join(folder, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new FileDamage(join(folder, name), 0, 'it is gone');
      throw error;
    }
  };
  const sizes = wasClosed ? closedSizes(await read(CLOSED_FILE), join(folder, CLOSED_FILE)) : null;
  const readChecked = async (name: string): Promise<Buffer> => {
    const bytes = await read(name);
    const size = sizes?.get(name);
    if (size !== undefined && size !== bytes.length) {
      const what = `it had ${size} bytes when it was closed, and has ${bytes.length}`;
      throw new FileDamage(join(folder, name), Math.min(size, bytes.length), what);
    }
    return bytes;
  };
  for (const name of sizes?.keys() ?? []) {
    if (!names.includes(name)) throw new FileDamage(join(folder, name), 0, 'it is gone');
  }
  const version = await readVersion(folder, names, readChecked);
  for (const [number, size] of version.tables) {
    const name = names.find((each) => tableNumber(each) === number);
    if (name === undefined) throw new FileDamage(join(folder, `${pad(number)}.ldb`), 0, 'it is gone');
    const bytes = await readChecked(name);
    const path = join(folder, name);
    if (bytes.length !== size) {
      throw new FileDamage(path, Math.min(size, bytes.length), `it should have ${size} bytes and has ${bytes.length}`);
    }
    checkTable(bytes, path);
  }
  await checkWriteAheadLogs(folder, names, version, wasClosed, readChecked);
}

/** What CLOSED_FILE is to say. */
export function closedNote(sizes: Readonly<Record<string, number>>): string {
  const text = JSON.stringify(sizes);
  return `${crc32(text)} ${text}\n`;
}

/** Whether the length of a file is of those in closedNote(). */
export function isDatabaseFile(name: string): boolean {
  return name === 'CURRENT' || MANIFEST_NAME.test(name) || LOG_NAME.test(name) || tableNumber(name) !== null;
}

function closedSizes(bytes: Buffer, path: string): ReadonlyMap<string, number> {
  const text = bytes.toString('utf8');
  const space = text.indexOf(' ');
  const json = text.slice(space + 1, -1);
  const isWhole = text.endsWith('\n') && text.slice(0, space) === String(crc32(json));
  if (!isWhole) throw new FileDamage(path, 0, 'it does not match its checksum');
  return new Map(Object.entries(JSON.parse(json) as Record<string, number>));
}

async function readVersion(
  folder: string,
  names: readonly string[],
  read: (name: string) => Promise<Buffer>,
): Promise<Version> {
  const currentPath = join(folder, 'CURRENT');
  const current = (await read('CURRENT')).toString('latin1');
  const name = current.slice(0, -1);
  const newest = names
    .filter((each) => MANIFEST_NAME.test(each))
    .sort((a, b) => Number(MANIFEST_NAME.exec(a)![1]) - Number(MANIFEST_NAME.exec(b)![1]))
    .at(-1);
  if (!current.endsWith('\n') || name !== newest)
    throw new FileDamage(currentPath, 0, 'it does not name the newest MANIFEST');
  const path = join(folder, name);
  const { records, tornAt } = readLog(await read(name), path);
  const tables = new Map<number, number>();
  let log = 0;
  let lastSequence = 0;
  for (const record of records) {
    const reader = new ByteReader(record);
    while (!reader.isAtEnd) {
      const isRead = readEdit(reader, {
        log: (number) => (log = number),
        lastSequence: (sequence) => (lastSequence = sequence),
        deleted: (number) => tables.delete(number),
        added: (number, size) => tables.set(number, size),
      });
      if (!isRead) throw new FileDamage(path, 0, 'it says what no version of LevelDB says');
    }
  }
  if (records.length === 0) throw new FileDamage(path, tornAt ?? 0, 'it says nothing');
  return { tables, log, lastSequence };
}

interface EditTarget {
  log(number: number): void;
  lastSequence(sequence: number): void;
  deleted(number: number): void;
  added(number: number, size: number): void;
}

/** Reads one field; false: it is none. */
function readEdit(reader: ByteReader, target: EditTarget): boolean {
  const tag = reader.varint();
  if (tag === COMPARATOR) return reader.prefixed() !== null;
  const first = reader.varint();
  if (first === null) return false;
  if (tag === LOG_NUMBER) target.log(first);
  else if (tag === LAST_SEQUENCE) target.lastSequence(first);
  else if (tag === COMPACT_POINTER) return reader.prefixed() !== null;
  else if (tag === DELETED_FILE || tag === NEW_FILE) {
    const number = reader.varint();
    if (number === null) return false;
    if (tag === DELETED_FILE) {
      target.deleted(number);
      return true;
    }
    const size = reader.varint();
    if (size === null || reader.prefixed() === null || reader.prefixed() === null) return false;
    target.added(number, size);
  } else return tag === NEXT_FILE || tag === PREVIOUS_LOG;
  return true;
}

async function checkWriteAheadLogs(
  folder: string,
  names: readonly string[],
  { log, lastSequence }: Version,
  wasClosed: boolean,
  read: (name: string) => Promise<Buffer>,
): Promise<void> {
  const numbers = names.flatMap((name) => LOG_NAME.exec(name)?.[1] ?? []).filter((number) => Number(number) >= log);
  numbers.sort((a, b) => Number(a) - Number(b));
  if (log > 0 && Number(numbers[0]) !== log) throw new FileDamage(join(folder, `${pad(log)}.log`), 0, 'it is gone');
  let next: number | null = null;
  for (const [i, number] of numbers.entries()) {
    const path = join(folder, `${number}.log`);
    const { records, tornAt }: LogRecords = readLog(await read(`${number}.log`), path);
    for (const record of records) {
      if (record.length < BATCH_HEADER_BYTES) throw new FileDamage(path, 0, 'a batch is too short');
      const sequence = record.readUInt32LE(0) + record.readUInt32LE(4) * 2 ** 32;
      const follows = next === null ? sequence <= lastSequence + 1 : sequence === next;
      if (!follows) throw new FileDamage(path, 0, `writes before number ${sequence} are not there`);
      next = sequence + record.readUInt32LE(8);
    }
    // A process that was killed leaves the end of what it wrote last unfinished, and of nothing else.
    if (tornAt !== null && (wasClosed || i < numbers.length - 1))
      throw new FileDamage(path, tornAt, 'it ends amid a record');
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}

function pad(number: number): string {
  return String(number).padStart(6, '0');
}
