// What expressions and gates ask of an entity beside its profile: account, consent, history, segments, caps, exclusive
// groups, candidates that wait, scores. One part of the entity's document, which most entities have little of.
//
// Owns: its shape, in memory and stored. Does not own: what it means (processors/).
//
// Invariants:
//   Q1. What is empty takes no room: lists without entries are one shared list, maps are null.
//   Q2. Each list is bounded by whoever adds to it.

import type { Lane } from '../../rules/api.ts';
import type { Event } from '../../schemas/event.ts';
import type { Json } from '../../schemas/json.ts';
import { EventTimes, type StoredTimes } from './event-times.ts';

export interface Attribute {
  readonly value: Json;
  /** Event time of the message that set it, ms. */
  readonly at: number;
}

/** What the person said about one category; under `channel:<name>`, about a channel. */
export interface Consent {
  readonly category: string;
  readonly allowed: boolean;
  readonly at: number;
}

export interface SegmentLane {
  readonly lane: Lane;
  /** Membership is as of this event time. */
  evaluatedAt: number;
  /** When time alone may change it; Infinity: never. */
  changesAt: number;
  members: readonly { readonly segment: string; readonly since: number }[];
}

/** A fired decision, as far as caps look at it. */
export interface FiredMessage {
  readonly at: number;
  readonly category: string | null;
  readonly channels: readonly string[];
}

/** An exclusive group that was taken from `from` to `until`, both included. */
export interface GroupHold {
  readonly group: string;
  readonly rule: string;
  readonly from: number;
  readonly until: number;
}

/** Why a candidate waits. */
export type HeldReason = 'quiet-hours' | 'score' | 'review';

/** A candidate that waits, with what its rule will read of its match. */
export interface HeldCandidate {
  readonly rule: string;
  readonly reason: HeldReason;
  /** When it is looked at again, ms; Infinity: no time ends it. */
  readonly due: number;
  readonly at: number;
  readonly events: readonly string[];
  readonly event: Event | null;
  readonly captures: readonly { readonly name: string; readonly events: readonly Event[]; readonly isList: boolean }[];
}

/** What a model that is asked beside the task answered; null: it was asked and has not answered. */
export interface KnownScore {
  readonly model: string;
  readonly value: number | null;
  readonly at: number;
}

export interface EntityContext {
  account: Map<string, Attribute> | null;
  consent: readonly Consent[];
  /** By event name. */
  history: Map<string, EventTimes> | null;
  segments: readonly SegmentLane[];
  fired: readonly FiredMessage[];
  /** Latest event time of what is no longer in `fired`; -1: none. */
  forgotten: number;
  holds: readonly GroupHold[];
  /** Latest end of what is no longer in `holds`; -1: none. */
  holdsForgotten: number;
  held: readonly HeldCandidate[];
  scores: readonly KnownScore[];
}

const NOTHING: readonly never[] = Object.freeze([]);

export function emptyContext(): EntityContext {
  return {
    account: null,
    consent: NOTHING,
    history: null,
    segments: NOTHING,
    fired: NOTHING,
    forgotten: -1,
    holds: NOTHING,
    holdsForgotten: -1,
    held: NOTHING,
    scores: NOTHING,
  };
}

/** When the context wants to be looked at, ms; Infinity: never. */
export function contextDue(context: EntityContext | null): number {
  let earliest = Infinity;
  if (context === null) return earliest;
  for (const { changesAt } of context.segments) earliest = Math.min(earliest, changesAt);
  for (const { due } of context.held) earliest = Math.min(earliest, due);
  return earliest;
}

/** The same as schemas/state/entity.avsc has it: -1 for what never comes. */
export interface StoredContext {
  readonly account: readonly { readonly name: string; readonly value: Json; readonly at: number }[];
  readonly consent: readonly Consent[];
  readonly history: readonly (StoredTimes & { readonly name: string })[];
  readonly segments: readonly SegmentLane[];
  readonly fired: readonly FiredMessage[];
  readonly forgotten: number;
  readonly holds: readonly GroupHold[];
  readonly holdsForgotten: number;
  readonly held: readonly HeldCandidate[];
  readonly scores: readonly KnownScore[];
}

export function encodeContext(context: EntityContext | null): StoredContext | null {
  if (context === null) return null;
  const { account, history, segments, held } = context;
  return {
    ...context,
    account: account === null ? NOTHING : Array.from(account, ([name, { value, at }]) => ({ name, value, at })),
    history: history === null ? NOTHING : Array.from(history, ([name, times]) => ({ name, ...times.encode() })),
    segments: segments.map((lane) => ({ ...lane, changesAt: stored(lane.changesAt) })),
    held: held.map((one) => ({ ...one, due: stored(one.due) })),
  };
}

export function decodeContext(context: StoredContext | null): EntityContext | null {
  if (context === null) return null;
  const { account, consent, history, segments, fired, forgotten, holds, holdsForgotten, held, scores } = context;
  return {
    account: account.length === 0 ? null : new Map(account.map(({ name, value, at }) => [name, { value, at }])),
    consent: plain(consent, ({ category, allowed, at }) => ({ category, allowed, at })),
    history: history.length === 0 ? null : new Map(history.map((times) => [times.name, EventTimes.decode(times)])),
    segments: plain(segments, ({ lane, evaluatedAt, changesAt, members }) => ({
      lane,
      evaluatedAt,
      changesAt: read(changesAt),
      members: plain(members, ({ segment, since }) => ({ segment, since })),
    })),
    fired: plain(fired, ({ at, category, channels }) => ({ at, category, channels: [...channels] })),
    forgotten,
    holds: plain(holds, ({ group, rule, from, until }) => ({ group, rule, from, until })),
    holdsForgotten,
    held: plain(held, ({ rule, reason, due, at, events, event, captures }) => ({
      rule,
      reason,
      due: read(due),
      at,
      events: [...events],
      event,
      captures: plain(captures, ({ name, events, isList }) => ({ name, events: [...events], isList })),
    })),
    scores: plain(scores, ({ model, value, at }) => ({ model, value, at })),
  };
}

/** Plain objects in the place of Avro's; the shared empty list where there is nothing (Q1). */
function plain<From, To>(list: readonly From[], copy: (one: From) => To): readonly To[] {
  return list.length === 0 ? NOTHING : list.map(copy);
}

function stored(time: number): number {
  return time === Infinity ? -1 : time;
}

function read(time: number): number {
  return time < 0 ? Infinity : time;
}
