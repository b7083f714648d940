// Learns the catalogue of events: from the end of the source topics, or from a file. Nothing is counted while events are processed,
// so that the catalogue costs them nothing.
//
// Invariants:
//   L1. Of a topic at most SAMPLE_OFFSETS are read, spread over its partitions: the newest.

import Type from 'typebox';
import { readEvents } from '../../connectors/sources/files/index.ts';
import { RecordError } from '../../lib/errors.ts';
import { createLogger } from '../../lib/logger.ts';
import { decode } from '../../processors/intake/decode.ts';
import { normalise } from '../../processors/intake/normalise.ts';
import type { SourceFormat } from '../../processors/intake/source-format.ts';
import type { LogRecord } from '../../schemas/record.ts';
import { schemaIdOf } from '../../schemas/schema-lookup.ts';
import { readPartition } from '../../topology/engine/read-partition.ts';
import { openSchemas } from '../job/job.ts';
import { formatOf } from '../job/source-format.ts';
import { type Asked, pauseOf, service } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { type Catalogue, CatalogueCounter } from './catalogue.ts';

/** Some seconds of reading; rare events are in it as well where traffic is not larger than that in days. */
const SAMPLE_OFFSETS = 100_000;
const PAUSE_RECORDS = 500;

export const LearnSchema = Type.Object({}, { additionalProperties: false });

/** From the source topics as of the last commit. Throws FatalError TRG_FILE_UNREADABLE without a log. */
export async function learnFromLog(
  context: ServiceContext,
  _input: Readonly<Record<never, never>>,
  asked: Asked,
): Promise<Catalogue> {
  const { config, clock } = context;
  const log = await context.log();
  const pause = pauseOf(context, asked);
  const counter = new CatalogueCounter();
  const schemas = openSchemas(config, clock, createLogger(config.application));
  const topics = await log.admin.topics();
  const giveUp = (): void => void schemas?.close();
  asked.signal.addEventListener('abort', giveUp, { once: true });
  try {
    for (const source of config.sources) {
      const format = formatOf(source, config, schemas);
      const partitions = topics.get(source.topic) ?? 0;
      for (let partition = 0; partition < partitions; partition++) {
        const place = { topic: source.topic, partition };
        const { end } = await log.admin.offsets(place);
        const from = Math.max(0, end - Math.ceil(SAMPLE_OFFSETS / partitions));
        let records = 0;
        for await (const page of readPartition(log, place, { from, to: end })) {
          for (const { offset, timestamp, key, value, headers } of page) {
            if (records++ % PAUSE_RECORDS === 0) await pause();
            const record = { offset, timestamp, key, value, headers };
            await schemaOf(value, format, asked.signal);
            count(counter, record, format);
          }
        }
      }
    }
    return counter.catalogue();
  } finally {
    asked.signal.removeEventListener('abort', giveUp);
    await schemas?.close();
  }
}

/** From a file, as `backtest` reads it. Throws what readEvents() throws. */
export async function learnFromFile(path: string, mapping: string | undefined): Promise<Catalogue> {
  const counter = new CatalogueCounter();
  const format: SourceFormat = { topic: path, format: 'segment', keyed: false, entity: 'user' };
  for await (const entries of readEvents(path, { mapping })) {
    for (const { bytes, json, error } of entries) {
      if (error !== undefined) counter.unreadable();
      else {
        const value = bytes ?? Buffer.from(JSON.stringify(json));
        count(counter, { offset: 0, timestamp: 0, key: null, value, headers: [] }, format);
      }
    }
  }
  return counter.catalogue();
}

/** Of Avro: a record can be read once its schema is here. */
async function schemaOf(value: Uint8Array | null, { schemas }: SourceFormat, signal: AbortSignal): Promise<void> {
  const id = schemas === undefined || value === null ? null : schemaIdOf(value);
  if (id === null) return;
  for (let wait = schemas!.prepare(id); wait !== null; wait = schemas!.prepare(id)) {
    await wait;
    signal.throwIfAborted();
  }
}

function count(counter: CatalogueCounter, record: LogRecord, format: SourceFormat): void {
  try {
    const origin = { fallbackId: () => '', recordTime: record.timestamp };
    counter.add(normalise(decode(record, format), format, origin).event);
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    counter.unreadable();
  }
}

export const learnService = service(LearnSchema, learnFromLog);
