// Checks a document's shape by its schema, and turns it into plain values.
//
// Owns: how the mistakes of rule files are spoken of, their places, what is left of a value that has some. Does not own:
// finding them (lib/schema-check.ts), expressions, what fits together (project/).
//
// Invariants:
//   S1. All mistakes are reported, each at its place; the value that comes back lacks the parts that had one, so that
//       what is left can be checked further.

import type { Static, TSchema } from 'typebox';
import type { Problem } from '../../lib/problem.ts';
import { compileSchema, type ShapeFinding, type Voice } from '../../lib/schema-check.ts';
import type { Path, SourceDocument, SourceNode } from './parse.ts';
import { PATTERN_WORDS } from './parts.ts';

/** Longer texts and lists were not written as part of a rule. */
const LENGTH_MAX = 10_000;

export interface Shaped<Schema extends TSchema> {
  /** Undefined: nothing of it can be used. */
  readonly value: Static<Schema> | undefined;
  readonly problems: Problem[];
}

/** `name` is what messages call the document: `a rule`. */
export function compileShape<Schema extends TSchema>(
  schema: Schema,
  name: string,
): (document: SourceDocument) => Shaped<Schema> {
  const check = compileSchema(schema, { voice: voiceOf(name), lengthMax: LENGTH_MAX });
  return (document) => {
    const plain = plainOf(document.root);
    const findings = check(plain);
    const rest = findings.reduce<unknown>((value, { unusable }) => without(value, unusable), plain);
    return {
      value: asJson(rest) as Static<Schema> | undefined,
      problems: findings.map((finding) => placed(finding, document)),
    };
  };
}

function voiceOf(document: string): Voice {
  const nameOf = (path: Path): string => {
    const step = path.at(-1);
    if (step === undefined) return document;
    return typeof step === 'number' ? `an entry of ${nameOf(path.slice(0, -1))}` : `"${step}"`;
  };
  return {
    nameOf,
    missing: (path, field) => `${nameOf(path)} needs "${field}"`,
    unavailable: (field) => `"${field}" is part of the rule language but not available in this version`,
    quotes: true,
    wordsOf: (pattern) => PATTERN_WORDS.get(pattern) ?? null,
  };
}

function placed({ path, part, message, hint }: ShapeFinding, document: SourceDocument): Problem {
  const parent = part === 'name' ? document.node(path.slice(0, -1)) : undefined;
  const named = parent?.kind === 'map' ? parent.entries.get(String(path.at(-1))) : undefined;
  const offset = named?.nameOffset ?? document.node(path)?.offset ?? document.root.offset;
  return document.problemAt(offset, message, hint);
}

/** The node as plain values, with the numbers that JSON lacks: they are wrong where a number is asked for. */
function plainOf(node: SourceNode): unknown {
  if (node.kind === 'list') return node.items.map(plainOf);
  if (node.kind === 'scalar') return node.value;
  return Object.fromEntries([...node.entries].map(([name, entry]) => [name, plainOf(entry.node)]));
}

/** `value`, which is changed, without what is at `path`. An entry of a list leaves undefined: the others keep their place. */
function without(value: unknown, path: Path | null): unknown {
  if (path === null) return value;
  const step = path.at(-1);
  if (step === undefined) return undefined;
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], value);
  // Undefined: what is around it was not usable either.
  if (Array.isArray(parent)) parent[Number(step)] = undefined;
  else if (parent !== undefined) delete (parent as Record<string, unknown>)[step];
  return value;
}

/** Numbers that JSON lacks are null, in the parts of a document that may hold anything. */
function asJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, asJson(part)]));
}
