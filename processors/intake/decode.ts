// A record's bytes to JSON, by the format of its source. Pure functions; intake.ts runs them.

import { assert } from '../../lib/assert.ts';
import { RecordError } from '../../lib/errors.ts';
import type { Json } from '../../schemas/json.ts';
import type { LogRecord } from '../../schemas/record.ts';
import { FRAME_BYTES, type SchemaLookup, schemaIdOf } from '../../schemas/schema-lookup.ts';
import { structuredCloudEvent } from './cloud-event.ts';
import { parseJson } from './json-text.ts';
import { idPathsOf, type SourceFormat } from './source-format.ts';

/**
 * Throws RecordError TRG_RECORD_UNREADABLE, TRG_RECORD_INVALID. Of an avro source, its `schemas` must know the record's
 * schema (SourceSpec.prepare).
 */
export function decode(record: LogRecord, source: SourceFormat): Json {
  const { format, schemas } = source;
  if (format === 'cloudevents') return structuredCloudEvent(record, idPathsOf(source));
  const { value } = record;
  if (value === null) throw new RecordError('TRG_RECORD_INVALID', 'the record has no value');
  if (format !== 'avro') return parseJson(value, 'the record', idPathsOf(source));
  assert(schemas !== undefined, 'a source of Avro has the schemas of a registry');
  return framedAvro(value, schemas);
}

function framedAvro(value: Uint8Array, schemas: SchemaLookup): Json {
  const id = schemaIdOf(value);
  if (id === null) {
    throw new RecordError(
      'TRG_RECORD_UNREADABLE',
      'the record is not framed Avro: it must begin with a zero byte and the schema id (4 bytes)',
    );
  }
  const schema = schemas.find(id);
  assert(schema !== undefined, 'a record is processed once its schema is here');
  if (schema.kind === 'unusable') throw new RecordError('TRG_RECORD_UNREADABLE', schema.reason);
  return schema.read(value.subarray(FRAME_BYTES));
}
