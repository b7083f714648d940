// The catalogue in the data folder, `events.json`: what `tripline events` learned last, for whoever checks rules.
//
// Invariants:
//   K1. A file that is not there, or is no catalogue, is no catalogue: checks then know nothing, and warn of nothing.

import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Type from 'typebox';
import { describeError, FatalError } from '../../lib/errors.ts';
import { compileSchema } from '../../lib/schema-check.ts';
import type { KnownEvents } from '../../rules/project/known-events.ts';
import type { Catalogue } from './catalogue.ts';

/** Names of events and properties tell what a business does. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

const checkKept = compileSchema(
  Type.Object({
    events: Type.Array(
      Type.Object({
        name: Type.String(),
        properties: Type.Array(Type.Object({ name: Type.String() })),
        hasMore: Type.Boolean(),
      }),
    ),
  }),
);

/** Throws FatalError TRG_FILE_UNWRITABLE. */
export function keepCatalogue(dataDir: string, catalogue: Catalogue): void {
  const file = fileOf(dataDir);
  try {
    mkdirSync(dataDir, { recursive: true, mode: FOLDER_MODE });
    // Written beside and put in place, so that a crash leaves the old file or the new one.
    writeFileSync(`${file}.new`, `${JSON.stringify(catalogue)}\n`, { mode: FILE_MODE });
    chmodSync(`${file}.new`, FILE_MODE);
    renameSync(`${file}.new`, file);
  } catch (error) {
    throw new FatalError('TRG_FILE_UNWRITABLE', `${file} cannot be written: ${describeError(error)}`, {}, error);
  }
}

/** Null: none was learned (K1). */
export function keptEvents(dataDir: string): KnownEvents | null {
  try {
    const value: unknown = JSON.parse(readFileSync(fileOf(dataDir), 'utf8'));
    if (checkKept(value).length > 0) return null;
    const { events } = value as Catalogue;
    return events.length === 0 ? null : knownEvents(events);
  } catch {
    return null;
  }
}

export function knownEvents(events: Catalogue['events']): KnownEvents {
  const byName = new Map(events.map((event) => [event.name, event]));
  return {
    names: new Set(byName.keys()),
    properties: (name) => {
      const event = byName.get(name);
      return event === undefined || event.hasMore ? null : new Set(event.properties.map((property) => property.name));
    },
  };
}

function fileOf(dataDir: string): string {
  return join(dataDir, 'events.json');
}
