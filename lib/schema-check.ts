// Checks a value against a JSON Schema (TypeBox). The one validator: of the configuration and of rules alike.
//
// Owns: the one Ajv, our formats, keywords and annotations. Does not own: the wording (schema-words.ts), places.
//
// Invariants:
//   V1. Every mistake is found in one go, and each place has one: where a value is wrong in two ways, the first counts.

import { Ajv, type FuncKeywordDefinition } from 'ajv';
import type { TSchema } from 'typebox';
import { parseDuration } from './duration.ts';
import { parseDate, parseInstant } from './instant.ts';
import { KINDS } from './schema-kinds.ts';
import { preparedSchema } from './schema-prepared.ts';
import { findingOf, type SchemaFinding, type Voice } from './schema-words.ts';
import type { Path } from './yaml-source.ts';

export type { SchemaFinding, Voice } from './schema-words.ts';

export interface ShapeFinding extends SchemaFinding {
  /** What of the value cannot be used; null: something is missing, what is there can. */
  readonly unusable: Path | null;
}

/** Checks the value, fills defaults in where they are missing (changing the value), and returns all mistakes. */
export type SchemaCheck = (value: unknown) => readonly ShapeFinding[];

export interface CheckOptions {
  readonly voice?: Voice;
  /** Bound of texts (characters) and lists (entries) that have none in the schema. */
  readonly lengthMax?: number;
}

/** The voice of configuration: every value by its whole path, and never repeated, since it may be a secret. */
const SETTINGS: Voice = {
  nameOf: (path) => (path.length === 0 ? 'the document' : `"${path.join('.')}"`),
  missing: (_path, field) => `missing field "${field}"`,
  unavailable: (field) => `"${field}" is not available in this version`,
  quotes: false,
  wordsOf: () => null,
};

const ajv = new Ajv({
  allErrors: true,
  useDefaults: true,
  verbose: true,
  strict: true,
  allowUnionTypes: true,
  // The words are ours. A schema is compiled in every thread, and asked a few times: it need not be fast.
  messages: false,
  inlineRefs: false,
  code: { optimize: false },
});
ajv.addFormat('duration', (text) => parseDuration(text) !== null);
ajv.addFormat('instant', (text) => !Number.isNaN(parseInstant(text)));
ajv.addFormat('day-or-instant', (text) => !Number.isNaN(parseDate(text)) || !Number.isNaN(parseInstant(text)));
ajv.addKeyword(textKeyword('kind', 'string', (kind, text) => KINDS[kind as string]!.fault(text) === null));
ajv.addKeyword(textKeyword('notBlank', 'boolean', (_asked, text) => text.trim() !== ''));
// A part that a schema names so that it can be refused by its name.
ajv.addKeyword({ keyword: 'unavailable', schemaType: 'boolean', validate: () => false });
// An annotation of our own: a secret is never printed.
ajv.addKeyword({ keyword: 'secret', schemaType: 'boolean' });
// Another: the path of a file, or what would be in it (path-or-text.ts).
ajv.addKeyword({ keyword: 'pathOrText', schemaType: 'boolean' });
// What preparedSchema leaves of a union, for its words.
ajv.addKeyword({ keyword: 'choices', schemaType: 'array' });

function textKeyword(
  keyword: string,
  schemaType: 'string' | 'boolean',
  validate: (asked: unknown, text: string) => boolean,
): FuncKeywordDefinition {
  return { keyword, schemaType, type: 'string', validate, errors: false };
}

/** The schema is compiled when it is first asked. */
export function compileSchema(schema: TSchema, { voice = SETTINGS, lengthMax }: CheckOptions = {}): SchemaCheck {
  let validate: ReturnType<typeof ajv.compile> | null = null;
  return (value) => {
    validate ??= ajv.compile(preparedSchema(schema, lengthMax));
    if (validate(value)) return [];
    const seen = new Set<string>();
    return (validate.errors ?? []).flatMap((error) => {
      // What follows from an `if` has said itself what is wrong.
      if (error.keyword === 'if') return [];
      const path = pathOf(error.instancePath, value);
      const finding = findingOf(error, path, voice);
      const isMissing = error.keyword === 'required';
      const mistake = JSON.stringify([finding.path, isMissing ? finding.message : null]);
      if (seen.has(mistake)) return [];
      seen.add(mistake);
      return [{ ...finding, unusable: isMissing ? null : finding.path }];
    });
  };
}

/** From a JSON pointer into `value`; a step into a list becomes a number. */
function pathOf(pointer: string, value: unknown): Path {
  if (pointer === '') return [];
  let at = value;
  return pointer
    .slice(1)
    .split('/')
    .map((part) => {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
      const step = Array.isArray(at) ? Number(name) : name;
      at = (at as Record<string | number, unknown> | null)?.[step];
      return step;
    });
}
