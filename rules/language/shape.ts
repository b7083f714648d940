// Checks a document's shape by the schema, and turns it into plain values.
//
// Owns: unknown, missing and unavailable fields, types, bounds and formats. Does not own: expressions, what fits
// together (compile.ts).
//
// Invariants:
//   S1. All mistakes are reported, each at its place; the value that comes back lacks the parts that had one, so that
//       what is left can be checked further.

import type { Static, TSchema } from 'typebox';
import { parseDuration } from '../../lib/duration.ts';
import { parseInstant } from '../../lib/instant.ts';
import type { Problem } from '../../lib/problem.ts';
import { didYouMean } from '../../lib/suggest.ts';
import type { Json } from '../../schemas/json.ts';
import type { SourceDocument, SourceNode } from './parse.ts';
import { ATTRIBUTE_PATTERN, NAME_PATTERN, PERCENT_PATTERN } from './parts.ts';

/** Times and durations added up must stay dates that can be written; this is far below the limit. */
const DURATION_MAX_MS = 36_500 * 86_400_000;
const LENGTH_MAX = 10_000;
const DEFINITIONS = '#/definitions/';

/** What of JSON Schema the rule schema uses, and the annotations of schema-parts.ts. */
interface Shape {
  readonly type?: string;
  /** Of one of the definitions at the root: `#/definitions/NAME`. */
  readonly $ref?: string;
  readonly definitions?: Readonly<Record<string, Shape>>;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly patternProperties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly kind?: 'duration' | 'expression' | 'instant';
  readonly unavailable?: boolean;
}

export function checkShape<Schema extends TSchema>(
  schema: Schema,
  document: SourceDocument,
  name = 'a rule',
): { value: Static<Schema> | undefined; problems: Problem[] } {
  const problems: Problem[] = [];
  const { definitions = {} } = schema as Shape;
  const reader = new ShapeReader(document, problems, definitions);
  const value = reader.read(schema as Shape, document.root, name);
  return { value: value as Static<Schema> | undefined, problems };
}

/** The node as JSON; numbers that JSON lacks become null. */
export function jsonOfNode(node: SourceNode): Json {
  switch (node.kind) {
    case 'map':
      return Object.fromEntries([...node.entries].map(([name, entry]) => [name, jsonOfNode(entry.node)]));
    case 'list':
      return node.items.map(jsonOfNode);
    default:
      return typeof node.value === 'number' && !Number.isFinite(node.value) ? null : node.value;
  }
}

class ShapeReader {
  readonly #document: SourceDocument;
  readonly #problems: Problem[];
  readonly #definitions: Readonly<Record<string, Shape>>;

  constructor(document: SourceDocument, problems: Problem[], definitions: Readonly<Record<string, Shape>>) {
    this.#document = document;
    this.#problems = problems;
    this.#definitions = definitions;
  }

  /** `name` is what messages call the value. Undefined: it was not usable. */
  read(shape: Shape, node: SourceNode, name: string): unknown {
    if (shape.$ref !== undefined)
      return this.read(this.#definitions[shape.$ref.slice(DEFINITIONS.length)]!, node, name);
    if (shape.anyOf !== undefined) return this.#readOneOf(shape.anyOf, node, name);
    if (shape.properties !== undefined) return this.#readFields(shape, node, name);
    if (shape.patternProperties !== undefined) {
      if (node.kind === 'map') return jsonOfNode(node);
      return this.#fail(node, `${name} must be a mapping, not ${kindOf(node)}`);
    }
    if (shape.type === 'array') return this.#readList(shape, node, name);
    if (shape.enum !== undefined || shape.type === 'string') return this.#readText(shape, node, name);
    if (shape.type === 'integer' || shape.type === 'number') return this.#readNumber(shape, node, name);
    if (shape.type === 'boolean') {
      if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value;
      return this.#fail(node, `${name} must be true or false, not ${kindOf(node)}`);
    }
    return jsonOfNode(node);
  }

  #readOneOf(choices: readonly Shape[], node: SourceNode, name: string): unknown {
    const fitting = choices.find((choice) => fits(choice, node));
    if (fitting !== undefined) return this.read(fitting, node, name);
    const wanted = [...new Set(choices.map(typeText))].join(', or ');
    return this.#fail(node, `${name} must be ${wanted}, not ${kindOf(node)}`);
  }

