// Which events there are: their names, properties with types and how often, rates, when one was seen last.
//
// Owns: counting, within bounds. Does not own: where events come from (learn.ts), the file (known.ts).
//
// Invariants:
//   C1. No value of a property is kept, nor anybody's id: names, types and counts only.
//   C2. Bounded, whatever comes: NAMES_MAX names, PROPERTIES_MAX of each, none longer than NAME_LENGTH_MAX; what does not fit is
//       counted, and said.

import type { Event } from '../../schemas/event.ts';

/** Far more than people plan; a sender that puts an id into its names makes as many as it likes. */
export const NAMES_MAX = 2_000;
export const PROPERTIES_MAX = 200;
/** Longer ones hold data, such as an address. */
export const NAME_LENGTH_MAX = 100;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export type PropertyType = 'text' | 'number' | 'boolean' | 'list' | 'mapping' | 'null';

export interface PropertyFigures {
  readonly name: string;
  readonly types: readonly PropertyType[];
  /** In how many of the events it is, from 0 to 1. */
  readonly share: number;
}

export interface EventFigures {
  readonly name: string;
  readonly count: number;
  /** Events a day, between the first and the last event of all; null when that is no time at all. */
  readonly perDay: number | null;
  /** Event times, ISO-8601. */
  readonly first: string;
  readonly last: string;
  /** In order of how often. */
  readonly properties: readonly PropertyFigures[];
  /** Whether it has more than those. */
  readonly hasMore: boolean;
}

export interface Catalogue {
  /** In order of how often. */
  readonly events: readonly EventFigures[];
  /** Looked at. */
  readonly count: number;
  /** Of names that are too many, or too long. */
  readonly others: number;
  /** That could not be read. */
  readonly unreadable: number;
}

interface Counted {
  count: number;
  first: number;
  last: number;
  readonly properties: Map<string, { count: number; readonly types: Set<PropertyType> }>;
  hasMore: boolean;
}

export class CatalogueCounter {
  readonly #names = new Map<string, Counted>();
  #count = 0;
  #others = 0;
  #unreadable = 0;

  unreadable(): void {
    this.#unreadable++;
  }

  add(event: Event): void {
    this.#count++;
    const counted = this.#of(event.event, event.time);
    if (counted === null) {
      this.#others++;
      return;
    }
    counted.count++;
    counted.first = Math.min(counted.first, event.time);
    counted.last = Math.max(counted.last, event.time);
    for (const [name, value] of Object.entries(event.properties)) {
      let property = counted.properties.get(name);
      if (property === undefined) {
        if (counted.properties.size >= PROPERTIES_MAX || name.length > NAME_LENGTH_MAX) {
          counted.hasMore = true;
          continue;
        }
        property = { count: 0, types: new Set() };
        counted.properties.set(name, property);
      }
      property.count++;
      property.types.add(typeOf(value));
    }
  }

  catalogue(): Catalogue {
    const all = [...this.#names.values()];
    const spanMs =
      all.reduce((last, each) => Math.max(last, each.last), -Infinity) -
      all.reduce((first, each) => Math.min(first, each.first), Infinity);
    const events = [...this.#names].map(([name, { count, first, last, properties, hasMore }]) => ({
      name,
      count,
      perDay: spanMs > 0 ? rounded((count * DAY_MS) / spanMs) : null,
      first: new Date(first).toISOString(),
      last: new Date(last).toISOString(),
      properties: [...properties]
        .map(([property, each]) => ({
          name: property,
          types: [...each.types].sort(),
          share: Math.round((1_000 * each.count) / count) / 1_000,
        }))
        .sort((a, b) => b.share - a.share || byName(a, b)),
      hasMore,
    }));
    events.sort((a, b) => b.count - a.count || byName(a, b));
    return { events, count: this.#count, others: this.#others, unreadable: this.#unreadable };
  }

  #of(name: string, time: number): Counted | null {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (this.#names.size >= NAMES_MAX || name.length > NAME_LENGTH_MAX) return null;
    const counted: Counted = { count: 0, first: time, last: time, properties: new Map(), hasMore: false };
    this.#names.set(name, counted);
    return counted;
  }
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

function typeOf(value: unknown): PropertyType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'object') return 'mapping';
  return typeof value === 'boolean' ? 'boolean' : 'number';
}

/** Two figures are enough to know a rate by. */
function rounded(rate: number): number {
  return Number(rate.toPrecision(2));
}
