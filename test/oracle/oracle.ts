// The oracle: what a set of rules must decide on a stream of events, by brute force, written from docs/rules.md and docs/design.md
// and sharing no code with the engine.
//
// Owns: duplicates, lanes, lateness, gates, order of the answer. Does not own: patterns (patterns.ts), expressions.
//
// The sentences that this file is:
//   O1. "Duplicates are recognised by `messageId` per entity within `dedupeWindow` (bounded per entity)": an event is
//       one when, among the entity's last `dedupeMax` accepted events, one of the same messageId is at most
//       `dedupeWindow` older than the newest event time seen of the entity, this event included. Events that no rule
//       names leave no trace: they are not among those accepted, and theirs is no newest time.
//   O2. Arrival: "evaluated the moment the event is read". Event time: "evaluated in event-time order (ties: input
//       order) once stream time passes them"; the defaults are by pattern.
//   O3. Stream time after each read is the highest event time read less `outOfOrderness` and 1 ms; after the last,
//       `endOfTime`. It never goes back.
//   O4. "An event is late only if its own entity has already been evaluated past it": a later event of the entity was
//       evaluated, or a timer of it at or after the event's time has fired ("a timer due at t fires after the events
//       stamped t"). "It is then not evaluated by event-time rules"; arrival rules see it.
//   O5. Events that no event-time rule names are not evaluated in that lane: they are never late and make none late.
//   O6. "The gates run in a fixed order, the first that says no is the reason": enabled, global hold-out, condition, cooldown,
//       limit.
//   O7. "cooldown: counted from the last *fired* decision at t; allowed again at t + D or later", apart per key.
//   O8. "limit: at most `max` fired decisions in any sliding `per`", (t - per, t]: any such window, also one that ends
//       after a decision made out of order.
//   O9. "`at` of a decision is event time"; lines are ordered by (at, entity, rule), equal ones as they were made.
//   O10. "the first 8 hex digits of the SHA-256 of `hold-out`, a zero byte, `group` and its name, a zero byte, the entity's type,
//       `/` and its id, as a share of 2^32": whoever lies below the share is held out.

import { createHash } from 'node:crypto';
import { holds } from './expression.ts';
import { type OracleMatch, valueText } from './match.ts';
import { matchesOf } from './patterns.ts';
import {
  concerns,
  durationMs,
  hasDeadline,
  laneOf,
  type OracleEvent,
  type OracleRule,
  readsProfile,
  refuseUnmodelled,
} from './rule.ts';

export type { OracleEvent, OracleRule } from './rule.ts';

export interface OracleOptions {
  /** Parsed YAML. */
  readonly rules: readonly OracleRule[];
  /** In the order of input. */
  readonly events: readonly OracleEvent[];
  /** Stream time at the end, ms: deadlines at or before it fire. */
  readonly endOfTime: number;
  readonly outOfOrdernessMs: number;
  readonly dedupeWindowMs: number;
  readonly dedupeMax: number;
  /** As parsed YAML; left out: nobody is held out. */
  readonly holdouts?: readonly OracleHoldout[];
}

export interface OracleHoldout {
  readonly group: string;
  readonly share: string;
  readonly exempt?: readonly string[];
}

/** A line of decisions.jsonl as far as rules and events determine it; `at` in ms. */
export interface OracleDecision {
  readonly rule: string;
  readonly entity: string;
  readonly at: number;
  readonly outcome: 'fired' | 'suppressed';
  readonly reason: 'disabled' | 'global-holdout' | 'condition' | 'cooldown' | 'limit' | null;
  readonly events: readonly string[];
}

/** An event that event-time rules missed, with those that name it. */
export interface OracleLate {
  readonly messageId: string;
  readonly entity: string;
  readonly rules: readonly string[];
}

export interface OracleAnswer {
  readonly decisions: readonly OracleDecision[];
  /** In order of input, as `duplicates`, which holds the messageIds. */
  readonly late: readonly OracleLate[];
  readonly duplicates: readonly string[];
}

