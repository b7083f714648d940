// What the expressions of a rule see of one entity while it is being evaluated.
//
// One object serves all expressions of a task; nothing is computed before an expression asks for it.

import type { Scope } from '../rules/api.ts';
import type { Event } from '../schemas/event.ts';
import type { Json, JsonObject } from '../schemas/json.ts';
import type { EntityDocument } from '../state/entity-document.ts';

const NONE: JsonObject = Object.freeze({});

export class EntityScope implements Scope {
  event: Event | null = null;
  captures: Readonly<Record<string, Event>> = {};
  now = 0;
  #document!: EntityDocument;
  #withBuffered = false;
  #profile: JsonObject | null = null;

  /**
   * Turns to an entity. With `withBuffered`, the profile is as of all that was read (arrival order); without, as of what
   * was evaluated in event-time order.
   */
  enter(document: EntityDocument, withBuffered: boolean): void {
    this.#document = document;
    this.#withBuffered = withBuffered;
    this.#profile = null;
  }

  get profile(): JsonObject {
    this.#profile ??= profileOf(this.#document, this.#withBuffered);
    return this.#profile;
  }

  sent(channel: string, withinMs: number): number {
    let count = 0;
    for (const send of this.#document.sent) {
      const matches = channel === 'any' || send.channel === channel;
      if (matches && send.at > this.now - withinMs && send.at <= this.now) count++;
    }
    return count;
  }
}

function profileOf(document: EntityDocument, withBuffered: boolean): JsonObject {
  if (document.profile.size === 0 && document.buffer.length === 0) return NONE;
  const profile: Record<string, Json> = {};
  for (const [name, { value }] of document.profile) profile[name] = value;
  if (!withBuffered) return profile;
  for (const event of document.buffer) {
    if (event.type === 'identify') Object.assign(profile, event.traits);
  }
  return profile;
}

/** Sets the profile attributes that an identify message brings; of two for one attribute, the later-stamped one stays. */
export function applyTraits(document: EntityDocument, event: Event): void {
  for (const [name, value] of Object.entries(event.traits)) {
    const before = document.profile.get(name);
    if (before === undefined || before.at <= event.time) document.profile.set(name, { value, at: event.time });
  }
}
