// The patterns over figures as plain statements about one entity's events: every window is looked at as a whole.
//
// Owns: count with `distinct` and `atMost`, aggregate, threshold, baseline. Does not own: gates, lateness (oracle.ts).
//
// The sentences (docs/rules.md) that this file is:
//   F1. distinct: as count, over the different values in the window; the match names the newest event of each.
//   F2. atMost: "at the moment at which the number, having been above, is so no more", after the events stamped then.
//   F3. aggregate: "the figure just before the event, at its time, was not beyond the bound, and with the event it is";
//       no events, no figure; an event without a number is not seen.
//   F4. threshold: an excursion begins beyond the bound and ends at `clear` or behind it; with `for`, "a reading stamped
//       with the deadline that ends it wins". A reading stamped before the newest one is passed over.
//   F5. baseline: windows (start + k * window, start + (k + 1) * window], the first with its beginning, over from the
//       first event on, or from the first after all of them were empty.

import { EvaluationError, evaluate } from './expression.ts';
import { fits, matchAt, type OracleMatch, type Placed, valueText } from './match.ts';
import { durationMs } from './rule.ts';
import type { AggregateBody, BaselineBody, CountBody, ThresholdBody } from './rule-bodies.ts';

/** The time of a match that comes by a deadline, which takes the place of the events until then. */
const idsInTime = (list: readonly Placed[]): string[] =>
  [...list].sort((a, b) => a.event.time - b.event.time).map(({ event }) => event.messageId);

function numberOf(expression: string, one: Placed): number | undefined {
  try {
    const value = evaluate(expression, { event: one.event });
    return typeof value === 'number' ? value : undefined;
  } catch (error) {
    if (error instanceof EvaluationError) return undefined;
    throw error;
  }
}

export function counts(body: CountBody, group: readonly Placed[]): OracleMatch[] {
  const { distinct } = body;
  const keyOf = (one: Placed): string =>
    distinct === undefined ? String(one.place) : valueText(distinct, { event: one.event })!;
  const seen = group.filter(
    (one) =>
      fits(body, one.event) && (distinct === undefined || valueText(distinct, { event: one.event }) !== undefined),
  );
  return body.atMost === undefined ? rises(body, body.atLeast!, seen, keyOf) : falls(body, body.atMost, seen, keyOf);
}

/** Of each value the newest: later in time, or of equal times later in order of evaluation. */
function newestOfEach(list: readonly Placed[], keyOf: (one: Placed) => string): Placed[] {
  const inTime = [...list].sort((a, b) => a.event.time - b.event.time);
  return inTime.filter((one, index) => !inTime.slice(index + 1).some((later) => keyOf(later) === keyOf(one)));
}

function rises(
  body: CountBody,
  atLeast: number,
  seen: readonly Placed[],
  keyOf: (one: Placed) => string,
): OracleMatch[] {
  const within = durationMs(body.within);
  return seen.flatMap((one, index) => {
    const { time } = one.event;
    const before = seen.slice(0, index).filter(({ event }) => event.time > time - within && event.time <= time);
    const values = new Set(before.map(keyOf));
    if (values.size !== atLeast - 1 || values.has(keyOf(one))) return [];
    return [{ ...matchAt(one, time), events: idsInTime(newestOfEach([...before, one], keyOf)) }];
  });
}

/** Events in order of time (event-time lane, or arrival in order). */
function falls(
  body: CountBody,
  atMost: number,
  seen: readonly Placed[],
  keyOf: (one: Placed) => string,
): OracleMatch[] {
  const within = durationMs(body.within);
  const inWindow = (end: number): Placed[] =>
    seen.filter(({ event }) => event.time > end - within && event.time <= end);
  const numberAt = (end: number): number => new Set(inWindow(end).map(keyOf)).size;
  // The number changes only at events and when they leave the window; whether it was above is asked after each event.
  const moments = [...new Set(seen.flatMap(({ event }) => [event.time, event.time + within]))].sort((a, b) => a - b);
  const matches: OracleMatch[] = [];
  let above = false;
  for (const moment of moments) {
    const number = numberAt(moment);
    if (above && number <= atMost) {
      const last = seen.findLast(({ event }) => event.time <= moment)!;
      matches.push({ ...matchAt(last, moment), due: true, events: idsInTime(newestOfEach(inWindow(moment), keyOf)) });
    }
    above = number > atMost;
  }
  return matches;
}

const SUMMARIES = ['sum', 'avg', 'min', 'max', 'last'] as const;

