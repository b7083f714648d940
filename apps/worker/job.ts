// The whole topology of a configuration: intake, evaluate, and a connector for each configured channel.

import type { ChannelSender } from '../../connectors/delivery/channel.ts';
import { addConnector } from '../../connectors/delivery/topology.ts';
import { createEmailSender } from '../../connectors/email/sender.ts';
import { openScorers } from '../../connectors/models/open-scorers.ts';
import { addModels } from '../../connectors/models/topology.ts';
import { Templates } from '../../connectors/templates.ts';
import { createWebhookSender } from '../../connectors/webhook/sender.ts';
import type { Clock } from '../../lib/clock.ts';
import { FatalError } from '../../lib/errors.ts';
import { systemRng } from '../../lib/rng.ts';
import type { SourceFormat } from '../../processors/normalise.ts';
import type { EvaluationTrace } from '../../processors/trace.ts';
import type { RuleSet } from '../../rules/api.ts';
import type { RemoteModel } from '../../rules/surroundings.ts';
import { CHANNELS } from '../../schemas/action.ts';
import type { Topology } from '../../topology/builder.ts';
import { RuleVersions } from '../../topology/rule-versions.ts';
import { publicTopics } from '../../topology/topics.ts';
import { triplineTopology } from '../../topology/topology.ts';
import type { Config, SourceConfig } from '../config/index.ts';
import type { Project } from '../project/load-project.ts';

/** Prefix of the topics that other teams read. */
export const TOPIC_PREFIX = 'tripline';

/** Decoded documents a task keeps; what is not here is read from LevelDB. */
const TASK_CACHE_BYTES = 48 * 1024 * 1024;

export interface Job {
  readonly topology: Topology;
  close(): Promise<void>;
}

/** Throws FatalError TRG_CONFIG_INVALID for what this version cannot do. */
export function jobOf(
  config: Config,
  project: Project,
  clock: Clock,
  versions: RuleVersions = unpublished(project.rules.ruleSet),
): Job {
  const rules = project.rules.ruleSet;
  const models = remoteModels(rules);
  const templates = project.templates[0] ?? new Templates(new Map());
  const topology = evaluationTopology(config, versions);
  const scorers = openScorers(models, clock);
  if (models.length > 0) addModels(topology, { application: config.application, prefix: TOPIC_PREFIX, scorers });
  const connectors = connectorsOf(config, templates, clock);
  for (const connector of connectors) {
    addConnector(topology, { prefix: TOPIC_PREFIX, rng: systemRng, ...connector });
  }
  return {
    topology,
    close: async () => {
      const scorersOpen = [...scorers.values()];
      await Promise.all([...connectors.map(({ sender }) => sender), ...scorersOpen].map((each) => each.close()));
    },
  };
}

/** Versions of rules of which none was published. */
export function unpublished(rules: RuleSet): RuleVersions {
  return new RuleVersions({ topic: publicTopics(TOPIC_PREFIX).rules, initial: rules, compile: () => undefined });
}

/** The topology without connectors: from sources to decisions and actions. `trace`: where a rule is being explained. */
export function evaluationTopology(config: Config, versions: RuleVersions, trace?: EvaluationTrace): Topology {
  return triplineTopology({
    application: config.application,
    prefix: TOPIC_PREFIX,
    sources: config.sources.map((source) => formatOf(source, config)),
    rules: () => versions.current,
    ruleVersions: versions,
    channels: CHANNELS,
    maxClockSkewMs: config.maxClockSkewMs,
    dedupeWindowMs: config.dedupeWindowMs,
    dedupeMax: config.dedupeMax,
    recordBytesMax: config.limits.recordBytes,
    readsFacts: true,
    asksModels: remoteModels(versions.initial).length > 0,
    useRecordTime: true,
    cacheBytes: TASK_CACHE_BYTES,
    trace,
  });
}

export function remoteModels(rules: RuleSet): readonly RemoteModel[] {
  return [...rules.surroundings.models.values()].filter((model) => model.kind !== 'linear');
}

function formatOf(source: SourceConfig, config: Config): SourceFormat {
  const { format, entity = 'user' } = source;
  if (format !== 'segment' && format !== 'json') {
    throw new FatalError(
      'TRG_CONFIG_INVALID',
      `source ${source.topic}: format ${format} is not available in this version; use segment or json`,
    );
  }
  const id = source.id ?? config.entities[entity]?.id;
  return {
    topic: source.topic,
    format,
    keyed: source.keyed,
    entity,
    ...(id !== undefined && { id }),
    ...(source.event !== undefined && { event: source.event }),
    ...(source.timestamp !== undefined && { timestamp: source.timestamp }),
    others: otherEntities(config, format, entity),
  };
}

/** What else an event of such a source may concern. Plain JSON says nothing of users but where the source is about them. */
export function otherEntities(
  { entities }: Pick<Config, 'entities'>,
  format: 'segment' | 'json',
  entity: string,
): readonly { readonly entity: string; readonly id: string }[] {
  const others = Object.entries(entities).flatMap(([name, { id }]) => (name === entity ? [] : [{ entity: name, id }]));
  return entity === 'user' || format === 'json' ? others : [{ entity: 'user', id: 'userId' }, ...others];
}

interface Connector {
  readonly channel: string;
  readonly sender: ChannelSender;
  readonly concurrency: number;
}

function connectorsOf({ channels }: Config, templates: Templates, clock: Clock): Connector[] {
  const { email, webhook } = channels;
  const connectors: Connector[] = [];
  if (email !== null) {
    const sender = createEmailSender(email, { clock, templates });
    connectors.push({ channel: 'email', sender, concurrency: email.concurrency });
  }
  if (webhook !== null) {
    const sender = createWebhookSender(webhook, { clock, templates });
    connectors.push({ channel: 'webhook', sender, concurrency: webhook.concurrency });
  }
  return connectors;
}
