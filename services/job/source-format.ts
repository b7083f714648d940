// How the records of a configured source are to be understood.

import type { SourceFormat } from '../../processors/intake/source-format.ts';
import type { SchemaLookup } from '../../schemas/schema-lookup.ts';
import type { Config, SourceConfig } from '../config/index.ts';

/** `schemas`: of the registry, for sources of Avro; null: there is none. */
export function formatOf(source: SourceConfig, config: Config, schemas: SchemaLookup | null): SourceFormat {
  const { topic, format, keyed, entity = 'user', event, timestamp, messageId } = source;
  // A CloudEvent says whom it is about by itself (subject), unless its own source says otherwise.
  const id = source.id ?? (format === 'cloudevents' ? undefined : config.entities[entity]?.id);
  return {
    topic,
    format,
    keyed,
    entity,
    ...(id !== undefined && { id }),
    ...(event !== undefined && { event }),
    ...(timestamp !== undefined && { timestamp }),
    ...(messageId !== undefined && { messageId }),
    ...(format === 'avro' && schemas !== null && { schemas }),
    others: otherEntities(config, format, entity),
  };
}

/** What else an event of such a source may concern. What is not Segment's says nothing of users but where it is about them. */
export function otherEntities(
  { entities }: Pick<Config, 'entities'>,
  format: SourceConfig['format'],
  entity: string,
): readonly { readonly entity: string; readonly id: string }[] {
  const others = Object.entries(entities).flatMap(([name, { id }]) => (name === entity ? [] : [{ entity: name, id }]));
  return entity === 'user' || format !== 'segment' ? others : [{ entity: 'user', id: 'userId' }, ...others];
}