  #readFields(shape: Shape, node: SourceNode, name: string): unknown {
    if (node.kind !== 'map') return this.#fail(node, `${name} must be a mapping, not ${kindOf(node)}`);
    const properties = shape.properties!;
    const value: Record<string, unknown> = {};
    for (const [field, entry] of node.entries) {
      const fieldShape = Object.hasOwn(properties, field) ? properties[field] : undefined;
      if (fieldShape === undefined) {
        const known = Object.keys(properties).filter((candidate) => properties[candidate]!.unavailable !== true);
        const hint = didYouMean(field, Object.keys(properties), `known here: ${known.join(', ')}`);
        this.#report(entry.nameOffset, `unknown field "${field}"`, hint);
      } else if (fieldShape.unavailable === true) {
        this.#report(
          entry.nameOffset,
          `"${field}" is part of the rule language but not available in this version`,
          null,
        );
      } else {
        const read = this.read(fieldShape, entry.node, `"${field}"`);
        if (read !== undefined) value[field] = read;
      }
    }
    for (const field of shape.required ?? []) {
      if (!node.entries.has(field)) this.#report(node.offset, `${name} needs "${field}"`, null);
    }
    return value;
  }

  #readList(shape: Shape, node: SourceNode, name: string): unknown {
    if (node.kind !== 'list') return this.#fail(node, `${name} must be a list, not ${kindOf(node)}`);
    const { length } = node.items;
    if (length < (shape.minItems ?? 0)) return this.#fail(node, `${name} must not be empty`);
    if (length > (shape.maxItems ?? LENGTH_MAX)) {
      return this.#fail(node, `${name} must have at most ${shape.maxItems ?? LENGTH_MAX} entries, not ${length}`);
    }
    // A bad entry keeps its position, as undefined, so that the places of the others stay right.
    return node.items.map((item) => this.read(shape.items ?? {}, item, `an entry of ${name}`));
  }

  #readText(shape: Shape, node: SourceNode, name: string): unknown {
    const text = node.kind === 'scalar' ? node.value : undefined;
    if (shape.enum !== undefined) {
      if (typeof text === 'string' && shape.enum.includes(text)) return text;
      const hint = typeof text === 'string' ? didYouMean(text, shape.enum) : null;
      return this.#fail(node, `${name} must be one of ${shape.enum.join(', ')}`, hint);
    }
    if (typeof text !== 'string') {
      const hint = text !== null && text !== undefined ? `quote it: '${text}'` : null;
      return this.#fail(node, `${name} must be ${typeText(shape)}, not ${kindOf(node)}`, hint);
    }
    if (shape.kind === 'duration') return this.#readDuration(text, node, name);
    if (shape.kind === 'instant') {
      if (!Number.isNaN(parseInstant(text))) return text;
      return this.#fail(node, `${name} must be a time with its zone, not "${text}"`, 'such as 2026-01-01T10:00:00Z');
    }
    if (text.trim().length < (shape.minLength ?? 0)) return this.#fail(node, `${name} must not be empty`);
    if (text.length > (shape.maxLength ?? LENGTH_MAX)) {
      return this.#fail(node, `${name} must have at most ${shape.maxLength ?? LENGTH_MAX} characters`);
    }
    if (shape.pattern !== undefined && !new RegExp(shape.pattern, 'u').test(text)) {
      return this.#fail(node, `${name} cannot be "${text}"`, wordsOfPattern(shape.pattern));
    }
    return text;
  }

  #readDuration(text: string, node: SourceNode, name: string): unknown {
    const ms = parseDuration(text);
    if (ms === null) {
      return this.#fail(node, `${name} must be a duration, not "${text}"`, 'such as 90s, 5m, 24h, 7d or 2w');
    }
    if (ms <= 0) return this.#fail(node, `${name} must be longer than nothing`);
    if (ms > DURATION_MAX_MS) return this.#fail(node, `${name} must be at most 36500d`);
    return text;
  }

  #readNumber(shape: Shape, node: SourceNode, name: string): unknown {
    const value = node.kind === 'scalar' ? node.value : undefined;
    if (
      typeof value !== 'number' ||
      !Number.isFinite(value) ||
      (shape.type === 'integer' && !Number.isInteger(value))
    ) {
      return this.#fail(node, `${name} must be ${typeText(shape)}, not ${kindOf(node)}`);
    }
    if (value < (shape.minimum ?? -Infinity)) return this.#fail(node, `${name} must be at least ${shape.minimum}`);
    if (value > (shape.maximum ?? Infinity)) return this.#fail(node, `${name} must be at most ${shape.maximum}`);
    return value;
  }

  #fail(node: SourceNode, message: string, hint: string | null = null): undefined {
    this.#report(node.offset, message, hint);
    return undefined;
  }

  #report(offset: number, message: string, hint: string | null): void {
    this.#problems.push(this.#document.problemAt(offset, message, hint));
  }
}

function fits(shape: Shape, node: SourceNode): boolean {
  if (node.kind === 'map') return shape.type === 'object';
  if (node.kind === 'list') return shape.type === 'array';
  return shape.type === (node.value === null ? 'null' : typeof node.value);
}

function typeText(shape: Shape): string {
  if (shape.kind === 'duration') return 'a duration such as 24h';
  if (shape.kind === 'expression') return 'a CEL expression in quotes';
  const words: Record<string, string> = {
    string: 'text',
    number: 'a number',
    integer: 'a whole number',
    boolean: 'true or false',
    object: 'a mapping',
    array: 'a list',
  };
  return words[shape.type ?? ''] ?? 'something else';
}

function kindOf(node: SourceNode): string {
  if (node.kind === 'map') return 'a mapping';
  if (node.kind === 'list') return 'a list';
  if (node.value === null) return 'empty';
  return typeof node.value === 'string' ? `"${node.value.slice(0, 40)}"` : String(node.value);
}

function wordsOfPattern(pattern: string): string {
  if (pattern === NAME_PATTERN) return 'lower case letters, digits and single hyphens, such as cart-abandonment';
  if (pattern === PERCENT_PATTERN) return 'a percentage such as 50%';
  if (pattern === ATTRIBUTE_PATTERN) return 'an attribute such as profile.plan';
  return 'a letter, then letters, digits and underscores';
}
