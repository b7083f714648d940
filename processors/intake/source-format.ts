// How the records of one source topic are to be understood, and where in them ids stand.

import type { SchemaLookup } from '../../schemas/schema-lookup.ts';

/** How the records of one source topic are to be understood (configuration: sources). */
export interface SourceFormat {
  readonly topic: string;
  readonly format: 'segment' | 'json' | 'cloudevents' | 'avro';
  /** The record's key is the entity's id, and its partition the entity's. */
  readonly keyed: boolean;
  readonly entity: string;
  /** For all but `segment`: dotted paths of the entity's id, the event's name, its time and its id. */
  readonly id?: string;
  readonly event?: string;
  readonly timestamp?: string;
  readonly messageId?: string;
  /** For `avro`: the schemas that its records were written with. */
  readonly schemas?: SchemaLookup;
  /** Other entities that an event may concern, with the dotted path of each one's id; it goes to each whose id is there. */
  readonly others?: readonly { readonly entity: string; readonly id: string }[];
}

/** Where in the message of each format is what rules see as the event's properties. */
const PROPERTIES_AT: Readonly<Record<SourceFormat['format'], string>> = {
  segment: 'properties.',
  json: '',
  avro: '',
  cloudevents: 'data.',
};

/** Where an id may stand that is configured by one path for sources of every format: the first that is there counts. */
export function pathsOfOther(path: string, { format }: SourceFormat): readonly [string, string] {
  return [path, path.replace(/^properties\./, PROPERTIES_AT[format])];
}

const SEGMENT_IDS = ['userId', 'anonymousId', 'groupId', 'previousId', 'messageId'];
const known = new WeakMap<SourceFormat, readonly string[]>();

/** Dotted paths of all that is, or may be, an id: of the message, of what it is about, of whom it concerns. */
export function idPathsOf(source: SourceFormat): readonly string[] {
  let paths = known.get(source);
  if (paths === undefined) known.set(source, (paths = [...new Set(listed(source))]));
  return paths;
}

function listed(source: SourceFormat): readonly string[] {
  const { format, entity, id, event, messageId, others = [] } = source;
  const own = format === 'segment' ? SEGMENT_IDS : [event ?? 'event', ...(messageId === undefined ? [] : [messageId])];
  const about = id ?? (format === 'cloudevents' ? 'subject' : `${entity}Id`);
  return [...own, about, ...others.flatMap((other) => pathsOfOther(other.id, source))];
}
