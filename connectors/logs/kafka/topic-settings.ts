// What a TopicSpec means as settings of a topic of a cluster.
//
// Only settings that managed clusters let their users change are made (docs/decisions/0014).

import type { TopicSpec } from '../../../topology/engine/ports.ts';

const HOUR_MS = 3_600_000;
/** A new segment of a compacted topic this often in bytes: only closed segments are compacted, so restores read less. */
const SEGMENT_BYTES = 64 * 1024 * 1024;
/** Every record is compacted within a day even in a quiet topic: what was erased is then really gone (I9). */
const COMPACTION_LAG_MS = 24 * HOUR_MS;
/** Deletions stay this long: a state folder that was away for less learns of them when it catches up. */
const DELETIONS_KEPT_MS = 7 * 24 * HOUR_MS;

export interface TopicSetting {
  readonly name: string;
  readonly value: string;
}

/** Settings that are made with the topic, and that `tripline topics` compares and mends. */
export function settingsOf(spec: TopicSpec): readonly TopicSetting[] {
  const { compacted = false, stampedOnAppend = false, purged = false, batchBytesMax, minInSyncReplicas } = spec;
  const retentionMs = purged ? undefined : spec.retentionMs;
  const settings: Record<string, string | number> = {
    'cleanup.policy': compacted ? (retentionMs === undefined ? 'compact' : 'compact,delete') : 'delete',
    'retention.ms': retentionMs ?? -1,
    // Retention by time of writing: decisions about old events, replayed, must not be deleted minutes later.
    'message.timestamp.type': stampedOnAppend || retentionMs !== undefined ? 'LogAppendTime' : 'CreateTime',
  };
  if (batchBytesMax !== undefined) settings['max.message.bytes'] = batchBytesMax;
  if (minInSyncReplicas !== undefined) settings['min.insync.replicas'] = minInSyncReplicas;
  if (compacted) {
    settings['segment.bytes'] = SEGMENT_BYTES;
    settings['max.compaction.lag.ms'] = COMPACTION_LAG_MS;
    settings['delete.retention.ms'] = DELETIONS_KEPT_MS;
  }
  return Object.entries(settings).map(([name, value]) => ({ name, value: String(value) }));
}
