// The configuration as the program sees it: typed, frozen, durations in ms, paths absolute, what is left out null.
//
// Owns: the type and how it follows from the file. Does not own: the file's shape (schema.ts).

import { resolve } from 'node:path';
import { type ChannelOptions, channelOf } from '../../connectors/channels/index.ts';
import type { Codec } from '../../connectors/logs/kafka/compression.ts';
import { KAFKA_FILES, type KafkaConfig } from '../../connectors/logs/kafka/config.ts';
import type { RegistryOptions } from '../../connectors/sources/schema-registry/index.ts';
import { parseDuration } from '../../lib/duration.ts';
import { parseDate, parseInstant } from '../../lib/instant.ts';
import { isText } from '../../lib/path-or-text.ts';
import type { Urgency } from '../../rules/gates/urgency.ts';
import { type TelemetryConfig, telemetryOf } from '../telemetry/options.ts';
import type { ConsentConfig } from './consent.ts';
import { type FieldSchema, settingsOf } from './environment.ts';
import type { ConfigFile } from './schema.ts';

export type SourceConfig = ConfigFile['sources'][number];
export type HttpConfig = NonNullable<ConfigFile['http']>;

/** When the embedded log is forced to disk: each commit, never, or every so many ms. */
export type FsyncPolicy = 'commit' | 'never' | { readonly everyMs: number };

export interface TopicsConfig {
  /** Of the topics that others read. */
  readonly prefix: string;
  /** Null: as the cluster has it. */
  readonly replicationFactor: number | null;
  readonly minInSyncReplicas: number | null;
  /** Null: for ever. */
  readonly retentionMs: {
    readonly public: number | null;
    readonly deadLetter: number | null;
    readonly internal: number | null;
    /** Of messages as they were sent. */
    readonly messages: number | null;
  };
  readonly compression: { readonly public: Codec; readonly internal: Codec };
}

export interface Config {
  readonly application: string;
  readonly dataDir: string;
  /** Null: the embedded log. */
  readonly kafka: KafkaConfig | null;
  readonly group: {
    /** Null: a name is made and kept in `dataDir`. */
    readonly instanceId: string | null;
    readonly sessionTimeoutMs: number;
    readonly protocol: 'classic' | 'consumer';
  };
  readonly topics: TopicsConfig;
  readonly log: { readonly fsync: FsyncPolicy; readonly partitions: number };
  /** Null: ids of our own. */
  readonly registry: (RegistryOptions & { readonly startTimeoutMs: number }) | null;
  readonly threads: number;
  readonly guarantee: 'exactly_once' | 'at_least_once';
  readonly commitInterval: { readonly minMs: number; readonly maxMs: number };
  readonly standbyReplicas: number;
  readonly outOfOrdernessMs: number;
  readonly maxClockSkewMs: number;
  /** Ms since 1970. */
  readonly eventTime: { readonly min: number; readonly max: number };
  readonly dedupeWindowMs: number;
  readonly dedupeMax: number;
  readonly limits: { readonly recordBytes: number };
  /** By name; `user` is not among them. */
  readonly entities: Readonly<Record<string, { readonly id: string }>>;
  /** At least one. */
  readonly sources: readonly SourceConfig[];
  readonly rules: string;
  readonly segments: string | null;
  readonly models: string | null;
  readonly templates: string | null;
  readonly caps: string | null;
  readonly holdouts: string | null;
  readonly consent: ConsentConfig;
  /** Channels whose actions another program reads. */
  readonly deliveredElsewhere: readonly string[];
  /** Of `channel: auto`, in order. */
  readonly routing: Readonly<Record<Urgency, readonly string[]>>;
  readonly presenceWindowMs: number;
  /** How long decisions and messages are good, by urgency; Infinity: for ever. */
  readonly validForMs: Readonly<Record<Urgency, number>>;
  readonly mode: 'live' | 'sandbox';
  readonly fallbackAfterMs: number;
  /** How long messages are kept as they were sent; null: not at all. */
  readonly archiveMs: number | null;
  /** Null: nobody is told. */
  readonly alerts: { readonly channel: string } | null;
  /** Who is told what waits for a person; null: nobody. */
  readonly reviews: { readonly slack: { readonly channel: string; readonly signingSecret: string } } | null;
  /** Those that are configured. */
  readonly channels: ChannelOptions;
  readonly http: HttpConfig | null;
  readonly telemetry: TelemetryConfig;
}

