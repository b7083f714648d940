// The patterns as plain statements about one entity's events, by looking at every pair of them. No state, no timers.
//
// Owns: which matches there are and in which order they are found. Does not own: gates, lateness (oracle.ts).
//
// The sentences of rules.md ("Exact meaning", "Windows, absence, sessions") that this file is:
//   M1. event: "on each matching event".
//   M2. absence: "at after + within, if no `of` came in (after, after + within]"; "an absence's `of` stamped with the
//       very time of the `after` does not cancel"; "stamped exactly at the deadline wins".
//   M3. restart latest: "a new `after` restarts the clock"; "with `latest`, an `after` at the deadline still restarts".
//       each: "every `after` has its own". first: "a `first` clock stops when it fires or is cancelled, and the next
//       `after` later than that starts a new one"; later means later in the order of evaluation, so the event that
//       cancels never starts, and an `after` stamped at the deadline comes before the firing and does not start either.
//   M4. inactive: "when the entity has had no such event for that long; once per silence"; "starts with the first event
//       seen", which is the first that the pattern names. An event at the deadline ends the silence in time.
//   M5. count: "taken just before the arriving event, at its time, after expiry; below the bound then and reaching it
//       with the event, the rule fires"; "a sliding window of D at t is (t - D, t]".
//   M6. by: "every event is seen only by its own value's state; an event without a value is not seen by that rule".
//   M7. events: "for absence the `after` event; for inactivity the last event seen; for count those in the window", "in
//       event-time order".
//   M8. "Equal event times of one entity are taken in input order; a timer due at t fires after the events stamped t";
//       deadlines of one rule at the same time fire in the order of the events that began them.

import { either, together } from './compounds.ts';
import { counts, crossings, departures, excursions } from './figures.ts';
import { captured, fits, matchAt, type OracleMatch, type Placed, valueText } from './match.ts';
import { changes, moments } from './profiles.ts';
import { asPattern, byOf, durationMs, innerOf, listOf, type OracleEvent, type OracleRule, type When } from './rule.ts';
import { sequences } from './sequences.ts';
import { sessions } from './sessions.ts';

/** All matches of the rule in one entity's events, given in the order of evaluation, in the order they are found. */
export function matchesOf(rule: OracleRule, events: readonly OracleEvent[]): OracleMatch[] {
  const all = events.map((event, place) => ({ event, place }));
  const matches = partition(rule, events).flatMap((group) => matchesOfGroup(rule.when, group, all));
  // Deadlines of one rule are mostly all equally far from the event that began them: this is their order in time too.
  if (!isMixed(rule.when)) return matches.sort((a, b) => a.place - b.place);
  const isCompound = 'all' in rule.when || 'any' in rule.when;
  return matches.sort((a, b) => a.at - b.at || Number(a.due) - Number(b.due) || (isCompound ? 0 : a.place - b.place));
}

/** Patterns that find matches both ways, or at deadlines that are not equally far from their beginning. */
function isMixed(when: When): boolean {
  return (
    ['baseline', 'at', 'all', 'any', 'session'].some((name) => name in when) ||
    ('count' in when && when.count.atMost !== undefined)
  );
}

/** The events of each value of `by` (M6). */
function partition(rule: OracleRule, events: readonly OracleEvent[]): Placed[][] {
  const placed = events.map((event, place) => ({ event, place }));
  const by = byOf(rule);
  if (by === undefined) return [placed];
  const groups = new Map<string, Placed[]>();
  for (const one of placed) {
    const value = valueText(by, { event: one.event });
    if (value === undefined) continue;
    groups.set(value, [...(groups.get(value) ?? []), one]);
  }
  return [...groups.values()];
}

/** `all` are the entity's events, `group` those of one value of `by`. */
function matchesOfGroup(when: When, group: readonly Placed[], all: readonly Placed[]): OracleMatch[] {
  if ('absence' in when) return absences(when.absence, group);
  if ('inactive' in when) return silences(when.inactive, group);
  if ('count' in when) return counts(when.count, group);
  if ('aggregate' in when) return crossings(when.aggregate, group);
  if ('threshold' in when) return excursions(when.threshold, group);
  if ('baseline' in when) return departures(when.baseline, group);
  if ('change' in when) return changes(when.change, group, all);
  if ('at' in when) return moments(when.at, group, all);
  if ('session' in when) return sessions(when.session, group);
  if ('sequence' in when) return sequences(when.sequence, group);
  if ('all' in when || 'any' in when) {
    const inner = innerOf(when).map((one) => matchesOfGroup(one, group, all));
    const timeOf = (id: string): number => group.find(({ event }) => event.messageId === id)!.event.time;
    return 'all' in when ? together(when.within, inner, timeOf) : either(when.within, inner);
  }
  return group.filter(({ event }) => fits(when, event)).map((one) => matchAt(one, one.event.time, when.as));
}

type AbsencePattern = Extract<OracleRule['when'], { absence: unknown }>['absence'];

function absences(pattern: AbsencePattern, group: readonly Placed[]): OracleMatch[] {
  const within = durationMs(pattern.within);
  const starts = group.filter(({ event }) => fits(pattern.after, event));

  const cancellation = (start: Placed): Placed | undefined =>
    group.find(({ event }) => {
      const inWindow = event.time > start.event.time && event.time <= start.event.time + within;
      const captures = captured(pattern.after.as, start.event);
      return inWindow && listOf(pattern.of).some((one) => fits(asPattern(one), event, captures));
    });
  const fire = (start: Placed): OracleMatch => matchAt(start, start.event.time + within, pattern.after.as);

  if (pattern.restart === 'first') {
    const fired: OracleMatch[] = [];
    let next = starts[0];
    while (next !== undefined) {
      const start: Placed = next;
      const cancel = cancellation(start);
      if (cancel === undefined) fired.push(fire(start));
      const over = (one: Placed): boolean =>
        cancel === undefined ? one.event.time > start.event.time + within : one.place > cancel.place;
      next = starts.find(over);
    }
    return fired;
  }
  return starts
    .filter((start, index) => {
      const after = starts[index + 1];
      const restarted = after !== undefined && after.event.time <= start.event.time + within;
      return (pattern.restart === 'each' || !restarted) && cancellation(start) === undefined;
    })
    .map(fire);
}

type InactivePattern = Extract<OracleRule['when'], { inactive: unknown }>['inactive'];

function silences(pattern: InactivePattern, group: readonly Placed[]): OracleMatch[] {
  const forMs = durationMs(pattern.for);
  const seen = group.filter(({ event }) => fits({ ...pattern, event: pattern.event ?? '*' }, event));
  return seen
    .filter((last, index) => {
      const next = seen[index + 1];
      return next === undefined || next.event.time > last.event.time + forMs;
    })
    .map((last) => matchAt(last, last.event.time + forMs));
}
