// What Avro's logical types become as JSON. docs/sources.md has the table for users.
//
// Invariants:
//   L1. A value out of a logical type's range keeps its plain form, so that it is seen and not lost.

import { RecordError } from '../lib/errors.ts';
import type { Json } from './json.ts';

/** What was read of the type beneath: a whole number, or bytes. */
type Raw = number | bigint | Buffer;

interface LogicalJson {
  /** Avro types that it may stand on. */
  readonly from: readonly string[];
  readonly toJson: (raw: Raw, scale: number) => Json;
}

const DAY_MS = 86_400_000;
/** The last ms that a Date can hold. */
const TIME_MAX = 8.64e15;
/** Longer ones take long to write as digits, and no number has as many. */
const DECIMAL_BYTES_MAX = 64;

const utc = (ms: number): string => new Date(ms).toISOString();
const local = (ms: number): string => utc(ms).slice(0, -1);
const day = (ms: number): string => utc(ms).slice(0, 10);
const timeOfDay = (ms: number): string => utc(ms).slice(11, -1);

export const LOGICAL_JSON: Readonly<Record<string, LogicalJson>> = {
  'timestamp-millis': time(['long'], 1n, utc),
  'timestamp-micros': time(['long'], 1_000n, utc),
  'timestamp-nanos': time(['long'], 1_000_000n, utc),
  'local-timestamp-millis': time(['long'], 1n, local),
  'local-timestamp-micros': time(['long'], 1_000n, local),
  'local-timestamp-nanos': time(['long'], 1_000_000n, local),
  'time-millis': time(['int'], 1n, timeOfDay, DAY_MS),
  'time-micros': time(['long'], 1_000n, timeOfDay, DAY_MS),
  date: { from: ['int'], toJson: (raw) => inRange(Number(raw) * DAY_MS, TIME_MAX, day) ?? toJsonNumber(raw) },
  decimal: { from: ['bytes', 'fixed'], toJson: (raw, scale) => decimal(raw as Buffer, scale) },
};

/** A number where JSON readers keep it exactly; else its digits. */
export function toJsonNumber(raw: Raw): Json {
  return typeof raw === 'number' ? raw : raw.toString();
}

function time(from: readonly string[], perMs: bigint, text: (ms: number) => string, end = TIME_MAX): LogicalJson {
  return { from, toJson: (raw) => inRange(wholeMs(raw, perMs), end, text) ?? toJsonNumber(raw) };
}

function inRange(ms: number, end: number, text: (ms: number) => string): string | null {
  const least = end === TIME_MAX ? -TIME_MAX : 0;
  return ms >= least && ms <= end ? text(ms) : null;
}

/** Rounded down, also before 1970. */
function wholeMs(raw: Raw, perMs: bigint): number {
  if (perMs === 1n) return Number(raw);
  const units = BigInt(raw as number | bigint);
  const ms = units / perMs;
  return Number(units % perMs < 0n ? ms - 1n : ms);
}

/** The nearest number; big-endian two's complement, times ten to the minus `scale`. */
function decimal(bytes: Buffer, scale: number): number {
  if (bytes.length === 0) return 0;
  if (bytes.length > DECIMAL_BYTES_MAX) {
    throw new RecordError('TRG_RECORD_UNREADABLE', `a decimal has ${bytes.length} bytes, at most ${DECIMAL_BYTES_MAX}`);
  }
  const unscaled = BigInt.asIntN(8 * bytes.length, BigInt(`0x${bytes.toString('hex')}`));
  return Number(`${unscaled}e${-scale}`);
}
