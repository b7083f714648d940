// How many attributes an entity may have, and how large: what senders tell of a person without end is not kept without end
// (docs/design.md, I8).
//
// Invariants:
//   R1. Beside what is asked for by name, an entity has no more than ATTRIBUTES_MAX attributes of ATTRIBUTE_BYTES_MAX in all;
//       what is asked for by name has as much room for itself, so that nothing crowds out what rules read.
//   R2. What is known is never taken away for what comes: a new attribute, or a larger value, is refused instead.

import { Event } from '../../schemas/event.ts';
import type { Json, JsonObject } from '../../schemas/json.ts';
import type { Attributes } from '../../state/entity/facts.ts';

export const ATTRIBUTES_MAX = 1_000;
export const ATTRIBUTE_BYTES_MAX = 64 * 1024;

/** What the code reads of a profile without a rule that names it: addresses, language, zone. */
const ALWAYS_ASKED = ['email', 'phone', 'locale', 'timezone', 'id'];

/** Room for attributes beside those that are known, in the order in which they are asked for. */
export class AttributeRoom {
  readonly #asked: ReadonlySet<string>;
  readonly #bytesOf = new Map<string, number>();
  readonly #askedBytes = { sum: 0 };
  readonly #otherBytes = { sum: 0 };
  #others = 0;

  /** `asked`: by name, of rules, segments and models. */
  constructor(known: Attributes | null, asked: ReadonlySet<string>) {
    this.#asked = asked;
    for (const [name, { value }] of known ?? []) this.#set(name, bytesOf(name, value));
  }

  /** Takes room for the attribute; false: there is none. */
  take(name: string, value: Json): boolean {
    const bytes = bytesOf(name, value);
    const before = this.#bytesOf.get(name);
    const isNew = before === undefined;
    const isAsked = this.#isAsked(name);
    if (isNew && !isAsked && this.#others >= ATTRIBUTES_MAX) return false;
    const grown = bytes - (before ?? 0);
    if (grown > 0 && this.#bytes(name).sum + grown > ATTRIBUTE_BYTES_MAX) return false;
    this.#set(name, bytes);
    return true;
  }

  /** The event with those of its traits for which there is room; itself where there is for all. */
  fit(event: Event): Event {
    const traits = Object.entries(event.traits);
    const kept = traits.filter(([name, value]) => this.take(name, value));
    if (kept.length === traits.length) return event;
    return withTraits(event, Object.fromEntries(kept));
  }

  #set(name: string, bytes: number): void {
    const before = this.#bytesOf.get(name);
    if (before === undefined && !this.#isAsked(name)) this.#others++;
    this.#bytes(name).sum += bytes - (before ?? 0);
    this.#bytesOf.set(name, bytes);
  }

  #bytes(name: string): { sum: number } {
    return this.#isAsked(name) ? this.#askedBytes : this.#otherBytes;
  }

  #isAsked(name: string): boolean {
    return this.#asked.has(name) || ALWAYS_ASKED.includes(name);
  }
}

/** About what it takes in the document. */
function bytesOf(name: string, value: Json): number {
  return name.length + (typeof value === 'string' ? value.length : JSON.stringify(value).length);
}

function withTraits(event: Event, traits: JsonObject): Event {
  const { messageId, type, event: name, userId, anonymousId, time, properties, context } = event;
  const kept = new Event({ messageId, type, event: name, userId, anonymousId, time, properties, traits, context });
  kept.traceparent = event.traceparent;
  return kept;
}
