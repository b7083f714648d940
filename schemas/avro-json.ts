// Avro of any schema to plain JSON values, for records of other teams. avsc resolves the schema; the bytes are read here.
//
// Owns: what each Avro type and logical type becomes as JSON. Does not own: finding schemas (connectors/sources/schema-registry),
// our own records (codec.ts).
//
// Why not avsc's own reader: it reads past the end of wrong bytes, so that a record under a wrong id can make it fill the
// memory with values that are not there.
//
// Invariants:
//   J1. Bytes that are not of the schema throw RecordError; nothing is read past their end, and no more than ITEMS_MAX
//       items are made of them (I6, I8).

import avsc from 'avsc';
import { asBuffer } from '../lib/bytes.ts';
import { RecordError } from '../lib/errors.ts';
import { readVarint, varintEnd, wideVarint } from '../lib/varint.ts';
import { DEPTH_MAX, type Json } from './json.ts';
import { LOGICAL_JSON, toJsonNumber } from './logical-json.ts';

/** Throws RecordError TRG_RECORD_UNREADABLE when the bytes are not one value of the schema. */
export type JsonReader = (bytes: Uint8Array) => Json;

/** Items of arrays may take no bytes, so the length of a record does not bound their number; more than 1 MB of JSON has. */
const ITEMS_MAX = 1_000_000;

/** A type with its logical name, which avsc would otherwise drop; what it means is in logical-json.ts. */
class Annotated extends avsc.types.LogicalType {
  readonly logical: string;
  readonly scale: number;

  constructor(schema: { logicalType: string; scale?: number }, options?: unknown) {
    super(schema as unknown as avsc.Schema, options);
    this.logical = schema.logicalType;
    this.scale = schema.scale ?? 0;
  }
  protected override _fromValue(value: unknown): unknown {
    return value;
  }
  protected override _toValue(value: unknown): unknown {
    return value;
  }
}

const LOGICAL_TYPES = Object.fromEntries(Object.keys(LOGICAL_JSON).map((name) => [name, Annotated]));

/**
 * How to read values of a schema, given as JSON text, with those that it names, each after what it names itself.
 * Throws Error when they are not Avro schemas.
 */
export function avroJsonReader(schema: string, references: readonly string[] = []): JsonReader {
  const options = { logicalTypes: LOGICAL_TYPES as never, wrapUnions: 'always' as const, registry: {} };
  for (const reference of references) avsc.Type.forSchema(JSON.parse(reference), options);
  const read = compile(avsc.Type.forSchema(JSON.parse(schema), options), new Map());
  return (bytes) => {
    const cursor = new Cursor(bytes);
    const value = read(cursor);
    if (cursor.at !== bytes.length) throw unreadable();
    return value;
  };
}

type Read = (cursor: Cursor) => Json;

const COMPOSITES = new Set(['array', 'map', 'record', 'error']);

function compile(type: avsc.Type, known: Map<avsc.Type, Read>): Read {
  const found = known.get(type);
  if (found !== undefined) return found;
  // A type may contain itself: whoever meets it while it is being compiled calls it by way of this.
  let compiled: Read | null = null;
  known.set(type, (cursor) => compiled!(cursor));
  compiled = build(type, known);
  if (COMPOSITES.has(type.typeName)) compiled = nested(compiled);
  known.set(type, compiled);
  return compiled;
}

function nested(read: Read): Read {
  return (cursor) => {
    cursor.enter();
    const value = read(cursor);
    cursor.leave();
    return value;
  };
}

function build(type: avsc.Type, known: Map<avsc.Type, Read>): Read {
  if (type instanceof Annotated) return annotated(type, known);
  switch (type.typeName) {
    case 'null':
      return () => null;
    case 'boolean':
      return (cursor) => cursor.byte() !== 0;
    case 'int':
    case 'long':
      return (cursor) => toJsonNumber(cursor.long());
    case 'float':
      return (cursor) => finite(cursor.float());
    case 'double':
      return (cursor) => finite(cursor.double());
    case 'string':
      return (cursor) => cursor.text(cursor.length());
    case 'bytes':
      return (cursor) => cursor.bytes(cursor.length()).toString('base64');
    case 'fixed': {
      const { size } = type as avsc.types.FixedType;
      return (cursor) => cursor.bytes(size).toString('base64');
    }
    case 'enum': {
      const { symbols } = type as avsc.types.EnumType;
      return (cursor) => chosen(symbols, cursor);
    }
    case 'array':
      return arrayOf(compile((type as avsc.types.ArrayType).itemsType, known));
    case 'map':
      return mapOf(compile((type as avsc.types.MapType).valuesType, known));
    case 'union:wrapped': {
      const branches = (type as avsc.types.WrappedUnionType).types.map((each) => compile(each, known));
      return (cursor) => chosen(branches, cursor)(cursor);
    }
    default:
      return recordOf(type as avsc.types.RecordType, known);
  }
}

