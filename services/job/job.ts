// The whole topology of a configuration: intake, evaluate, and a connector for each configured channel.

import { type Channel, type ChannelDependencies, openChannel } from '../../connectors/channels/channel.ts';
import { measuredSender } from '../../connectors/channels/delivery/measured-sender.ts';
import type { ChannelSender } from '../../connectors/channels/delivery/sender.ts';
import { toldSender } from '../../connectors/channels/delivery/told-sender.ts';
import { addConnector } from '../../connectors/channels/delivery/topology.ts';
import { addInbox } from '../../connectors/channels/inapp/topology.ts';
import { channelNames, connectedChannels } from '../../connectors/channels/index.ts';
import type { Links } from '../../connectors/channels/links/links.ts';
import { Templates } from '../../connectors/channels/templates/templates.ts';
import { addFeedback } from '../../connectors/feedback/topology.ts';
import { openScorers } from '../../connectors/models/open-scorers.ts';
import type { Scorer } from '../../connectors/models/scorer.ts';
import { addModels } from '../../connectors/models/topology.ts';
import { addReviewNotices } from '../../connectors/reviews/topology.ts';
import { RegistryClient, SchemaCache } from '../../connectors/sources/schema-registry/index.ts';
import { AssertionError, assert } from '../../lib/assert.ts';
import type { Clock } from '../../lib/clock.ts';
import { createLogger, type Logger } from '../../lib/logger.ts';
import { systemRng } from '../../lib/rng.ts';
import type { EvaluationTrace } from '../../processors/decide/trace.ts';
import type { RemoteModel } from '../../rules/models/model.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { ConfirmationLinks } from '../../schemas/consent-request.ts';
import type { SchemaIds } from '../../schemas/framed.ts';
import type { SchemaLookup } from '../../schemas/schema-lookup.ts';
import type { Topology } from '../../topology/engine/builder.ts';
import type { EngineMonitor } from '../../topology/engine/monitor.ts';
import { RuleVersions } from '../../topology/rule-versions.ts';
import { inboxTopic, publicTopics } from '../../topology/topics.ts';
import { triplineTopology } from '../../topology/topology.ts';
import type { Config } from '../config/index.ts';
import type { Project } from '../project/load-project.ts';
import type { DeliveryParts } from './delivery.ts';
import { linksOf } from './links.ts';
import { formatOf } from './source-format.ts';

/** Decoded documents that the tasks of a thread keep together; what is not here is read from LevelDB. */
const THREAD_CACHE_BYTES = 48 * 1024 * 1024;

export interface Job {
  readonly topology: Topology;
  close(): Promise<void>;
}

export interface JobParts {
  /** Of the registry; left out: ids of our own. */
  readonly schemaIds?: SchemaIds;
  /** Of the engine that runs the job; left out: nothing is measured. */
  readonly monitor?: EngineMonitor;
  /** Is told of records that wait for a schema; left out: standard error. */
  readonly logger?: Logger;
  /** Left out: the project's rules, and none after them. */
  readonly versions?: RuleVersions;
  /** What its connectors share; left out: the job is only looked at, and delivers nothing. */
  readonly delivery?: DeliveryParts | null;
}

/** Asks nobody for anything until it runs. Throws FatalError TRG_CONFIG_INVALID, TRG_MODEL_UNAVAILABLE for what cannot be opened. */
export function jobOf(config: Config, project: Project, clock: Clock, parts: JobParts = {}): Job {
  const { schemaIds = {}, logger = createLogger(config.application) } = parts;
  const schemas = openSchemas(config, clock, logger);
  const rules = project.rules.ruleSet;
  const templates = project.templates[0] ?? new Templates(new Map());
  const { versions = unpublished(config, rules) } = parts;
  const scorers = openScorers(remoteModels(rules), clock);
  const ruleDescription = (rule: string): string | null => versions.current.rule(rule)?.description ?? null;
  const connectors = connectorsOf(config, { templates, clock, ruleDescription }).map((each) => {
    const { channel, sender } = each;
    return measured({ ...each, sender: toldSender(sender, { channel, clock, logger }) }, clock, parts.monitor);
  });
  const { delivery = null } = parts;
  const topology = wholeTopology(config, versions, { schemas, schemaIds, scorers, connectors, delivery });
  return {
    topology,
    close: async () => {
      await schemas?.close();
      const scorersOpen = [...scorers.values()];
      await Promise.all([...connectors.map(({ sender }) => sender), ...scorersOpen].map((each) => each.close()));
    },
  };
}

/** The topology of a job that is only looked at: nothing is opened for it, and no secret of a channel is needed. */
export function plannedTopology(config: Config, rules: RuleSet): Topology {
  const connectors = connectedChannels(config.channels).map(({ name, channel }) => ({
    channel: name,
    sender: UNOPENED,
    concurrency: 1,
    schedule: [],
    handsOverTo: handsOverTo(config, channel),
  }));
  return wholeTopology(config, unpublished(config, rules), { connectors, scorers: new Map(), delivery: null });
}

/** The schemas of a registry, for sources of Avro; null: no source needs them. To be closed. */
export function openSchemas(config: Config, clock: Clock, logger: Logger): SchemaCache | null {
  const isAvro = config.sources.some(({ format }) => format === 'avro');
  return isAvro && config.registry !== null
    ? new SchemaCache(new RegistryClient(config.registry, clock), { clock, logger })
    : null;
}

