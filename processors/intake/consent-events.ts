// Events of your own that say what a person wants, such as Segment's "Segment Consent Preference Updated": each becomes a change of
// consent, as `POST /v1/consent` makes one.
//
// Owns: what such an event says. Does not own: which events are such (consent.events of the configuration), what a change does
// (known-facts.ts, connectors/channels/delivery).
//
// Facts: Segment's libraries put a person's choices under context.consent.categoryPreferences, by the ids of the consent platform
// (https://www.twilio.com/docs/segment/privacy/consent-management/consent-in-unify). What is not there was not said.
//
// Invariants:
//   C1. An event that is to say something and cannot be understood is refused, and so a dead letter: no opt-out is passed over.
//   C2. Only `track` events of a person say anything, and none whose name begins with "$" (schemas/internal-events.ts, N1).

import { RecordError } from '../../lib/errors.ts';
import type { ConsentChange } from '../../schemas/consent-change.ts';
import type { Event } from '../../schemas/event.ts';
import { isJsonObject, type JsonObject } from '../../schemas/json.ts';
import type { Message, Processor, ProcessorContext } from '../../state/processor.ts';
import { valueAt } from './exact-ids.ts';

/** What is allowed or not: one of the three. */
export interface ConsentTarget {
  readonly category?: string;
  readonly channel?: string;
  readonly all?: true;
}

/** An event that says one thing, or several by the ids of a consent platform. */
export interface ConsentEvent extends ConsentTarget {
  readonly event: string;
  /** Of an event that says one thing. */
  readonly allowed?: boolean;
  /** By the name under which the event says it. */
  readonly preferences?: Readonly<Record<string, ConsentTarget>>;
  /** Where `preferences` stand in the event, dotted; left out: Segment's place. */
  readonly path?: string;
}

const SEGMENTS_PATH = 'context.consent.categoryPreferences';

export function namesOf(events: readonly ConsentEvent[]): ReadonlySet<string> {
  return new Set(events.map(({ event }) => event));
}

/** Takes what intake gives, keyed `type/id`, and gives changes keyed by the person's id. Child: `consent-changes`. */
export class ConsentEvents implements Processor<Event> {
  readonly #events: ReadonlyMap<string, readonly ConsentEvent[]>;
  #context!: ProcessorContext;

  constructor(events: readonly ConsentEvent[]) {
    this.#events = Map.groupBy(events, ({ event }) => event);
  }

  init(context: ProcessorContext): void {
    this.#context = context;
  }

  process({ key, value: event, timestamp }: Message<Event>): void {
    const mapped = this.#events.get(event.event);
    const slash = key.indexOf('/');
    if (mapped === undefined || event.type !== 'track' || key.slice(0, slash) !== 'user') return;
    const userId = key.slice(slash + 1);
    const said = saidBy(event, mapped);
    if (said === null) return;
    const change: ConsentChange = {
      userId,
      ...said,
      timestamp: new Date(event.time).toISOString(),
      source: `event ${event.event}`,
    };
    this.#context.forward({ key: userId, value: change, timestamp, headers: [] }, 'consent-changes');
  }
}

type Said = Pick<ConsentChange, 'all' | 'categories' | 'channels'>;

/** Null: it says nothing of what is mapped. */
function saidBy(event: Event, mapped: readonly ConsentEvent[]): Said | null {
  const told = mapped.flatMap((each) => (each.preferences === undefined ? [one(each)] : several(event, each)));
  if (told.length === 0) return null;
  const parts = (part: 'category' | 'channel'): Record<string, boolean> =>
    Object.fromEntries(allowedOf(told.flatMap(([target, allowed]) => nameIn(target[part], allowed))));
  const categories = parts('category');
  const channels = parts('channel');
  const all = allowedOf(told.flatMap(([target, allowed]) => nameIn(target.all && 'all', allowed))).get('all');
  return {
    ...(all !== undefined && { all }),
    ...(Object.keys(categories).length > 0 && { categories }),
    ...(Object.keys(channels).length > 0 && { channels }),
  };
}

type Told = readonly [target: ConsentTarget, allowed: boolean];

function one({ allowed, ...target }: ConsentEvent): Told {
  return [target, allowed === true];
}

function several({ event, context, properties, traits }: Event, mapped: ConsentEvent): Told[] {
  const { preferences = {}, path = SEGMENTS_PATH } = mapped;
  const found = valueAt({ context, properties, traits } satisfies JsonObject, path);
  if (!isJsonObject(found)) throw invalid(event, `has no object at ${path}`);
  return Object.entries(preferences).flatMap(([id, target]): Told[] => {
    const allowed = Object.hasOwn(found, id) ? found[id] : undefined;
    if (allowed === undefined || allowed === null) return [];
    if (typeof allowed !== 'boolean') throw invalid(event, `has neither true nor false at ${path}.${id}`);
    return [[target, allowed]];
  });
}

function nameIn(name: string | undefined, allowed: boolean): readonly (readonly [string, boolean])[] {
  return name === undefined ? [] : [[name, allowed]];
}

/** Of two ids that mean one thing, a no is meant. */
function allowedOf(told: readonly (readonly [string, boolean])[]): Map<string, boolean> {
  const said = new Map<string, boolean>();
  for (const [name, allowed] of told) said.set(name, allowed && said.get(name) !== false);
  return said;
}

function invalid(event: string, what: string): RecordError {
  return new RecordError(
    'TRG_RECORD_INVALID',
    `the event "${event}", which is to say consent (consent.events), ${what}`,
  );
}
