// Topic names, and what each topic is like. Which of them a topology needs is derived from it (requiredTopics).

import type { SourceSpec, SubTopology } from './engine/builder.ts';
import type { TopicSpec } from './engine/ports.ts';
import { changelogTopic, journalTopic } from './engine/topics.ts';

/** Topics that other teams read, by prefix (`topics.prefix` of the configuration). */
export function publicTopics(prefix: string) {
  return {
    decisions: `${prefix}.decisions`,
    deliveries: `${prefix}.deliveries`,
    deadLetter: `${prefix}.dead-letter`,
    late: `${prefix}.late`,
    profiles: `${prefix}.profiles`,
    consent: `${prefix}.consent`,
    consentChanges: `${prefix}.consent-changes`,
    suppressions: `${prefix}.suppressions`,
    channels: `${prefix}.channels`,
    messages: `${prefix}.messages`,
    flows: `${prefix}.flows`,
    rules: `${prefix}.rules`,
  } as const;
}

/** The prefix that leaves actions without one. */
export const DEFAULT_PREFIX = 'tripline';

/** Actions of a prefix of one's own are apart from those of other applications. */
export function actionsTopic(prefix: string, channel: string): string {
  return prefix === DEFAULT_PREFIX ? `actions.${channel}` : `${prefix}.actions.${channel}`;
}

export function repartitionTopic(application: string): string {
  return `${application}-events-repartition`;
}

/** What people and programs tell of an entity apart from events: devices, addresses that are good again, answers. */
export function commandsTopic(application: string): string {
  return `${application}-commands`;
}

/** Which message an id that a provider names is: written by connectors, joined with what is heard of it. */
export function sentTopic(application: string): string {
  return `${application}-sent`;
}

/** What callbacks, links and people say of messages. */
export function feedbackTopic(application: string): string {
  return `${application}-feedback`;
}

/** What is asked of models beside the task, and what they answered. */
export function scoreRequestsTopic(application: string): string {
  return `${application}-score-requests`;
}

export function scoresTopic(application: string): string {
  return `${application}-scores`;
}

/** Flows that ended before their time: `{ flow, at }`, keyed by the entity's id. */
export function cancellationsTopic(application: string): string {
  return `${application}-cancellations`;
}

/** What is told to inboxes (schemas/inbox.ts). */
export function inboxTopic(application: string): string {
  return `${application}-inbox-commands`;
}

export function isChangelogTopic(application: string, topic: string): boolean {
  return topic.startsWith(`${application}-`) && topic.endsWith('-changelog');
}

export function isInternalTopic(application: string, topic: string): boolean {
  return (
    topic.startsWith(`${application}-`) &&
    /-(changelog|journal|events-repartition|score-requests|scores|commands|cancellations|sent|feedback|inbox-commands)$/.test(
      topic,
    )
  );
}

/** What is decided of topics by configuration. Null: for ever, or as the log does it. */
export interface TopicSettings {
  readonly retentionMs: {
    readonly public: number | null;
    readonly deadLetter: number | null;
    readonly internal: number | null;
    /** Of what was sent, word by word. */
    readonly messages: number | null;
  };
  readonly replicationFactor: number | null;
  readonly minInSyncReplicas: number | null;
}

const UNDECIDED: TopicSettings = {
  retentionMs: { public: null, deadLetter: null, internal: null, messages: null },
  replicationFactor: null,
  minInSyncReplicas: null,
};

/**
 * Of every topic that is written: a dead letter, a repartitioned event or a document holds whole input records, of up to a
 * megabyte, which is what clusters take by default. More than this managed clusters do not allow.
 */
const BATCH_BYTES_MAX = 8 * 1024 * 1024;

export interface RequiredTopic extends TopicSpec {
  /** Others may read it; an internal one is the application's own. */
  readonly isPublic: boolean;
}

/** Everything the parts write to or keep, with as many partitions as there are tasks of the widest part. */
export function requiredTopics(
  application: string,
  parts: readonly SubTopology[],
  sourcePartitions: number,
  settings: TopicSettings = UNDECIDED,
): readonly RequiredTopic[] {
  const { retentionMs, replicationFactor, minInSyncReplicas } = settings;
  const common = {
    partitions: sourcePartitions,
    batchBytesMax: BATCH_BYTES_MAX,
    ...(replicationFactor !== null && { replicationFactor }),
    ...(minInSyncReplicas !== null && { minInSyncReplicas }),
  };
  const internal = new Set(
    [scoreRequestsTopic, scoresTopic, commandsTopic, inboxTopic, cancellationsTopic].map((topicOf) =>
      topicOf(application),
    ),
  );
  const keptFor = (time: number | null) => ({ stampedOnAppend: true, ...(time !== null && { retentionMs: time }) });
  const ofSink = (topic: string) => {
    // Its records are put in order by their event times, which are therefore kept.
    if (topic === repartitionTopic(application)) {
      return { ...keptFor(retentionMs.internal), stampedOnAppend: false, purged: true, isPublic: false };
    }
    if (internal.has(topic)) return { ...keptFor(retentionMs.internal), isPublic: false };
    return { ...keptFor(retentionMs[kindOf(topic)]), isPublic: true };
  };
  const ofSource = (made: NonNullable<SourceSpec['made']>) => {
    if (made === 'compacted') return { compacted: true, isPublic: true };
    const time = { forever: null, public: retentionMs.public, internal: retentionMs.internal }[made];
    return { ...keptFor(time), isPublic: made !== 'internal' };
  };
  const specs = new Map<string, RequiredTopic>();
  for (const part of parts) {
    for (const { topics } of part.sinks) {
      for (const topic of topics) {
        specs.set(topic, { topic, ...common, ...ofSink(topic) });
      }
    }
    if (part.store !== null) {
      const topic = changelogTopic(application, part.name);
      specs.set(topic, { topic, ...common, compacted: true, isPublic: false });
      // All tasks read all versions, in one order.
      const { versions } = part.store.spec;
      if (versions !== undefined) {
        specs.set(versions.topic, { topic: versions.topic, ...common, partitions: 1, compacted: true, isPublic: true });
      }
    }
    if (part.journaled) {
      const topic = journalTopic(application);
      specs.set(topic, { topic, ...common, ...keptFor(retentionMs.internal), isPublic: false });
    }
  }
  // How long a topic is kept is said by who reads it, whoever else writes it.
  for (const { topic, made } of parts.flatMap(({ sources }) => sources)) {
    if (made !== undefined) specs.set(topic, { topic, ...common, ...ofSource(made) });
  }
  // What is mirrored is kept whole, whoever else writes it.
  for (const { topic, isPublic, compacted } of parts.flatMap(({ tables }) => tables)) {
    specs.set(topic, { topic, ...common, isPublic, ...(compacted && { compacted }) });
  }
  return [...specs.values()];
}

function kindOf(topic: string): 'public' | 'deadLetter' | 'messages' {
  if (topic.endsWith('.dead-letter')) return 'deadLetter';
  return topic.endsWith('.messages') ? 'messages' : 'public';
}