interface WholeParts extends EvaluationParts {
  readonly scorers: ReadonlyMap<string, Scorer>;
  readonly connectors: readonly Connector[];
  readonly delivery: DeliveryParts | null;
}

function wholeTopology(
  config: Config,
  versions: RuleVersions,
  { scorers, connectors, delivery, ...parts }: WholeParts,
): Topology {
  const topology = evaluationTopology(config, versions, parts);
  const {
    application,
    topics: { prefix },
  } = config;
  const { schemaIds = {} } = parts;
  if (remoteModels(versions.initial).length > 0) addModels(topology, { application, prefix, schemaIds, scorers });
  const tellsSent = config.http?.publicUrl !== undefined;
  if (tellsSent) addFeedback(topology, { application, prefix, schemaIds });
  const common = { application, prefix, schemaIds, rng: systemRng, archives: config.archiveMs !== null, tellsSent };
  for (const connector of connectors) {
    const desk = delivery?.desk(connector.channel) ?? null;
    addConnector(topology, { ...common, alertsTo: config.alerts?.channel ?? null, desk, ...connector });
  }
  if (config.reviews !== null) {
    const { channel } = config.reviews.slack;
    addReviewNotices(topology, { application, prefix, schemaIds, channel, rules: () => versions.current });
  }
  if (connectors.some(({ handsOverTo }) => handsOverTo !== null))
    addInbox(topology, { application, prefix, schemaIds });
  return topology;
}

export interface EvaluationParts {
  /** Of the registry, for sources of Avro; null: there is none. */
  readonly schemas?: SchemaLookup | null;
  readonly schemaIds?: SchemaIds;
  /** Where a rule is being explained. */
  readonly trace?: EvaluationTrace | undefined;
}

/** Versions of rules of which none was published. */
export function unpublished(config: Config, rules: RuleSet): RuleVersions {
  const { rules: topic } = publicTopics(config.topics.prefix);
  return new RuleVersions({ topic, initial: rules, compile: () => undefined });
}

/** The topology without connectors: from sources to decisions and actions. */
export function evaluationTopology(
  config: Config,
  versions: RuleVersions,
  { schemas = null, schemaIds = {}, trace }: EvaluationParts = {},
): Topology {
  return triplineTopology({
    application: config.application,
    prefix: config.topics.prefix,
    sources: config.sources.map((source) => formatOf(source, config, schemas)),
    rules: () => versions.current,
    ruleVersions: versions,
    channels: channelNames(config.channels),
    schemaIds,
    maxClockSkewMs: config.maxClockSkewMs,
    eventTime: config.eventTime,
    dedupeWindowMs: config.dedupeWindowMs,
    dedupeMax: config.dedupeMax,
    recordBytesMax: config.limits.recordBytes,
    readsFacts: true,
    consentEvents: config.consent.events,
    confirmations: confirmationsOf(config),
    asksModels: remoteModels(versions.initial).length > 0,
    useRecordTime: true,
    hasWallTime: true,
    cacheBytes: THREAD_CACHE_BYTES,
    trace,
  });
}

/** Undefined: nothing is to be confirmed. The secret of links is read once one is made. */
function confirmationsOf(config: Config): ConfirmationLinks | undefined {
  const { doubleOptIn } = config.consent;
  if (doubleOptIn === null) return undefined;
  let links: Links | null = null;
  return {
    withinMs: doubleOptIn.withinMs,
    urlOf(request) {
      links ??= linksOf(config);
      assert(
        links !== null,
        'where something is to be confirmed the world reaches this installation (config/consent.ts)',
      );
      return links.confirmationUrl(request);
    },
  };
}

export function remoteModels(rules: RuleSet): readonly RemoteModel[] {
  return [...rules.context.models.values()].filter((model) => model.kind !== 'linear');
}

interface Connector {
  readonly channel: string;
  readonly sender: ChannelSender;
  readonly concurrency: number;
  readonly schedule: readonly number[];
  readonly handsOverTo: string | null;
}

function measured(connector: Connector, clock: Clock, monitor: EngineMonitor | undefined): Connector {
  if (monitor === undefined) return connector;
  const { channel, sender } = connector;
  const { metrics, spans } = monitor;
  return { ...connector, sender: measuredSender(sender, { channel, clock, metrics, spans }) };
}

/** Of a topology that nobody runs. */
const UNOPENED: ChannelSender = {
  render: () => {
    throw new AssertionError('a topology that is only looked at renders nothing');
  },
  send: () => Promise.reject(new AssertionError('a topology that is only looked at sends nothing')),
  close: () => Promise.resolve(),
};

/** Messages of the inbox go on to the part that keeps it. */
function handsOverTo({ application }: Config, channel: Channel | undefined): string | null {
  return channel?.id === 'inapp' ? inboxTopic(application) : null;
}

function connectorsOf(
  config: Config,
  parts: Pick<ChannelDependencies, 'clock' | 'templates' | 'ruleDescription'>,
): Connector[] {
  const { application, channels } = config;
  const around = {
    application,
    publicUrl: config.http?.publicUrl ?? null,
    links: linksOf(config),
    always: new Set(config.consent.always),
  };
  return connectedChannels(channels).map(({ name, channel, connector, options }) => {
    const sender = openChannel(channel, options, { ...parts, ...around }, name);
    const { retryScheduleMs: schedule } = connector;
    return {
      channel: name,
      sender,
      concurrency: connector.concurrency(options),
      schedule,
      handsOverTo: handsOverTo(config, channel),
    };
  });
}
