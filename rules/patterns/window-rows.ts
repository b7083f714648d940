// The rows of a sliding window: the values of its events, in bounded form.
//
// Owns: rows in order of time, what of them can be forgotten or put together.
//
// Invariants:
//   W1. A row is one event, exact to the millisecond, as long as there are at most ROWS_MAX rows.
//   W2. Beyond that, neighbours within one step of the window (a STEPSth of it) become one row with the time of the
//       newest: the window is then exact at the resolution of a step. So rows never exceed ROWS_MAX.
//   W3. A row that no window of an event still expected can need is forgotten: those expired, and for min, max and last
//       those behind a later row that always stands for them.

import * as binary from '../../schemas/binary.ts';
import type { StateCodec } from '../../schemas/section.ts';

/** Three columns, a row for each event or, where there are many, for each bucket of them; in order of time. */
export interface AggregateState {
  readonly kind: 'aggregate';
  times: number[];
  values: number[];
  /** Events in each row; empty where every row is one event. */
  counts: number[];
}

const columns = binary.record<Omit<AggregateState, 'kind'>>({
  times: binary.list(binary.integer),
  values: binary.list(binary.double),
  counts: binary.list(binary.integer),
});

export const aggregateState: StateCodec<AggregateState> = {
  kind: 'aggregate',
  version: 1,
  write: columns.write,
  read: (input) => ({ kind: 'aggregate', ...columns.read(input) }),
};

/** 64 KB a document at most; a window of an hour has one event in 3.6 s then. */
const ROWS_MAX = 1_000;
/** After rows were put together at most this many, and one more at each end, are left: half, so that it is done seldom. */
const STEPS = 500;

export type Summary = 'sum' | 'avg' | 'min' | 'max' | 'last';

export interface WindowBounds {
  readonly withinMs: number;
  /** How far behind the newest event one may come. */
  readonly reorderMs: number;
}

/** How many rows are stamped at or before `time`. */
export function endAt({ times }: AggregateState, time: number): number {
  let index = times.length;
  while (index > 0 && times[index - 1]! > time) index--;
  return index;
}

/** Puts a row of one event at this place. */
export function addRow(rows: AggregateState, place: number, time: number, value: number): void {
  rows.times.splice(place, 0, time);
  rows.values.splice(place, 0, value);
  if (rows.counts.length > 0) rows.counts.splice(place, 0, 1);
}

/** The figure of the rows from `from` up to `end`; null when there are none. Sums are taken in order of time. */
export function figureIn(
  { values, counts }: AggregateState,
  from: number,
  end: number,
  summary: Summary,
): number | null {
  if (from >= end) return null;
  if (summary === 'last') return values[end - 1]!;
  let figure = summary === 'min' ? Infinity : summary === 'max' ? -Infinity : 0;
  let count = 0;
  for (let index = from; index < end; index++) {
    const value = values[index]!;
    if (summary === 'min') figure = Math.min(figure, value);
    else if (summary === 'max') figure = Math.max(figure, value);
    else figure += value;
    count += counts[index] ?? 1;
  }
  return summary === 'avg' ? figure / count : figure;
}

/** Forgets and puts together what W2 and W3 say. */
export function forgetRows(rows: AggregateState, summary: Summary, bounds: WindowBounds): void {
  const settled = rows.times.at(-1)! - bounds.reorderMs;
  const expired = endAt(rows, settled - bounds.withinMs);
  if (expired > 0) keepRows(rows, (index) => index >= expired);
  if (summary === 'last') forgetBehind(rows, settled, () => true);
  if (summary === 'min') forgetBehind(rows, settled, (value, later) => value >= later);
  if (summary === 'max') forgetBehind(rows, settled, (value, later) => value <= later);
  if (rows.times.length > ROWS_MAX) putTogether(rows, summary, bounds.withinMs);
}

/** Forgets rows before a settled one that stands for them: no window ends between the two any more. */
function forgetBehind(rows: AggregateState, settled: number, stands: (value: number, later: number) => boolean): void {
  const { values } = rows;
  const settledEnd = endAt(rows, settled);
  if (settledEnd < 2) return;
  const kept: number[] = [];
  for (let index = 0; index < settledEnd; index++) {
    while (kept.length > 0 && stands(values[kept.at(-1)!]!, values[index]!)) kept.pop();
    kept.push(index);
  }
  if (kept.length === settledEnd) return;
  const wanted = new Set(kept);
  keepRows(rows, (index) => index >= settledEnd || wanted.has(index));
}

function keepRows(rows: AggregateState, wanted: (index: number) => boolean): void {
  rows.times = rows.times.filter((_, index) => wanted(index));
  rows.values = rows.values.filter((_, index) => wanted(index));
  if (rows.counts.length > 0) rows.counts = rows.counts.filter((_, index) => wanted(index));
}

/** W2. Steps are counted from 1970, so that which events share one does not depend on which came before them. */
function putTogether(rows: AggregateState, summary: Summary, withinMs: number): void {
  const stepMs = Math.max(1, Math.ceil(withinMs / STEPS));
  const merged: AggregateState = { kind: 'aggregate', times: [], values: [], counts: [] };
  let step = Number.NaN;
  for (const [index, time] of rows.times.entries()) {
    const value = rows.values[index]!;
    const count = rows.counts[index] ?? 1;
    const last = merged.times.length - 1;
    if (Math.floor(time / stepMs) === step) {
      merged.times[last] = time;
      merged.values[last] = together(summary, merged.values[last]!, value);
      merged.counts[last]! += count;
    } else {
      step = Math.floor(time / stepMs);
      merged.times.push(time);
      merged.values.push(value);
      merged.counts.push(count);
    }
  }
  rows.times = merged.times;
  rows.values = merged.values;
  rows.counts = merged.counts.some((count) => count > 1) ? merged.counts : [];
}

function together(summary: Summary, earlier: number, later: number): number {
  if (summary === 'min') return Math.min(earlier, later);
  if (summary === 'max') return Math.max(earlier, later);
  return summary === 'last' ? later : earlier + later;
}