/** From a file that passed the schema. `folder` is what its paths are relative to. */
export function configOf(file: ConfigFile, folder: string): Config {
  const absolute = (path: string | undefined): string | null => (path === undefined ? null : resolve(folder, path));
  const archiveMs = file.archive === 'off' ? null : ms(file.archive);
  return deepFreeze({
    application: file.application,
    dataDir: resolve(folder, file.dataDir),
    kafka: kafkaOf(file.kafka, absolute),
    group: {
      instanceId: file.group.instanceId ?? null,
      sessionTimeoutMs: ms(file.group.sessionTimeout),
      protocol: file.group.protocol,
    },
    topics: topicsOf(file.topics, archiveMs),
    log: { fsync: fsyncOf(file.log.fsync), partitions: file.log.partitions },
    registry: registryOf(file),
    threads: file.threads,
    guarantee: file.guarantee,
    commitInterval: { minMs: ms(file.commitInterval.min), maxMs: ms(file.commitInterval.max) },
    standbyReplicas: file.standbyReplicas,
    outOfOrdernessMs: ms(file.outOfOrderness),
    maxClockSkewMs: ms(file.maxClockSkew),
    eventTime: { min: instantMs(file.eventTime.min), max: instantMs(file.eventTime.max) },
    dedupeWindowMs: ms(file.dedupeWindow),
    dedupeMax: file.dedupeMax,
    limits: { recordBytes: file.limits.recordBytes },
    entities: file.entities,
    sources: file.sources.length > 0 ? file.sources : [defaultSource(file.application)],
    rules: resolve(folder, file.rules),
    segments: absolute(file.segments),
    models: absolute(file.models),
    templates: absolute(file.templates),
    caps: absolute(file.caps),
    holdouts: absolute(file.holdouts),
    consent: consentOf(file.consent),
    deliveredElsewhere: file.deliveredElsewhere,
    routing: file.routing,
    presenceWindowMs: ms(file.presenceWindow),
    validForMs: {
      critical: msOrForever(file.validFor.critical),
      operational: msOrForever(file.validFor.operational),
      marketing: msOrForever(file.validFor.marketing),
    },
    mode: file.mode,
    fallbackAfterMs: ms(file.fallbackAfter),
    archiveMs,
    alerts: file.alerts ?? null,
    reviews: file.reviews ?? null,
    channels: channelsOf(file.channels, folder),
    http: file.http ?? null,
    telemetry: telemetryOf(file.telemetry, ms),
  });
}

function consentOf({ doubleOptIn, ...consent }: ConfigFile['consent']): ConsentConfig {
  if (doubleOptIn === undefined) return { ...consent, doubleOptIn: null };
  const { within, ...names } = doubleOptIn;
  return { ...consent, doubleOptIn: { ...names, withinMs: ms(within) } };
}

/** Options that are the path of a file, or the text itself, with the path absolute. */
function channelsOf(channels: ChannelOptions, folder: string): ChannelOptions {
  const settled = Object.entries(channels).map(([name, options]): [string, object] => {
    const own = structuredClone(options) as Record<string, unknown>;
    for (const { path, schema } of settingsOf((channelOf(name, options)?.connector?.options ?? {}) as FieldSchema)) {
      if (schema.pathOrText !== true) continue;
      const within = path.slice(0, -1).reduce<unknown>((at, part) => (at as typeof own | undefined)?.[part], own);
      const holder = within as Record<string, unknown> | undefined;
      const value = holder?.[path.at(-1)!];
      if (typeof value === 'string' && !isText(value)) holder![path.at(-1)!] = resolve(folder, value);
    }
    return [name, own];
  });
  return Object.fromEntries(settled);
}

/** The ingest API keys its records by entity, so its own topic needs no repartitioning. */
function defaultSource(application: string): SourceConfig {
  return { topic: `events.${application}`, format: 'segment', keyed: true };
}

function kafkaOf(
  kafka: KafkaConfig | undefined,
  absolute: (path: string | undefined) => string | null,
): Config['kafka'] {
  if (kafka === undefined) return null;
  const withPaths = <Part extends object>(part: Part, names: readonly string[]): Part => {
    const paths = Object.entries(part).map(([name, value]) => [name, names.includes(name) ? absolute(value) : value]);
    return Object.fromEntries(paths) as Part;
  };
  const { tls, sasl } = kafka;
  return {
    ...kafka,
    ...(tls !== undefined && { tls: withPaths(tls, KAFKA_FILES.tls) }),
    ...(sasl !== undefined && { sasl: withPaths(sasl, KAFKA_FILES.sasl) }),
  };
}

function topicsOf(
  { prefix, replicationFactor, minInSyncReplicas, retention, compression }: ConfigFile['topics'],
  archiveMs: number | null,
): TopicsConfig {
  const time = (text: string): number | null => (text === 'forever' ? null : ms(text));
  return {
    prefix,
    replicationFactor: replicationFactor ?? null,
    minInSyncReplicas: minInSyncReplicas ?? null,
    retentionMs: {
      public: time(retention.public),
      deadLetter: time(retention.deadLetter),
      internal: time(retention.internal),
      messages: archiveMs,
    },
    compression,
  };
}

function registryOf({ registry }: ConfigFile): Config['registry'] {
  if (registry === undefined) return null;
  const { url, auth = null, allowPrivate, startTimeout } = registry;
  return { url, auth, allowPrivate, startTimeoutMs: ms(startTimeout) };
}

function fsyncOf(text: string): FsyncPolicy {
  return text === 'commit' || text === 'never' ? text : { everyMs: ms(text) };
}

function msOrForever(text: string): number {
  return text === 'forever' ? Number.POSITIVE_INFINITY : ms(text);
}

/** A date alone is its midnight in UTC. */
export function instantMs(text: string): number {
  const date = parseDate(text);
  return Number.isNaN(date) ? parseInstant(text) : date;
}

function ms(duration: string): number {
  return parseDuration(duration)!;
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
