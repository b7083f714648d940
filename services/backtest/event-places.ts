// What stands behind `--events`: files by name or pattern, topics of a Kafka cluster, topics of an embedded log.
//
// Owns: reading the words, opening logs, which format a source has. Does not own: reading a source (file-source.ts,
// topic-source.ts).
//
// Invariants:
//   P1. Logs are opened for reading only: beside running workers, without joining a group (replay-source.ts, R1).

import { existsSync, globSync } from 'node:fs';
import { resolve } from 'node:path';
import { openEmbeddedLogReadOnly } from '../../connectors/logs/embedded/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { FatalError } from '../../lib/errors.ts';
import { createLogger } from '../../lib/logger.ts';
import type { TextEncoding } from '../../lib/text-encoding.ts';
import type { SchemaLookup } from '../../schemas/schema-lookup.ts';
import type { Log } from '../../topology/engine/ports.ts';
import type { ReplayInput } from '../../topology/replay.ts';
import type { Config } from '../config/index.ts';
import { openSchemas } from '../job/job.ts';
import { openKafka } from '../job/open-kafka.ts';
import { logFolder } from '../job/open-log.ts';
import { formatOf, otherEntities } from '../job/source-format.ts';
import { FileSource } from './file-source.ts';
import type { ReplaySource } from './replay-source.ts';
import { TopicSource } from './topic-source.ts';

/** An offset for every partition, or one for each of those that are named. */
export type OffsetBound = number | ReadonlyMap<number, number>;

export interface EventPlacesOptions {
  /** As the user gave them: at least one. */
  readonly places: readonly string[];
  readonly config: Config;
  readonly clock: Clock;
  /** What relative paths are relative to, absolute. */
  readonly folder: string;
  /** What the columns of tables are, absolute. Files whose name says JSON have none. */
  readonly mapping?: string | undefined;
  readonly encoding?: TextEncoding | undefined;
  /** Of partitions: where to begin, and where to stop before. */
  readonly fromOffset?: OffsetBound | undefined;
  readonly toOffset?: OffsetBound | undefined;
}

export interface EventPlaces {
  readonly sources: readonly ReplaySource[];
  /** Worth saying: one line each. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

interface TopicPlace {
  readonly log: 'kafka' | 'log';
  readonly topic: string;
  /** Null: all. */
  readonly partitions: readonly number[] | null;
}

/** Pages of all partitions together, and of one: enough that a request pays, little enough to hold. */
const PAGES_BYTES = 64 * 1024 * 1024;
const PAGE_BYTES_MIN = 64 * 1024;
const PAGE_BYTES_MAX = 4 * 1024 * 1024;
/** What sources of files are called among topics: the first that no topic is called. */
const FILE_TOPICS = ['events', 'files', 'event-files'] as const;

/** How events of files are to be understood. */
export function fileInput(config: Pick<Config, 'entities'>): ReplayInput {
  return { format: 'segment', entity: 'user', others: otherEntities(config, 'segment', 'user') };
}

/**
 * Throws FatalError TRG_USAGE for words that name nothing, TRG_FILE_UNREADABLE where no file fits or there is no log,
 * TRG_TOPIC_MISSING, and what opening a log throws.
 */
