// Topic names, and what each topic is like. Which of them a topology needs is derived from it (requiredTopics).

import type { SubTopology } from './builder.ts';
import type { TopicSpec } from './ports.ts';

/** Topics that other teams read, by prefix (configuration; `tripline`). */
export function publicTopics(prefix: string) {
  return {
    decisions: `${prefix}.decisions`,
    deliveries: `${prefix}.deliveries`,
    deadLetter: `${prefix}.dead-letter`,
    late: `${prefix}.late`,
    profiles: `${prefix}.profiles`,
    consent: `${prefix}.consent`,
    rules: `${prefix}.rules`,
  } as const;
}

export function actionsTopic(channel: string): string {
  return `actions.${channel}`;
}

/** Internal topics start with the application's name. */
export function changelogTopic(application: string, store: string): string {
  return `${application}-${store}-changelog`;
}

export function repartitionTopic(application: string): string {
  return `${application}-events-repartition`;
}

/** What is asked of models beside the task, and what they answered. */
export function scoreRequestsTopic(application: string): string {
  return `${application}-score-requests`;
}

export function scoresTopic(application: string): string {
  return `${application}-scores`;
}

export function journalTopic(application: string): string {
  return `${application}-journal`;
}

export interface RequiredTopic extends TopicSpec {
  /** Others may read it; an internal one is the application's own. */
  readonly isPublic: boolean;
}

/** Everything the parts write to or keep, with as many partitions as there are tasks of the widest part. */
export function requiredTopics(
  application: string,
  parts: readonly SubTopology[],
  sourcePartitions: number,
): readonly RequiredTopic[] {
  const specs = new Map<string, RequiredTopic>();
  const internal = new Set([repartitionTopic, scoreRequestsTopic, scoresTopic].map((name) => name(application)));
  for (const part of parts) {
    for (const { topic, compacted } of part.sources) {
      if (compacted === true) specs.set(topic, { topic, partitions: sourcePartitions, compacted, isPublic: true });
    }
    for (const { topics } of part.sinks) {
      for (const topic of topics) {
        const isPublic = !internal.has(topic);
        specs.set(topic, { topic, partitions: sourcePartitions, isPublic });
      }
    }
    if (part.store !== null) {
      const topic = changelogTopic(application, part.name);
      specs.set(topic, { topic, partitions: sourcePartitions, compacted: true, isPublic: false });
      // All tasks read all versions, in one order.
      const { rules } = part.store.spec;
      if (rules !== undefined) {
        specs.set(rules.topic, { topic: rules.topic, partitions: 1, compacted: true, isPublic: true });
      }
    }
    if (part.journaled) {
      const topic = journalTopic(application);
      specs.set(topic, { topic, partitions: sourcePartitions, isPublic: false });
    }
  }
  return [...specs.values()];
}
