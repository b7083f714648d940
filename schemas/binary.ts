// Parts of stored state, put together: what is written by a part is read by the same part.
//
// Owns: the parts, over Avro's binary encoding (avro-bytes.ts). Does not own: which of them make up a state (its owner).

import type { AvroReader, AvroWriter } from './avro-bytes.ts';
import { readList, writeList } from './avro-bytes.ts';
import { Event } from './event.ts';
import type { Json } from './json.ts';

export interface Binary<Value> {
  write(value: Value, out: AvroWriter): void;
  read(input: AvroReader): Value;
}

/** A safe integer. */
export const integer: Binary<number> = {
  write: (value, out) => out.long(value),
  read: (input) => input.long(),
};

/** A time in ms, or Infinity for what never comes, which is stored as -1. */
export const timeOrNever: Binary<number> = {
  write: (time, out) => out.long(time === Infinity ? -1 : time),
  read(input) {
    const time = input.long();
    return time < 0 ? Infinity : time;
  },
};

export const double: Binary<number> = {
  write: (value, out) => out.double(value),
  read: (input) => input.double(),
};

export const boolean: Binary<boolean> = {
  write: (value, out) => out.boolean(value),
  read: (input) => input.boolean(),
};

export const text: Binary<string> = {
  write: (value, out) => out.text(value),
  read: (input) => input.text(),
};

export const json: Binary<Json> = {
  write: (value, out) => out.text(JSON.stringify(value)),
  read: (input) => JSON.parse(input.text()),
};

export const event: Binary<Event> = {
  write: (value, out) => value.encode(out),
  read: (input) => Event.decode(input),
};

export function list<Item>(of: Binary<Item>): Binary<Item[]> {
  return {
    write: (items, out) => writeList(out, items, (item) => of.write(item, out)),
    read: (input) => readList(input, (from) => of.read(from)),
  };
}

export function nullable<Value>(of: Binary<Value>): Binary<Value | null> {
  return {
    write(value, out) {
      out.boolean(value !== null);
      if (value !== null) of.write(value, out);
    },
    read: (input) => (input.boolean() ? of.read(input) : null),
  };
}

/** The fields in the order in which they are named here. */
export function record<Value extends object>(
  fields: { readonly [Name in keyof Value]: Binary<Value[Name]> },
): Binary<Value> {
  const parts = Object.entries(fields) as unknown as readonly [keyof Value & string, Binary<unknown>][];
  return {
    write(value, out) {
      for (const [name, part] of parts) part.write(value[name], out);
    },
    read(input) {
      const value: Record<string, unknown> = {};
      for (const [name, part] of parts) value[name] = part.read(input);
      return value as Value;
    },
  };
}
