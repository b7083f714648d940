// Writes every entity's document to a file of JSON Lines.

import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describeError, FatalError } from '../../lib/errors.ts';
import type { RuleSet } from '../../rules/api.ts';
import type { EntityDocument } from '../../state/entity-document.ts';
import type { Log } from '../../topology/ports.ts';
import { entityJson } from './entity-json.ts';
import { documentsOf, withFoldedState } from './folded-state.ts';
import type { TaskPlace } from './tasks.ts';

/** What is known of people is for the operator's eyes only. */
const FILE_MODE = 0o600;

/**
 * Writes the documents of these tasks, which are entity documents, in order of task and key; a file that is there is
 * replaced. Returns how many there were. Throws FatalError TRG_LOG_FULL when the file cannot be written.
 */
export async function exportEntities(
  log: Log,
  tasks: readonly TaskPlace[],
  rules: RuleSet,
  file: string,
): Promise<number> {
  let documents = 0;
  // Tasks are folded one after the other, each into a folder of its own that goes when the next begins.
  const writeAll = async (destination: NodeJS.WritableStream): Promise<void> => {
    for (const { id, part, changelog } of tasks) {
      if (changelog === null) continue;
      await withFoldedState(log, changelog, async (store) => {
        const lines = async function* () {
          for await (const stored of documentsOf<EntityDocument>(store, part.store!.spec.documents)) {
            documents++;
            yield `${JSON.stringify(entityJson(id, stored, rules))}\n`;
          }
        };
        await pipeline(Readable.from(lines()), destination, { end: false });
      });
    }
  };
  const destination = createWriteStream(file, { mode: FILE_MODE });
  try {
    await writeAll(destination);
    await pipeline(Readable.from([]), destination);
  } catch (error) {
    destination.destroy();
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new FatalError('TRG_LOG_FULL', `${file} cannot be written: ${describeError(error)}`, { file }, error);
  }
  return documents;
}
