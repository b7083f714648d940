// Writes every entity's document to a file of JSON Lines.

import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describeError, FatalError } from '../../lib/errors.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { EntityDocument } from '../../state/entity/document.ts';
import type { Log } from '../../topology/engine/ports.ts';
import type { TaskSpec } from '../../topology/engine/tasks.ts';
import { entityJson } from './entity-json.ts';
import { documentsOf, foldState } from './folded-state.ts';

/** What is known of people is for the operator's eyes only. */
const FILE_MODE = 0o600;

/** Characters written at a time: a write for every line would take longer than making it. */
const CHUNK_LENGTH = 64 * 1024;

/**
 * Writes the documents of these tasks, which are entity documents, in order of task and key; a file that is there is
 * replaced. Returns how many there were. Throws FatalError TRG_LOG_FULL when the file cannot be written.
 */
export async function exportEntities(
  log: Log,
  tasks: readonly TaskSpec[],
  rules: RuleSet,
  file: string,
): Promise<number> {
  let documents = 0;
  // One task after the other, so that one temporary folder is there at a time.
  const chunks = async function* (): AsyncGenerator<string> {
    let chunk = '';
    for (const { id, part, changelog } of tasks) {
      if (changelog === null) continue;
      const { store, close } = await foldState(log, changelog);
      try {
        for await (const stored of documentsOf<EntityDocument>(store, part.store!.spec.documents)) {
          documents++;
          chunk += `${JSON.stringify(entityJson(id, stored, rules))}\n`;
          if (chunk.length < CHUNK_LENGTH) continue;
          yield chunk;
          chunk = '';
        }
      } finally {
        await close();
      }
    }
    yield chunk;
  };
  try {
    await pipeline(Readable.from(chunks()), createWriteStream(file, { mode: FILE_MODE }));
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new FatalError('TRG_LOG_FULL', `${file} cannot be written: ${describeError(error)}`, { file }, error);
  }
  return documents;
}
