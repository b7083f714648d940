// The whole topology of a configuration: intake, evaluate, and a connector for each configured channel.

import type { ChannelSender } from '../../connectors/delivery/channel.ts';
import { addConnector } from '../../connectors/delivery/topology.ts';
import { createEmailSender } from '../../connectors/email/sender.ts';
import { Templates } from '../../connectors/templates.ts';
import { createWebhookSender } from '../../connectors/webhook/sender.ts';
import type { Clock } from '../../lib/clock.ts';
import { FatalError } from '../../lib/errors.ts';
import { systemRng } from '../../lib/rng.ts';
import type { SourceFormat } from '../../processors/normalise.ts';
import { CHANNELS } from '../../schemas/action.ts';
import type { Topology } from '../../topology/builder.ts';
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
export function jobOf(config: Config, project: Project, clock: Clock): Job {
  const rules = project.rules.ruleSet;
  const templates = project.templates[0] ?? new Templates(new Map());
  const topology = triplineTopology({
    application: config.application,
    prefix: TOPIC_PREFIX,
    sources: config.sources.map((source) => formatOf(source, config)),
    rules: () => rules,
    channels: CHANNELS,
    maxClockSkewMs: config.maxClockSkewMs,
    dedupeWindowMs: config.dedupeWindowMs,
    dedupeMax: config.dedupeMax,
    recordBytesMax: config.limits.recordBytes,
    useRecordTime: true,
    cacheBytes: TASK_CACHE_BYTES,
  });
  const connectors = connectorsOf(config, templates, clock);
  for (const connector of connectors) {
    addConnector(topology, { prefix: TOPIC_PREFIX, rng: systemRng, ...connector });
  }
  return {
    topology,
    close: async () => {
      await Promise.all(connectors.map(({ sender }) => sender.close()));
    },
  };
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
  };
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
