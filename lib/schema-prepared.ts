// A schema of TypeBox as Ajv is to read it, so that its errors are mistakes that the writer of a value can mend.
//
// Owns: unions by type, parts that are refused, bounds, sharing. Does not own: Ajv (schema-check.ts).
//
// Invariants:
//   C1. Of the choices of a union (`anyOf`) only the one of the value's own type is asked.
//   C2. Parts that are alike are compiled once: Ajv takes about a millisecond for each, in every thread.

import type { TSchema } from 'typebox';
import { assert } from './assert.ts';

/** `lengthMax`: characters of texts and entries of lists that have no bound of their own; left out: none. */
export function preparedSchema(schema: TSchema, lengthMax: number | undefined): object {
  return new Preparation(schema as Shape, lengthMax).root(schema as Shape);
}

/** What of JSON Schema is looked at here. */
interface Shape {
  readonly type?: string;
  readonly $ref?: string;
  readonly definitions?: Shapes;
  readonly properties?: Shapes;
  readonly patternProperties?: Shapes;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly unavailable?: boolean;
  readonly allOf?: readonly object[];
}
type Shapes = Readonly<Record<string, Shape>>;

const DEFINITIONS = '#/definitions/';

class Preparation {
  readonly #lengthMax: number | undefined;
  readonly #given: Shapes;
  /** Names of the definitions by their text (C2). */
  readonly #shared = new Map<string, string>();
  readonly #definitions: Record<string, Shape> = {};

  constructor(schema: Shape, lengthMax: number | undefined) {
    this.#lengthMax = lengthMax;
    this.#given = schema.definitions ?? {};
  }

  root(schema: Shape): Shape {
    for (const [name, shape] of Object.entries(this.#given)) this.#definitions[name] = this.#prepared(shape);
    const root = this.#prepared(schema);
    return { ...root, definitions: this.#definitions };
  }

  #prepared(schema: Shape): Shape {
    // Nothing is asked of what is refused in any case.
    if (schema.unavailable === true) return { unavailable: true };
    const { anyOf, definitions: _given, description: _words, ...rest } = schema as Shape & { description?: string };
    const ready = {
      ...rest,
      ...this.#each('properties', schema.properties),
      ...this.#each('patternProperties', schema.patternProperties),
      ...(schema.items !== undefined && { items: this.#part(schema.items) }),
      ...((schema.minLength ?? 0) > 0 && { notBlank: true }),
      ...this.#bounds(schema),
    };
    return anyOf === undefined ? ready : { ...ready, ...this.#byType(anyOf.map((choice) => this.#prepared(choice))) };
  }

  #each(name: string, shapes: Shapes = {}): object {
    const parts = Object.entries(shapes).map(([key, shape]) => [key, this.#part(shape)]);
    return parts.length === 0 ? {} : { [name]: Object.fromEntries(parts) };
  }

  #bounds({ type, maxLength, maxItems }: Shape): object {
    if (this.#lengthMax === undefined) return {};
    if (type === 'string') return { maxLength: maxLength ?? this.#lengthMax };
    return type === 'array' ? { maxItems: maxItems ?? this.#lengthMax } : {};
  }

  #part(schema: Shape): Shape {
    const ready = this.#prepared(schema);
    // Defaults are filled in by what is around the value, which must see them.
    if ((ready.properties ?? ready.allOf) === undefined || 'default' in ready) return ready;
    const text = JSON.stringify(ready);
    const name = this.#shared.get(text) ?? `shared-${this.#shared.size}`;
    this.#shared.set(text, name);
    this.#definitions[name] = ready;
    return { $ref: DEFINITIONS + name };
  }

  /** C1. */
  #byType(choices: readonly Shape[]): object {
    const types = choices.map((choice) => this.#typeOf(choice));
    assert(new Set(types).size === types.length, 'the choices of a union are of different types');
    // biome-ignore lint/suspicious/noThenProperty: JSON Schema's word; a schema is never awaited.
    const allOf = choices.map((choice, index) => ({ if: { type: types[index] }, then: choice }));
    return { type: types, allOf, choices };
  }

  #typeOf({ type, $ref }: Shape): string {
    const found = $ref === undefined ? type : this.#given[$ref.slice(DEFINITIONS.length)]?.type;
    assert(typeof found === 'string', 'each choice of a union says its one type');
    return found;
  }
}