export async function openEventPlaces(options: EventPlacesOptions): Promise<EventPlaces> {
  const { config, clock } = options;
  const topics = options.places.flatMap((word) => topicPlace(word) ?? []);
  const files = options.places.filter((word) => topicPlace(word) === null).flatMap((word) => filesOf(word, options));
  if (topics.length === 0 && (options.fromOffset ?? options.toOffset) !== undefined) {
    throw usage('offsets are of topics, and no topic is given', 'give a time, such as 2026-01-31T00:00:00Z');
  }
  const schemas = topics.length === 0 ? null : openSchemas(config, clock, createLogger(config.application));
  const logs = new Map<TopicPlace['log'], Log>();
  const close = async (): Promise<void> => {
    await schemas?.close();
    for (const log of logs.values()) await log.close();
  };
  try {
    for (const { log } of topics) if (!logs.has(log)) logs.set(log, await openLogOf(log, config, clock));
    const notes: string[] = [];
    const ofTopics: TopicSource[] = [];
    for (const place of topics) {
      const input = inputOf(place.topic, config, schemas, notes);
      ofTopics.push(...(await topicSources(place, logs.get(place.log)!, input, options)));
    }
    const { fromOffset: _, toOffset: __, ...ofFiles } = options;
    return { sources: [...fileSources(files, topics, ofFiles), ...withPageSize(once(ofTopics))], notes, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Null: it is a file. */
function topicPlace(word: string): TopicPlace | null {
  const parts = /^(kafka|log):([^:]*)(?::(.*))?$/.exec(word);
  if (parts === null) return null;
  const [, log, topic, partitions] = parts;
  if (!/^[A-Za-z0-9._-]+$/.test(topic!)) throw usage(`${word} names no topic`, 'such as kafka:events.shop:0,2-5');
  return {
    log: log as TopicPlace['log'],
    topic: topic!,
    partitions: partitions === undefined ? null : partitionsIn(partitions, word),
  };
}

function partitionsIn(text: string, word: string): readonly number[] {
  return text.split(',').flatMap((part) => {
    const [, from, to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
    if (from === undefined || Number(to) < Number(from)) {
      throw usage(`${word} has partitions that are none: ${part}`, 'such as kafka:events.shop:0,2-5');
    }
    return Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i);
  });
}

/** What a name or a pattern stands for, in order of name. */
function filesOf(word: string, { folder }: EventPlacesOptions): readonly { name: string; path: string }[] {
  const path = resolve(folder, word);
  // What is there is meant, whatever signs are in its name.
  if (existsSync(path) || !/[*?[{]/.test(word)) return [{ name: word, path }];
  const found = globSync(word, { cwd: folder }).sort();
  if (found.length === 0) throw new FatalError('TRG_FILE_UNREADABLE', `no file is called ${word}`, { file: word });
  return found.map((name) => ({ name, path: resolve(folder, name) }));
}

function fileSources(
  files: readonly { readonly name: string; readonly path: string }[],
  topics: readonly TopicPlace[],
  { config, mapping, encoding }: EventPlacesOptions,
): readonly FileSource[] {
  const topic = FILE_TOPICS.find((name) => topics.every((place) => place.topic !== name));
  if (topic === undefined) throw usage(`topics called ${FILE_TOPICS.join(', ')} are not read together`);
  const different = [...new Map(files.map((file) => [file.path, file])).values()];
  return different.map(({ name, path }, partition) => {
    // A mapping is of tables; a file alone may be called anything.
    const isJson = different.length > 1 && /\.(jsonl|ndjson|json)(\.gz|\.zst)?$/i.test(path);
    return new FileSource({
      name,
      path,
      mapping: isJson ? undefined : mapping,
      encoding,
      recordBytesMax: config.limits.recordBytes,
      input: { ...fileInput(config), topic, partition },
    });
  });
}

async function openLogOf(log: TopicPlace['log'], config: Config, clock: Clock): Promise<Log> {
  if (log === 'log') return openEmbeddedLogReadOnly({ dir: logFolder(config), clock });
  if (config.kafka !== null) return openKafka(config, clock);
  throw usage(
    'kafka: needs a cluster',
    'name a configuration that has `kafka.brokers` with -c, or set TRIPLINE_KAFKA_BROKERS',
  );
}

/** A topic that is no source of the configuration is read as Segment's messages. */
function inputOf(topic: string, config: Config, schemas: SchemaLookup | null, notes: string[]): ReplayInput {
  const source = config.sources.find((each) => each.topic === topic);
  if (source !== undefined) return formatOf(source, config, schemas);
  notes.push(`${topic} is no source of the configuration: its records are read as Segment's messages`);
  return { ...fileInput(config), topic };
}

async function topicSources(
  { log: kind, topic, partitions }: TopicPlace,
  log: Log,
  input: ReplayInput,
  { fromOffset, toOffset }: EventPlacesOptions,
): Promise<readonly TopicSource[]> {
  const count = (await log.admin.topics()).get(topic);
  if (count === undefined) {
    const place = kind === 'kafka' ? 'the cluster' : 'the log';
    throw new FatalError('TRG_TOPIC_MISSING', `topic ${topic} does not exist in ${place}, or may not be read`, {
      topic,
    });
  }
  const wanted = partitions ?? Array.from({ length: count }, (_, partition) => partition);
  return wanted.map((partition) => {
    if (partition >= count) throw usage(`${topic} has ${count} partitions, and none with the number ${partition}`);
    const [from, to] = [offsetOf(fromOffset, partition), offsetOf(toOffset, partition)];
    const range = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
    return new TopicSource({ log, place: { topic, partition }, input: { ...input, partition }, range });
  });
}

function offsetOf(bound: OffsetBound | undefined, partition: number): number | undefined {
  return typeof bound === 'number' ? bound : bound?.get(partition);
}

/** What is named twice is read once. */
function once(sources: readonly TopicSource[]): readonly TopicSource[] {
  return [...new Map(sources.map((source) => [source.name, source])).values()];
}

function withPageSize(sources: readonly TopicSource[]): readonly TopicSource[] {
  const share = Math.floor(PAGES_BYTES / Math.max(1, sources.length));
  const pageBytes = Math.min(PAGE_BYTES_MAX, Math.max(PAGE_BYTES_MIN, share));
  return sources.map((source) => source.withPageBytes(pageBytes));
}

function usage(message: string, hint?: string): FatalError {
  return new FatalError('TRG_USAGE', message, hint === undefined ? {} : { hint });
}
