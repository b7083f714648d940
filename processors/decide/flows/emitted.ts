// What a flow sets and emits, as an event of its entity.
//
// Invariants:
//   E1. Its id is a hash of the flow and the step: the same in every run and replay.
//   E2. What a step has set is known at once, to whatever comes next at the same moment; the event that tells it comes after, and
//       carries what was there before, so that rules over changes see one.

import { hash } from 'node:crypto';
import type { Flow } from '../../../rules/flows/flow.ts';
import type { EntityRef } from '../../../schemas/decision.ts';
import { Event } from '../../../schemas/event.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../schemas/json.ts';
import { momentOf } from '../actions.ts';

/** What was emitted may lead to more, so deep. */
export const DEPTH_MAX = 8;

/** What an event of a flow is made of, but for what was there before. */
export interface Emitted {
  readonly flow: Pick<Flow, 'id' | 'rule' | 'depth' | 'isMoved'>;
  readonly entity: EntityRef;
  readonly step: number;
  /** Event time, ms. */
  readonly at: number;
  readonly told:
    | { readonly type: 'identify'; readonly traits: JsonObject }
    | { readonly type: 'track'; readonly event: string; readonly properties: JsonObject };
}

/** E1. */
export function emittedId(flow: string, step: number): string {
  return hash('sha256', `emitted\0${flow}\0${step}`).slice(0, 32);
}

/** `before`: attributes as they were, where the profile has been changed already; null: it has not been. */
export function emittedEvent({ flow, entity, step, at, told }: Emitted, before: JsonObject | null): Event {
  const about = { flow: flow.id, rule: flow.rule, step, depth: flow.depth + 1, ...(before !== null && { before }) };
  return new Event({
    messageId: emittedId(momentOf(flow, at), step),
    event: told.type,
    userId: entity.type === 'user' ? entity.id : null,
    anonymousId: null,
    time: at,
    ...told,
    context: { tripline: about },
  });
}

/** How many flows led to the event; 0: it came from outside. */
export function depthOf(event: Event | null): number {
  const depth = aboutOf(event)?.['depth'];
  return typeof depth === 'number' ? depth : 0;
}

/** The attributes that it tells as they were before; null: they are to be changed by it. */
export function beforeOf(event: Event): JsonObject | null {
  const before = aboutOf(event)?.['before'];
  return isJsonObject(before ?? null) ? (before as JsonObject) : null;
}

function aboutOf(event: Event | null): JsonObject | null {
  const about: Json | undefined = event?.context['tripline'];
  return isJsonObject(about ?? null) ? (about as JsonObject) : null;
}
