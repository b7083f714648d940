// How the records of a configured source are to be understood.

import type { SourceFormat } from '../../processors/normalise.ts';
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
  };
}
