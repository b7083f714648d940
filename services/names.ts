// Names that somebody gave and nobody has: said with what was probably meant, instead of answered with nothing.
//
// Owns: which rules and entity types there are. Does not own: what they are.

import { FatalError } from '../lib/errors.ts';
import { didYouMean } from '../lib/suggest.ts';
import type { Config } from './config/index.ts';
import { findFiles } from './project/find-files.ts';
import { loadProject } from './project/load-project.ts';
import type { ServiceContext } from './service-context.ts';

export type NamedKind = 'rule' | 'entity type' | 'channel';

/** More would hide the one that was meant. */
const LISTED_MAX = 20;

/** Throws FatalError TRG_NAME_UNKNOWN, with the nearest of `known` as its hint, when `name` is not among them. */
export function requireName(kind: NamedKind, name: string, known: Iterable<string>): void {
  const names = new Set(known);
  if (names.has(name)) return;
  const listed = [...names].sort();
  const more = listed.length > LISTED_MAX ? ` and ${listed.length - LISTED_MAX} more` : '';
  const all =
    listed.length === 0 ? `no ${kind} is known here` : `known: ${listed.slice(0, LISTED_MAX).join(', ')}${more}`;
  throw new FatalError('TRG_NAME_UNKNOWN', `there is no ${kind} "${name}"`, { hint: didYouMean(name, names, all) });
}

/** Types of entities that a configuration knows. Throws FatalError TRG_NAME_UNKNOWN for any other. */
export function requireEntityType(type: string, { entities, sources }: Config): void {
  const ofSources = sources.flatMap(({ entity }) => entity ?? []);
  requireName('entity type', type, ['user', ...Object.keys(entities), ...ofSources]);
}

/** Ids of rules that are in force, or ever were published, or stand in the folder; a folder with mistakes is no hindrance. */
export async function knownRules(context: ServiceContext): Promise<ReadonlySet<string>> {
  const { published } = await context.rules();
  const names = new Set(published.flatMap(({ rules }) => Object.keys(rules)));
  for (const id of folderRules(context)) names.add(id);
  return names;
}

function folderRules({ config, folder }: ServiceContext): readonly string[] {
  try {
    findFiles([config.rules], folder);
  } catch {
    // There is no such folder here: the log is all there is.
    return [];
  }
  const { rules } = loadProject({ paths: [config.rules], folder, config, needsTemplates: false });
  return rules.rules.map(({ id }) => id);
}
