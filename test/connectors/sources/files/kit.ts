// Files for the tests of readEvents, and what was read of them.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type FileEntry, type ReadEventsOptions, readEvents } from '../../../../connectors/sources/files/index.ts';

export function fileWith(t: TestContext, name: string, content: string | Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-files-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

export interface Read {
  readonly seen: readonly unknown[];
  readonly failure: unknown;
}

/** Everything read, as [line, text or error code], and the error that ended it, if any. */
export async function read(path: string, options: ReadEventsOptions = {}): Promise<Read> {
  const seen: unknown[] = [];
  try {
    for await (const batch of readEvents(path, options)) seen.push(...batch.map(shown));
  } catch (failure) {
    return { seen, failure };
  }
  return { seen, failure: null };
}

/** The messages of the lines that were refused. */
export async function refusals(path: string, options: ReadEventsOptions = {}): Promise<readonly string[]> {
  const messages: string[] = [];
  for await (const batch of readEvents(path, options)) {
    for (const { line, error } of batch) if (error !== undefined) messages.push(`${line}: ${error.message}`);
  }
  return messages;
}

function shown({ line, bytes, json, error }: FileEntry): unknown {
  return [line, bytes === undefined ? (json ?? error?.code) : Buffer.from(bytes).toString()];
}
