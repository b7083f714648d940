// Checks a value against a JSON Schema (TypeBox) and says what is wrong in words that the writer of the file can use.
//
// Owns: the one Ajv, our formats and annotations, the wording. Does not own: places (yaml-source.ts).

import { Ajv, type ErrorObject } from 'ajv';
import type { TSchema } from 'typebox';
import { parseDuration } from './duration.ts';
import { parseInstant } from './iso-time.ts';
import { didYouMean } from './suggest.ts';
import type { Path } from './yaml-source.ts';

/** One mistake; `part` says whether the name at `path` is wrong, or its value. */
export interface SchemaFinding {
  readonly path: Path;
  readonly part: 'name' | 'value';
  readonly message: string;
  readonly hint: string | null;
}

/** Checks the value, fills defaults in where they are missing (changing the value), and returns all mistakes. */
export type SchemaCheck = (value: unknown) => readonly SchemaFinding[];

const ajv = new Ajv({ allErrors: true, useDefaults: true, verbose: true, strict: true });
ajv.addFormat('duration', (text) => parseDuration(text) !== null);
ajv.addFormat('instant', (text) => !Number.isNaN(parseInstant(text)));
// An annotation of our own: a secret is never printed.
ajv.addKeyword({ keyword: 'secret', schemaType: 'boolean' });

export function compileSchema(schema: TSchema): SchemaCheck {
  const validate = ajv.compile(schema);
  return (value) => {
    if (validate(value)) return [];
    return (validate.errors ?? []).filter(isTelling).map(findingOf);
  };
}

/** Leaves out what only repeats another error of the same place. */
function isTelling(error: ErrorObject): boolean {
  return error.keyword !== 'if' && !error.schemaPath.includes('/anyOf/');
}

function findingOf(error: ErrorObject): SchemaFinding {
  const path = pathOf(error.instancePath);
  const parameters = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'additionalProperties': {
      const name = String(parameters['additionalProperty']);
      const known = Object.keys((error.parentSchema as { properties?: object }).properties ?? {});
      const hint = didYouMean(name, known, `known here: ${known.join(', ')}`);
      return { path: [...path, name], part: 'name', message: `unknown field "${name}"`, hint };
    }
    case 'required': {
      const name = String(parameters['missingProperty']);
      return { path, part: 'value', message: `missing field "${name}"`, hint: null };
    }
    case 'enum': {
      const allowed = (parameters['allowedValues'] as unknown[]).map(String);
      const hint = typeof error.data === 'string' ? didYouMean(error.data, allowed) : null;
      return { path, part: 'value', message: `${nameOf(path)} must be one of ${allowed.join(', ')}`, hint };
    }
    case 'anyOf':
      return { path, part: 'value', message: `${nameOf(path)} is none of what it may be`, hint: null };
    case 'format':
    case 'pattern':
      return { path, part: 'value', message: `${nameOf(path)} ${wordingOf(error)}`, hint: null };
    case 'type':
      return {
        path,
        part: 'value',
        message: `${nameOf(path)} must be ${typeText(error)}, not ${kindOf(error.data)}`,
        hint: null,
      };
    default:
      return { path, part: 'value', message: `${nameOf(path)} ${error.message ?? 'is not valid'}`, hint: null };
  }
}

function wordingOf(error: ErrorObject): string {
  const format = (error.parentSchema as { format?: string }).format;
  if (format === 'duration') return 'must be a duration such as 5s, 10m, 24h or 7d';
  if (format === 'instant') return 'must be a time such as 2026-01-31T00:00:00Z';
  const examples = (error.parentSchema as { examples?: unknown[] }).examples;
  return examples === undefined
    ? (error.message ?? 'is not valid')
    : `must look like ${examples.map(String).join(' or ')}`;
}

function typeText(error: ErrorObject): string {
  const schema = error.parentSchema as { type?: string | string[]; format?: string };
  if (schema.format === 'duration') return 'a duration such as 5s';
  const names = [schema.type ?? []].flat();
  const words: Record<string, string> = {
    string: 'text',
    number: 'a number',
    integer: 'a whole number',
    boolean: 'true or false',
    object: 'a mapping',
    array: 'a list',
    null: 'null',
  };
  return names.map((name) => words[name] ?? name).join(' or ');
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return typeof value === 'string' ? 'text' : String(value);
}

function nameOf(path: Path): string {
  return path.length === 0 ? 'the document' : `"${path.join('.')}"`;
}

/** From a JSON pointer; a step into a list becomes a number. */
function pathOf(pointer: string): Path {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
