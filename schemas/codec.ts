// Bytes <-> types: Avro by avsc, Confluent framing on topics, a version byte in state. The only importer of avsc.
//
// Owns: loading schemas/**/*.avsc, the logical types `json` and `event`, framing. Does not own: the schemas' meaning.
//
// Invariants:
//   A1. The same value gives the same bytes, on every machine and in every run.
//   A2. State written under an older version of its schema is still read: schemas/<name>.v<N>.avsc keeps version N.
//   A3. So are framed records, whatever id they carry: a new version only adds fields at the end, so that older bytes end
//       too early for it and are tried as the version before (docs/decisions/0012).

import { existsSync, readFileSync } from 'node:fs';
import avsc from 'avsc';
import { asBuffer } from '../lib/bytes.ts';
import { FatalError, RecordError } from '../lib/errors.ts';
import { AvroReader, AvroWriter } from './avro-bytes.ts';
import { Event, type EventRecord } from './event.ts';

export interface Codec<Value> {
  encode(value: Value): Uint8Array;
  /** Throws RecordError TRG_RECORD_UNREADABLE when the bytes are not of this schema. */
  decode(bytes: Uint8Array): Value;
}

/** A string that holds JSON: read and written as the value itself. */
class JsonString extends avsc.types.LogicalType {
  protected override _fromValue(text: string): unknown {
    return JSON.parse(text);
  }
  protected override _toValue(value: unknown): string {
    return JSON.stringify(value);
  }
  protected override _resolve(writer: avsc.Type): unknown {
    return asWritten(this, writer);
  }
}

/** A record Event: read and written as the class of event.ts, whose JSON parts stay bytes until asked for. */
class EventEnvelope extends avsc.types.LogicalType {
  protected override _fromValue(record: EventRecord): Event {
    return Event.fromRecord(record);
  }
  protected override _toValue(event: Event): EventRecord {
    return event.toRecord();
  }
  protected override _resolve(writer: avsc.Type): unknown {
    return asWritten(this, writer);
  }
}

/** Within an older version of a schema the same logical type reads the value; undefined: another type cannot be it. */
function asWritten(reader: avsc.Type, writer: avsc.Type): ((value: unknown) => unknown) | undefined {
  return writer.constructor === reader.constructor ? (value) => value : undefined;
}

const LOGICAL_TYPES = { json: JsonString, event: EventEnvelope };

function schemaText(name: string): string {
  return readFileSync(new URL(`./${name}.avsc`, import.meta.url), 'utf8');
}

function parse(schema: unknown): avsc.Type {
  return avsc.Type.forSchema(schema as avsc.Schema, { logicalTypes: LOGICAL_TYPES, wrapUnions: 'auto' });
}

const types = new Map<string, avsc.Type>();

function typeOf(name: string): avsc.Type {
  let type = types.get(name);
  if (type === undefined) {
    type = parse(JSON.parse(schemaText(name)));
    types.set(name, type);
  }
  return type;
}

/** The plain codec of `schemas/<name>.avsc`. */
export function avroCodec<Value>(name: string): Codec<Value> {
  const type = typeOf(name);
  return {
    encode: (value) => encodeAfter(NO_HEAD, type, value),
    decode: (bytes) => decodeWith(type, bytes, name),
  };
}

/** `schemas/<name>.avsc` as JSON without white space. */
export function schemaJson(name: string): string {
  return JSON.stringify(JSON.parse(schemaText(name)));
}

export interface FramedCodec<Value> extends Codec<Value> {
  /** encode() with the id that a registry gave the schema; undefined: with the id that encode() itself writes. */
  encoder(schemaId: number | undefined): (value: Value) => Uint8Array;
}

/** Like avroCodec, in Confluent framing: a zero byte, the schema's id (4 bytes, big-endian), the record (A3). */
export function framedCodec<Value>(name: string, localId: number): FramedCodec<Value> {
  const type = typeOf(name);
  let older: ReturnType<typeof olderVersions> | null = null;
  const encoder = (schemaId = localId): ((value: Value) => Uint8Array) => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(schemaId, 1);
    return (value) => encodeAfter(head, type, value);
  };
  return {
    encode: encoder(),
    encoder,
    decode(bytes) {
      if (bytes.length < 5 || bytes[0] !== 0) {
        throw new RecordError('TRG_RECORD_UNREADABLE', `not a framed ${name} record`, { schema: name });
      }
      const body = bytes.subarray(5);
      try {
        return decodeWith(type, body, name);
      } catch (error) {
        for (const read of (older ??= olderVersions(name, type))) {
          const value = read(body) as Value | undefined;
          if (value !== undefined) return value;
        }
        throw error;
      }
    },
  };
}

