// CEL values as JSON and as text.

import { formatDuration } from '../../lib/duration.ts';
import { Event } from '../../schemas/event.ts';
import type { Json } from '../../schemas/json.ts';
import { isCelDuration } from './functions.ts';

/** Deeper than this, values are left out: an event nests no further. */
const DEPTH_MAX = 32;

/** What a value may hold: as much as the largest event. */
const SIZE_MAX = 1_000_000;

/**
 * Whole numbers become numbers, timestamps ISO 8601, durations text such as 4h; what JSON lacks becomes null. Throws
 * RangeError when the value is too large, as a list of many equal lists can be.
 */
export function jsonOfValue(value: unknown): Json {
  let size = 0;
  const jsonOf = (value: unknown, depth: number): Json => {
    size += typeof value === 'string' ? value.length : 1;
    if (size > SIZE_MAX) throw new RangeError('the value is too large');
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        return Number.isFinite(value) ? value : null;
      case 'bigint':
        return Number(value);
      case 'object':
        return value === null || depth > DEPTH_MAX ? null : jsonOfObject(value, (item) => jsonOf(item, depth + 1));
      default:
        return null;
    }
  };
  return jsonOf(value, 0);
}

function jsonOfObject(value: object, jsonOf: (item: unknown) => Json): Json {
  if (Array.isArray(value) || value instanceof Set) return Array.from(value, jsonOf);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Event) return value.toJson();
  if (isCelDuration(value)) {
    const ms = Number(value.getMilliseconds());
    return ms < 0 ? `-${formatDuration(-ms)}` : formatDuration(ms);
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  const entries = value instanceof Map ? [...value] : isPlain(value) ? Object.entries(value) : null;
  // CEL's uint and type have their value as text.
  if (entries === null) return String(value);
  return Object.fromEntries(entries.map(([name, item]) => [String(name), jsonOf(item)]));
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A value's JSON, by which 1 and 1.0 are one and 1 and "1" are two; null when there is no value. */
export function textOfValue(value: unknown): string | null {
  const json = jsonOfValue(value);
  return json === null ? null : JSON.stringify(json);
}