/** Throws on rules it does not model, and on deadline rules in the arrival lane over events out of order. */
export function decide(options: OracleOptions): OracleAnswer {
  for (const rule of options.rules) refuseUnmodelled(rule);
  const { accepted: places, duplicates } = withoutDuplicates(options);
  const accepted = options.events.filter((_, place) => places.has(place));
  refuseDisorder(options.rules, accepted);
  const { timely, late, end } = withoutLate(options, places);
  const entities = [...new Set(accepted.map((event) => event.userId))];
  const ofEntity = (events: readonly OracleEvent[], entity: string): OracleEvent[] =>
    events.filter((event) => event.userId === entity);

  const decisions: OracleDecision[] = [];
  for (const entity of entities) {
    const arrived = ofEntity(accepted, entity);
    const ordered = inTimeOrder(ofEntity(timely, entity)).filter((event) => event.time <= end);
    for (const rule of options.rules) {
      const matches = matchesOf(rule, laneOf(rule) === 'arrival' ? arrived : ordered);
      const due = matches.filter((match) => !hasDeadline(rule) || match.at <= end);
      decisions.push(...gated(rule, entity, due, options.holdouts ?? []));
    }
  }
  const text = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  decisions.sort((a, b) => a.at - b.at || text(a.entity, b.entity) || text(a.rule, b.rule));
  return { decisions, late, duplicates };
}

/** Sorting is stable, so ties keep their order of input. */
function inTimeOrder(events: readonly OracleEvent[]): OracleEvent[] {
  return [...events].sort((a, b) => a.time - b.time);
}

/** What the profile is told is told in order of time, to all rules: it is evaluated in that lane, and never late. */
function setsProfile(rules: readonly OracleRule[], event: OracleEvent): boolean {
  return event.type === 'identify' && rules.some((rule) => readsProfile(rule.when));
}

/** Places in the input of the accepted events; one object may well stand there twice. */
function withoutDuplicates(options: OracleOptions): { accepted: Set<number>; duplicates: string[] } {
  const accepted = new Set<number>();
  const duplicates: string[] = [];
  const memories = new Map<string, { newest: number; accepted: OracleEvent[] }>();
  for (const [place, event] of options.events.entries()) {
    const matters = options.rules.some((rule) => concerns(rule, event)) || setsProfile(options.rules, event);
    if (!matters) continue;
    const memory = memories.get(event.userId) ?? { newest: Number.NEGATIVE_INFINITY, accepted: [] };
    memories.set(event.userId, memory);
    memory.newest = Math.max(memory.newest, event.time);
    const isDuplicate = memory.accepted
      .slice(-options.dedupeMax)
      .some((old) => old.messageId === event.messageId && memory.newest - old.time <= options.dedupeWindowMs);
    if (isDuplicate) {
      duplicates.push(event.messageId);
    } else {
      memory.accepted.push(event);
      accepted.add(place);
    }
  }
  return { accepted, duplicates };
}

/** Events the event-time lane evaluates (O5), and those that came too late for it (O4). */
function withoutLate(
  options: OracleOptions,
  accepted: ReadonlySet<number>,
): { timely: OracleEvent[]; late: OracleLate[]; end: number } {
  const rules = options.rules.filter((rule) => laneOf(rule) === 'event-time');
  const timely: OracleEvent[] = [];
  const late: OracleLate[] = [];
  let streamTime = Number.NEGATIVE_INFINITY;
  // Stream time counts every event read, duplicates and those that no rule names too, so the input is walked, not the accepted events.
  for (const [place, event] of options.events.entries()) {
    const missed = accepted.has(place) ? rules.filter((rule) => concerns(rule, event)).map((rule) => rule.id) : [];
    if (missed.length > 0 || (accepted.has(place) && setsProfile(options.rules, event))) {
      const own = (): OracleEvent[] => timely.filter((one) => one.userId === event.userId);
      if (event.time <= streamTime && evaluatedPast(rules, own(), event.time, streamTime)) {
        if (missed.length > 0) late.push({ messageId: event.messageId, entity: event.userId, rules: missed.sort() });
      } else {
        timely.push(event);
      }
    }
    streamTime = Math.max(streamTime, event.time - options.outOfOrdernessMs - 1);
  }
  return { timely, late, end: Math.max(streamTime, options.endOfTime) };
}