/** Readers of the versions before, newest first: the value as of the present one, undefined when the bytes do not fit. */
function olderVersions(name: string, type: avsc.Type): readonly ((bytes: Uint8Array) => unknown)[] {
  const readers: ((bytes: Uint8Array) => unknown)[] = [];
  for (let version = 1; existsSync(new URL(`./${name}.v${version}.avsc`, import.meta.url)); version++) {
    const resolver = type.createResolver(typeOf(`${name}.v${version}`));
    readers.unshift((bytes) => {
      try {
        return type.fromBuffer(asBuffer(bytes), resolver as never);
      } catch {
        return undefined;
      }
    });
  }
  return readers;
}

/** Writes and reads records one after the other, in somebody's bytes. */
export interface RecordCodec<Value> {
  write(value: Value, out: AvroWriter): void;
  read(input: AvroReader): Value;
}

/**
 * The codec of `schemas/<name>.avsc` as a state document: one byte with the schema's version, then the record (A2). Its read()
 * takes what this or an older version wrote, and throws FatalError: TRG_STATE_MISMATCH for a version that is not known,
 * TRG_STATE_CORRUPT for other bytes. `own`: writes and reads the present version's record, the same
 * bytes as the schema's, for documents that are written too often to be put into the schema's records first. `upgrade`: where
 * the schema of `upgrade.version`, and of those before it, has no default for what came later: what it read becomes a value.
 */
export function stateCodec<Value>(
  name: string,
  own?: RecordCodec<Value>,
  upgrade?: { readonly version: number; readonly to: (stored: unknown) => Value },
): RecordCodec<Value> {
  const type = typeOf(name);
  const version: number = JSON.parse(schemaText(name)).version;
  const present: RecordCodec<Value> = own ?? partOf(type);
  const readable = (writtenBy: number): avsc.Type =>
    upgrade !== undefined && writtenBy <= upgrade.version ? typeOf(`${name}.v${upgrade.version}`) : type;
  const older = new Map<number, { type: avsc.Type; resolver: unknown }>();

  function readOlder(writtenBy: number, input: AvroReader): Value {
    let entry = older.get(writtenBy);
    if (entry === undefined) {
      const file = `${name}.v${writtenBy}`;
      if (!existsSync(new URL(`./${file}.avsc`, import.meta.url))) {
        throw new FatalError(
          'TRG_STATE_MISMATCH',
          `state of schema ${name} version ${writtenBy} cannot be read by this version, which knows up to ${version}` +
            (writtenBy > version ? ': a newer Tripline wrote it; run that one' : ''),
          { schema: name, version: writtenBy },
        );
      }
      const reader = readable(writtenBy);
      const writer = typeOf(file);
      // Of a schema with itself the library makes a resolver that it cannot use.
      entry = { type: reader, resolver: writer === reader ? undefined : reader.createResolver(writer) };
      older.set(writtenBy, entry);
    }
    const bytes = input.bytes.subarray(input.at, input.end);
    const value = entry.type.fromBuffer(bytes, entry.resolver as never, false);
    if (entry.type !== type) return upgrade!.to(value);
    return own === undefined ? (value as Value) : own.read(new AvroReader().over(type.toBuffer(value)));
  }

  return {
    write(value, out) {
      out.byte(version);
      present.write(value, out);
    },
    read(input) {
      try {
        const writtenBy = input.byte();
        return writtenBy === version ? present.read(input) : readOlder(writtenBy, input);
      } catch (error) {
        if (error instanceof FatalError) throw error;
        // No fault of the record that asked for it, which therefore is no dead letter.
        const text = `stored bytes are no document of schema ${name}; delete the task's folder to have it rebuilt`;
        throw new FatalError('TRG_STATE_CORRUPT', text, { schema: name }, error);
      }
    },
  };
}

function partOf<Value>(type: avsc.Type): RecordCodec<Value> {
  return {
    write: (value, out) => writeAs(type, value, out),
    read(input) {
      const { value, offset } = type.decode(input.bytes, input.at);
      if (offset < 0 || offset > input.end) throw new RangeError('the bytes end too early');
      input.at = offset;
      return value as Value;
    },
  };
}

function writeAs(type: avsc.Type, value: unknown, out: AvroWriter): void {
  let end = type.encode(value, out.bytes, out.length);
  if (end < 0) {
    // Less than nothing is how many bytes were missing.
    out.reserve(out.bytes.length - out.length - end);
    end = type.encode(value, out.bytes, out.length);
  }
  out.length = end;
}

const NO_HEAD = new Uint8Array(0);
/** Where values are encoded before they are copied to a buffer of their size: one allocation instead of three. */
const scratch = new AvroWriter();

/** The head and then the value, in a buffer of its own. */
function encodeAfter(head: Uint8Array, type: avsc.Type, value: unknown): Buffer {
  scratch.clear();
  scratch.raw(head);
  writeAs(type, value, scratch);
  return scratch.copy();
}

function decodeWith<Value>(type: avsc.Type, bytes: Uint8Array, name: string): Value {
  try {
    return type.fromBuffer(asBuffer(bytes)) as Value;
  } catch (cause) {
    throw new RecordError('TRG_RECORD_UNREADABLE', `bytes are not a ${name} record`, { schema: name }, cause);
  }
}
