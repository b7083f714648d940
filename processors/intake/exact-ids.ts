// Ids that senders write as JSON numbers, digit for digit: beyond 2^53, and with exponents, JSON.parse() makes one number of
// several, and one person of several with it.
//
// Owns: which numbers lose digits, and finding what stood there. Does not own: which fields are ids (normalise.ts).
//
// Invariants:
//   X1. Two ids that are written as different numbers never become the same id.
//   X2. A text without such an id costs a look at its ids and nothing more: it is read again only where one is a number
//       and the text has a number that may have lost digits.

import { DEPTH_MAX, isJsonObject, isNestedWithin, type Json } from '../../schemas/json.ts';

/** A number that may not be what was written: sixteen digits or more, a fraction, an exponent. Also matches inside of strings. */
const SUSPECT = /[[:,]\s*-?(?:\d{16,}|\d+[.eE])/;

/** A number as it was written. */
class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * Puts the text of numbers that would lose digits in their place. `json`: what JSON.parse() made of `text`, and nobody else
 * has yet; `paths`: dotted paths of ids, in `json` and, where `list` names a list in it, in each of that.
 */
export function keepDigits(json: Json, text: string, paths: readonly string[], list?: string): void {
  const targets = targetsOf(json, list);
  const hasNumber = targets.some((target) => paths.some((path) => typeof valueAt(target, path) === 'number'));
  // What is nested deeper is refused by whoever reads it.
  if (!hasNumber || !SUSPECT.test(text) || !isNestedWithin(json, DEPTH_MAX)) return;
  const written = targetsOf(parseNumbersAsText(text) as Json, list);
  for (const [index, target] of targets.entries()) {
    for (const path of paths) keepAt(target, written[index], path);
  }
}

/** The value at a dotted path; undefined: nothing is there. */
export function valueAt(json: unknown, path: string): unknown {
  let value: unknown = json;
  for (const name of path.split('.')) {
    value = isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return value;
}

function targetsOf(json: Json, list: string | undefined): readonly unknown[] {
  const items = list === undefined ? undefined : valueAt(json, list);
  return Array.isArray(items) ? [json, ...items] : [json];
}

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

function parseNumbersAsText(text: string): unknown {
  const reviver: Reviver = (_key, value, { source }) => (typeof value === 'number' ? new NumberText(source!) : value);
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
}

function keepAt(target: unknown, written: unknown, path: string): void {
  const value = valueAt(target, path);
  const number = typeof value === 'number' ? valueAt(written, path) : undefined;
  if (!(number instanceof NumberText) || isExact(value as number, number.text)) return;
  const dot = path.lastIndexOf('.');
  const holder = dot < 0 ? target : valueAt(target, path.slice(0, dot));
  (holder as { [name: string]: Json })[path.slice(dot + 1)] = number.text;
}

/** Whether String(value) is as good as what was written: also 17.0 is 17. */
function isExact(value: number, text: string): boolean {
  return String(value) === text || (Number.isSafeInteger(value) && /^-?\d+(\.0+)?$/.test(text));
}

/** An id that came as a number, and is exact or has been made so by keepDigits(). */
export function idText(value: unknown): unknown {
  return typeof value === 'number' ? String(value) : value;
}
