// Whether the names that rules ask for are names that events have: given what has been seen, a typo is a name of nothing.
//
// Owns: the comparison. Does not own: the catalogue, which the caller has from its events.
//
// A name that nobody has sent yet may be right, so each finding is a warning.

import { nearestWord } from '../../lib/suggest.ts';
import type { Path } from '../language/parse.ts';
import type { CompiledRule } from './compiled-rule.ts';

/** What has been seen of events. */
export interface KnownEvents {
  /** Names of events. */
  readonly names: ReadonlySet<string>;
  /** Names of the properties that events of this name have had; null: not known. */
  properties(name: string): ReadonlySet<string> | null;
}

/** Messages that have their type as name. */
const TYPES = new Set(['identify', 'page', 'screen', 'group', 'alias', '*']);
/** `event.properties.x` or `event.properties["x"]`. */
const PROPERTY = /(?<![\w.])event\.properties(?:\.([A-Za-z_]\w*)|\["([^"]+)"\])/g;
const NAMES_SHOWN_MAX = 8;

type Warn = (path: Path, message: string, hint: string | null) => void;

/** Warns of names that no event has had, and of properties that events of the name beside them have not had. */
export function checkKnownEvents(rule: CompiledRule, body: unknown, events: KnownEvents, warn: Warn): void {
  const isKnown = (name: string): boolean => TYPES.has(name) || name.startsWith('$') || events.names.has(name);
  const { interests } = rule.pattern;
  const asked = new Set([...(interests === '*' ? [] : interests), ...rule.needs.history.keys()]);
  for (const name of asked) {
    if (isKnown(name)) continue;
    warn(placeOf(name, body) ?? ['id'], `no event has been called "${name}"`, hintFor(name, events.names));
  }
  for (const { names, where, path } of conditionsOf(body, [])) {
    if (names.length === 0 || !names.every((name) => events.names.has(name))) continue;
    const sets = names.map((name) => events.properties(name));
    if (sets.includes(null)) continue;
    const properties = new Set(sets.flatMap((set) => [...set!]));
    for (const [, plain, quoted] of where.matchAll(PROPERTY)) {
      const property = plain ?? quoted!;
      if (properties.has(property)) continue;
      warn(
        path,
        `no event called ${names.map((name) => `"${name}"`).join(' or ')} has had a property "${property}"`,
        hintFor(property, properties),
      );
    }
  }
}

function hintFor(name: string, known: ReadonlySet<string>): string | null {
  const nearest = nearestWord(name, known);
  if (nearest !== null) return `did you mean "${nearest}"?`;
  const shown = [...known].sort().slice(0, NAMES_SHOWN_MAX);
  return shown.length === 0 ? null : `there are ${shown.join(', ')}${known.size > shown.length ? ', …' : ''}`;
}

/** Where the name stands by itself in what is written, or in quotes within an expression. */
function placeOf(name: string, value: unknown, path: Path = []): Path | null {
  if (typeof value === 'string') {
    return value === name || value.includes(`"${name}"`) || value.includes(`'${name}'`) ? path : null;
  }
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, part] of Object.entries(value)) {
    if (path.length === 0 && (key === 'id' || key === 'tests' || key === 'description')) continue;
    const found = placeOf(name, part, [...path, Array.isArray(value) ? Number(key) : key]);
    if (found !== null) return found;
  }
  return null;
}

interface Conditioned {
  readonly names: readonly string[];
  readonly where: string;
  readonly path: Path;
}

/** Every `where` with the names of the events beside it. */
function* conditionsOf(value: unknown, path: Path): Generator<Conditioned> {
  if (typeof value !== 'object' || value === null) return;
  const { event, where } = value as { event?: unknown; where?: unknown };
  if (typeof where === 'string' && event !== undefined) {
    const names = [event].flat().filter((name) => typeof name === 'string');
    yield { names, where, path: [...path, 'where'] };
  }
  for (const [key, part] of Object.entries(value)) {
    if (path.length > 0 || key === 'when')
      yield* conditionsOf(part, [...path, Array.isArray(value) ? Number(key) : key]);
  }
}
