// Topics and groups: the admin side of the log.

import { FatalError } from '../../../lib/errors.ts';
import type { LogAdmin, TopicSpec } from '../../../topology/engine/ports.ts';
import type { LogState } from './log-state.ts';
import type { LogStore } from './log-store.ts';

/** Kafka's rule, so that a topic can move there; and safe as the name of a folder. */
const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/;

/** Answers from `state`; topics are created by `create`. */
export function logAdmin(state: LogState, create: LogAdmin['createTopics']): LogAdmin {
  return {
    topics: async () => new Map([...state.topics].map(([topic, { partitions }]) => [topic, partitions.length])),
    createTopics: create,
    committed: async (group, partitions) => partitions.map((partition) => state.committed(group, partition)),
    async offsets(where) {
      const { first, end } = state.partition(where);
      return { first, end, written: end };
    },
  };
}

/** Creates what is missing, all of it or nothing. Throws FatalError TRG_TOPIC_MISMATCH, TRG_CONFIG_INVALID. */
export function createTopics(store: LogStore, specs: readonly TopicSpec[]): Promise<void> {
  return store.exclusive(async () => {
    const missing = new Map<string, TopicSpec>();
    for (const spec of specs) {
      checkSpec(spec);
      const existing = store.state.topics.get(spec.topic)?.spec ?? missing.get(spec.topic);
      if (existing === undefined) missing.set(spec.topic, spec);
      else if (existing.partitions !== spec.partitions) throw mismatch(spec, existing.partitions);
    }
    if (missing.size > 0) await store.change({ topics: [...missing.values()].map(plain) }, true);
  });
}

function checkSpec({ topic, partitions }: TopicSpec): void {
  const isName = TOPIC_NAME.test(topic) && topic !== '.' && topic !== '..';
  if (isName && Number.isSafeInteger(partitions) && partitions > 0) return;
  throw new FatalError(
    'TRG_CONFIG_INVALID',
    `${JSON.stringify(topic)} with ${partitions} partitions cannot be a topic: names have 1 to 249 of a-z A-Z 0-9 . _ - and partitions are at least 1`,
    { topic, partitions },
  );
}

function mismatch({ topic, partitions }: TopicSpec, existing: number): FatalError {
  return new FatalError(
    'TRG_TOPIC_MISMATCH',
    `topic ${topic} has ${existing} partitions, not ${partitions}; their number cannot change`,
    { topic, partitions, existing },
  );
}

/** Only what is kept, whatever else the caller's object has. */
function plain({ topic, partitions, compacted, retentionMs }: TopicSpec): TopicSpec {
  return {
    topic,
    partitions,
    ...(compacted === undefined ? {} : { compacted }),
    ...(retentionMs === undefined ? {} : { retentionMs }),
  };
}