function recordOf({ fields }: avsc.types.RecordType, known: Map<avsc.Type, Read>): Read {
  const readers = fields.map(({ name, type }) => ({ name, read: compile(type, known) }));
  return (cursor) => {
    const record: Record<string, Json> = {};
    for (const { name, read } of readers) put(record, name, read(cursor));
    return record;
  };
}

function arrayOf(read: Read): Read {
  return (cursor) => {
    const items: Json[] = [];
    for (let count = cursor.block(); count > 0; count = cursor.block()) {
      while (count-- > 0) items.push(read(cursor));
    }
    return items;
  };
}

function mapOf(read: Read): Read {
  return (cursor) => {
    const map: Record<string, Json> = {};
    for (let count = cursor.block(); count > 0; count = cursor.block()) {
      while (count-- > 0) put(map, cursor.text(cursor.length()), read(cursor));
    }
    return map;
  };
}

/** Raw values as avsc would give them, then what their logical type makes of them. */
function annotated(type: Annotated, known: Map<avsc.Type, Read>): Read {
  const { underlyingType, scale } = type;
  const { from, toJson } = LOGICAL_JSON[type.logical]!;
  const { typeName } = underlyingType;
  // Avro: a logical type on a type that it is not for is ignored.
  if (!from.includes(typeName)) return build(underlyingType, known);
  if (typeName === 'int' || typeName === 'long') return (cursor) => toJson(cursor.long(), scale);
  const size = (underlyingType as avsc.types.FixedType).size;
  return (cursor) => toJson(cursor.bytes(typeName === 'fixed' ? size : cursor.length()), scale);
}

/** As JSON.parse does: `__proto__` is a name like any other. */
function put(target: Record<string, Json>, name: string, value: Json): void {
  if (name !== '__proto__') target[name] = value;
  else Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

function chosen<Option>(options: readonly Option[], cursor: Cursor): Option {
  const option = options[cursor.length()];
  if (option === undefined) throw unreadable();
  return option;
}

/** JSON has no other numbers. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function unreadable(): RecordError {
  return new RecordError('TRG_RECORD_UNREADABLE', 'the record’s bytes are not of the schema that its id names');
}

/** Reads Avro's primitives, checking every step against the end. */
class Cursor {
  readonly #bytes: Buffer;
  at = 0;
  #depth = 0;
  #items = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = asBuffer(bytes);
  }

  /** Before each record, array and map: JSON nested deeper would be refused later, or overflow the stack now. */
  enter(): void {
    if (++this.#depth > DEPTH_MAX + 1) throw unreadable();
  }

  leave(): void {
    this.#depth--;
  }

  byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw unreadable();
    return byte;
  }

  /** A zigzag varint; a bigint when it is no safe integer. */
  long(): number | bigint {
    const { at } = this;
    const bytes = this.#bytes;
    const next = varintEnd(bytes, at, bytes.length);
    if (next === -1) throw unreadable();
    this.at = next;
    const value = readVarint(bytes, at);
    return Number.isSafeInteger(value) ? value : wideVarint(bytes, at);
  }

  /** A length, a count or an index: not negative, and no more than there could be. */
  length(): number {
    const length = this.long();
    if (typeof length === 'bigint' || length < 0) throw unreadable();
    return length;
  }

  /** How many items follow; 0: the end. A negative count is followed by the block's size, which is not needed. */
  block(): number {
    const signed = this.long();
    if (typeof signed === 'bigint') throw unreadable();
    const count = Math.abs(signed);
    this.#items += count;
    if (this.#items > ITEMS_MAX) throw unreadable();
    if (signed < 0) this.length();
    return count;
  }

  bytes(length: number): Buffer {
    const start = this.at;
    this.at += length;
    if (this.at > this.#bytes.length) throw unreadable();
    return this.#bytes.subarray(start, this.at);
  }

  text(length: number): string {
    const start = this.at;
    this.at += length;
    if (this.at > this.#bytes.length) throw unreadable();
    return this.#bytes.toString('utf8', start, this.at);
  }

  float(): number {
    return this.bytes(4).readFloatLE();
  }

  double(): number {
    return this.bytes(8).readDoubleLE();
  }
}