export function crossings(body: AggregateBody, group: readonly Placed[]): OracleMatch[] {
  const summary = SUMMARIES.find((name) => body[name] !== undefined)!;
  const within = durationMs(body.within);
  const seen = group.filter((one) => fits(body, one.event) && numberOf(body[summary]!, one) !== undefined);
  const figure = (list: readonly Placed[]): number | undefined => {
    const values = [...list].sort((a, b) => a.event.time - b.event.time).map((one) => numberOf(body[summary]!, one)!);
    if (values.length === 0) return undefined;
    const sum = values.reduce((total, value) => total + value, 0);
    if (summary === 'sum') return sum;
    if (summary === 'avg') return sum / values.length;
    if (summary === 'last') return values.at(-1);
    return summary === 'min' ? Math.min(...values) : Math.max(...values);
  };
  return seen.flatMap((one, index) => {
    const { time } = one.event;
    const before = seen.slice(0, index).filter(({ event }) => event.time > time - within && event.time <= time);
    return isBeyond(body, figure([...before, one])) && !isBeyond(body, figure(before)) ? [matchAt(one, time)] : [];
  });
}

function isBeyond({ above, below }: { above?: number; below?: number }, figure: number | undefined): boolean {
  if (figure === undefined) return false;
  return above === undefined ? figure < below! : figure > above;
}

export function excursions(body: ThresholdBody, group: readonly Placed[]): OracleMatch[] {
  const clear = body.clear ?? body.above ?? body.below!;
  const hold = body.for === undefined ? 0 : durationMs(body.for);
  const valued = group.filter((one) => fits(body, one.event) && numberOf(body.value, one) !== undefined);
  const readings = valued.filter(
    (one, index) => !valued.slice(0, index).some((other) => other.event.time > one.event.time),
  );
  const value = (one: Placed): number => numberOf(body.value, one)!;
  const isBack = (one: Placed): boolean => (body.above === undefined ? value(one) >= clear : value(one) <= clear);

  const matches: OracleMatch[] = [];
  let index = 0;
  while (index < readings.length) {
    const start = readings[index]!;
    if (!isBeyond(body, value(start))) {
      index++;
      continue;
    }
    const end = readings.findIndex((one, place) => place > index && isBack(one));
    const deadline = start.event.time + hold;
    if (hold === 0 || end < 0 || readings[end]!.event.time > deadline) matches.push(matchAt(start, deadline));
    if (end < 0) break;
    index = end + 1;
  }
  return matches;
}

/** Events in order of time. */
export function departures(body: BaselineBody, group: readonly Placed[]): OracleMatch[] {
  const seen = group.filter((one) => fits(body, one.event));
  const matches: OracleMatch[] = [];
  let first = 0;
  while (first < seen.length) first = departuresFrom(body, seen, first, matches);
  return matches.sort((a, b) => a.at - b.at);
}

/** Plays the windows that begin with this event; the place of the first event after all windows were empty. */
function departuresFrom(body: BaselineBody, seen: readonly Placed[], first: number, matches: OracleMatch[]): number {
  const window = durationMs(body.window);
  const start = seen[first]!.event.time;
  const dropTo = body.dropBy === undefined ? -1 : 100 - Number(body.dropBy.replace('%', ''));
  const riseTo = body.riseBy === undefined ? Infinity : 100 + Number(body.riseBy.replace('%', ''));
  const inWindow = (k: number): Placed[] =>
    seen.slice(first).filter(({ event }) => {
      const from = start + k * window;
      return (event.time > from || (k === 0 && event.time === from)) && event.time <= from + window;
    });
  let dropped = false;
  let risen = false;
  for (let k = 0; ; k++) {
    const own = inWindow(k);
    const before = Array.from({ length: body.against }, (_, i) => (i < k ? inWindow(k - 1 - i).length : undefined));
    const total = before.includes(undefined) ? 0 : before.reduce<number>((sum, count) => sum + count!, 0);
    const isRise = (count: number): boolean => total > 0 && count * body.against * 100 >= total * riseTo;
    const isDrop = (count: number): boolean => total > 0 && count * body.against * 100 <= total * dropTo;
    const rising = own.findIndex((_, place) => isRise(place + 1));
    if (rising >= 0 && !risen) matches.push(matchAt(own[rising]!, own[rising]!.event.time));
    risen = isRise(own.length);
    const end = start + (k + 1) * window;
    if (isDrop(own.length) && !dropped) {
      const last = seen.findLast(({ event }) => event.time <= end)!;
      // Of windows that end together, for several values of `by`, the one that began first comes first.
      matches.push({ ...matchAt(last, end), due: true, place: seen[first]!.place });
    }
    dropped = isDrop(own.length);
    const known = Array.from({ length: body.against }, (_, i) => (k - i >= 0 ? inWindow(k - i).length : 0));
    if (known.every((count) => count === 0)) {
      const next = seen.findIndex((one, place) => place > first && one.event.time > end);
      return next < 0 ? seen.length : next;
    }
  }
}
