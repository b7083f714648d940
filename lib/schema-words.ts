// From Ajv's errors to words that the writer of a file can use: what is wrong, where, and how to mend it.
//
// Owns: the wording of mistakes of shape. Does not own: finding them (schema-check.ts), their place in a file
// (yaml-source.ts, rules/language).

import type { ErrorObject } from 'ajv';
import { type Fault, KINDS, type Kind, quoted } from './schema-kinds.ts';
import { didYouMean } from './suggest.ts';
import type { Path } from './yaml-source.ts';

/** One mistake; `part` says whether the name at `path` is wrong, or its value. */
export interface SchemaFinding {
  readonly path: Path;
  readonly part: 'name' | 'value';
  readonly message: string;
  readonly hint: string | null;
}

/** How a kind of file is spoken of. */
export interface Voice {
  /** What messages call the value at `path`. */
  nameOf(path: Path): string;
  /** That a field is missing of the value at `path`. */
  missing(path: Path, field: string): string;
  /** That the schema names a field only so that it can be refused. */
  unavailable(field: string): string;
  /** Whether messages repeat what was written; not where that may be a secret. */
  readonly quotes: boolean;
  /** What text of this pattern looks like; null where that cannot be said. */
  wordsOf(pattern: string): string | null;
}

/** What the schema says of the value that is wrong. */
interface Asked {
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly kind?: string;
  readonly examples?: readonly unknown[];
  /** Never repeated, in whatever voice. */
  readonly secret?: boolean;
  readonly properties?: Readonly<Record<string, { readonly unavailable?: boolean; readonly secret?: boolean }>>;
  /** Of a value that may be of several types: what it is asked as each of them. */
  readonly choices?: readonly Asked[];
}

/** What the error says to whoever wrote the value at `path`. */
export function findingOf(error: ErrorObject, path: Path, voice: Voice): SchemaFinding {
  const asked = error.parentSchema as Asked;
  const parameters = error.params as Record<string, unknown>;
  const wrong = (message: string, hint: string | null = null): SchemaFinding => {
    return { path, part: 'value', message: `${voice.nameOf(path)} ${message}`, hint };
  };
  switch (error.keyword) {
    case 'additionalProperties': {
      const name = String(parameters['additionalProperty']);
      const { properties = {} } = asked;
      // In `{ password: ab,cd }` the second half of the password is a field without value.
      const isValueless = (error.data as Record<string, unknown> | undefined)?.[name] == null;
      if (!voice.quotes && isValueless && Object.values(properties).some((field) => field.secret === true)) {
        const hint = 'if it is a part of a password, put that in quotes';
        return { path: [...path, name], part: 'name', message: 'a field that is not known, and has no value', hint };
      }
      const known = Object.keys(properties).filter((field) => properties[field]!.unavailable !== true);
      const hint = didYouMean(name, Object.keys(properties), `known here: ${known.join(', ')}`);
      return { path: [...path, name], part: 'name', message: `unknown field "${name}"`, hint };
    }
    case 'unavailable':
      return { path, part: 'name', message: voice.unavailable(String(path.at(-1))), hint: null };
    case 'required': {
      const message = voice.missing(path, String(parameters['missingProperty']));
      return { path, part: 'value', message, hint: null };
    }
    case 'enum': {
      const allowed = (parameters['allowedValues'] as unknown[]).map(String);
      const hint = typeof error.data === 'string' ? didYouMean(error.data, allowed) : null;
      return wrong(`must be one of ${allowed.join(', ')}`, hint);
    }
    case 'type':
      return wrong(`must be ${typeText(asked)}, not ${shown(error.data, voice)}`, meant(asked, error.data, voice));
    case 'format':
    case 'kind':
    case 'pattern':
      return wrong(...textFault(String(error.data), asked, voice));
    case 'minLength':
    case 'minItems':
      if ((parameters['limit'] as number) > 1) {
        const what = error.keyword === 'minLength' ? 'characters' : 'entries';
        return wrong(`must have at least ${parameters['limit']} ${what}`);
      }
      return wrong('must not be empty');
    case 'notBlank':
      return wrong('must not be empty');
    case 'maxLength':
      return wrong(`must have at most ${parameters['limit']} characters`);
    case 'maxItems':
      return wrong(`must have at most ${parameters['limit']} entries, not ${(error.data as unknown[]).length}`);
    case 'minimum':
      return wrong(`must be at least ${parameters['limit']}`);
    case 'maximum':
      return wrong(`must be at most ${parameters['limit']}`);
    default:
      return wrong(`does not fit: ${error.keyword}`);
  }
}

/** Text of another form than it should have. */
function textFault(text: string, asked: Asked, voice: Voice): [message: string, hint: string | null] {
  const kind = kindOf(asked);
  const found: Fault | null = kind?.fault(text) ?? null;
  const hint = kind?.meant(text) ?? null;
  if (!voice.quotes || asked.secret === true) {
    if (asked.format === 'duration') return ['must be a duration such as 5s, 10m, 24h or 7d', hint];
    if (asked.format === 'instant') return ['must be a time such as 2026-01-31T00:00:00Z', hint];
    if (asked.format === 'day-or-instant')
      return ['must be a day such as 2000-01-01, or a time such as 2000-01-01T00:00:00Z', hint];
    const example = examplesOf(asked);
    return [example === null ? 'is not in the form that it has' : `must look like ${example}`, hint];
  }
  if (found !== null) return [found.message, hint ?? found.hint];
  const { pattern } = asked as { pattern?: string };
  const words = kind?.words ?? (pattern === undefined ? null : voice.wordsOf(pattern));
  return [`cannot be ${quoted(text)}`, hint ?? words ?? suchAs(asked)];
}

/** What to write instead of a value of the wrong type. */
function meant(asked: Asked, value: unknown, voice: Voice): string | null {
  const choices = asked.choices ?? [asked];
  for (const choice of choices) {
    const hint = kindOf(choice)?.meant(value) ?? null;
    if (hint !== null) return hint;
  }
  const texts = choices.filter(({ type }) => [type].flat().includes('string'));
  const isPlain = Number.isFinite(value) || typeof value === 'boolean';
  if (!isPlain || texts.length === 0) return null;
  const example = texts.map(suchAs).find((found) => found !== null);
  if (example !== undefined) return example;
  if (texts.every((choice) => kindOf(choice)?.isAnyText === false)) return null;
  return voice.quotes ? `quote it: '${String(value)}'` : 'quote it';
}

function kindOf({ kind, format }: Asked): Kind | undefined {
  return KINDS[kind ?? format ?? ''];
}

function examplesOf({ examples }: Asked): string | null {
  return examples === undefined ? null : examples.map(String).join(' or ');
}

function suchAs(asked: Asked): string | null {
  const examples = examplesOf(asked);
  return examples === null ? null : `such as ${examples}`;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping',
  array: 'a list',
  null: 'null',
};

function typeText(asked: Asked): string {
  if (asked.choices !== undefined) return [...new Set(asked.choices.map(typeText))].join(', or ');
  if (asked.format === 'duration') return 'a duration such as 5s';
  const kind = kindOf(asked);
  if (kind !== undefined) return kind.words;
  return [asked.type ?? []]
    .flat()
    .map((name) => TYPE_WORDS[name] ?? name)
    .join(' or ');
}

/** What there is instead. */
function shown(value: unknown, { quotes }: Voice): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (quotes) return typeof value === 'string' ? quoted(value) : String(value);
  return typeof value === 'string' ? 'text' : typeof value === 'number' ? 'a number' : 'true or false';
}