/** Whether, by `streamTime`, an entity with these events was evaluated past `time`. */
function evaluatedPast(
  rules: readonly OracleRule[],
  own: readonly OracleEvent[],
  time: number,
  streamTime: number,
): boolean {
  if (own.some((one) => one.time > time && one.time <= streamTime)) return true;
  const ordered = inTimeOrder(own);
  return rules
    .filter(hasDeadline)
    .some((rule) => matchesOf(rule, ordered).some((match) => match.due && match.at >= time && match.at <= streamTime));
}

/** Deadlines of arrival rules depend on when each was due while reading; only ordered input leaves no doubt. */
function refuseDisorder(rules: readonly OracleRule[], events: readonly OracleEvent[]): void {
  const asked = rules.some((rule) => hasDeadline(rule) && laneOf(rule) === 'arrival');
  if (asked && events.some((event, index) => index > 0 && event.time < events[index - 1]!.time)) {
    throw new Error('the oracle does not model arrival deadlines over events out of order');
  }
}

function gated(
  rule: OracleRule,
  entity: string,
  matches: readonly OracleMatch[],
  holdouts: readonly OracleHoldout[],
): OracleDecision[] {
  const fired: { at: number; key: string | undefined }[] = [];
  const isOut = holdouts.some((holdout) => holdsOut(holdout, rule, entity));
  return matches.map((match) => {
    const key = cooldownKey(rule, match);
    const reason = firstRefusal(rule, isOut, match, key, fired);
    if (reason === null) fired.push({ at: match.at, key });
    const outcome = reason === null ? 'fired' : 'suppressed';
    return { rule: rule.id, entity, at: match.at, outcome, reason, events: match.events };
  });
}

function firstRefusal(
  rule: OracleRule,
  isOut: boolean,
  match: OracleMatch,
  key: string | undefined,
  fired: readonly { at: number; key: string | undefined }[],
): OracleDecision['reason'] {
  if (rule.enabled === false) return 'disabled';
  if (isOut) return 'global-holdout';
  if (rule.if !== undefined && !holds(rule.if, match.names)) return 'condition';
  if (rule.cooldown !== undefined) {
    const forMs = durationMs(typeof rule.cooldown === 'string' ? rule.cooldown : rule.cooldown.for);
    const last = fired.filter((one) => one.key === key).at(-1);
    if (last !== undefined && match.at < last.at + forMs) return 'cooldown';
  }
  for (const { max, per } of rule.limit ?? []) {
    const times = [...fired.map((one) => one.at), match.at];
    const inWindow = (end: number): number => times.filter((at) => at > end - durationMs(per) && at <= end).length;
    const holdsMatch = (end: number): boolean => match.at > end - durationMs(per) && match.at <= end;
    if (times.some((end) => holdsMatch(end) && inWindow(end) > max)) return 'limit';
  }
  return null;
}

function holdsOut({ group, share, exempt = [] }: OracleHoldout, rule: OracleRule, entity: string): boolean {
  if (rule.category !== undefined && exempt.includes(rule.category)) return false;
  const digest = createHash('sha256').update(`hold-out\0group ${group}\0user/${entity}`).digest();
  return digest.readUInt32BE(0) / 2 ** 32 < Number.parseFloat(share) / 100;
}

function cooldownKey(rule: OracleRule, match: OracleMatch): string | undefined {
  if (rule.cooldown === undefined || typeof rule.cooldown === 'string') return undefined;
  return rule.cooldown.key === undefined ? undefined : valueText(rule.cooldown.key, match.names);
}
