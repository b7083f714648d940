// The rules topic: publishing a version, reading what was published.
//
// Invariants:
//   P1. Versions are numbered without gaps and two publishers never take one number: each fences the one before it, and reads
//       what is there before it writes.
//   P2. A version is never changed; what was there before comes back as a new version.

import { createHash } from 'node:crypto';
import { FencedError, RecordError, RetryableError } from '../../lib/errors.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import {
  decodePublishedRules,
  encodePublishedRules,
  type PublishedFile,
  type PublishedRules,
} from '../../schemas/published-rules.ts';
import type { LogRecord } from '../../schemas/record.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { publicTopics } from '../../topology/topics.ts';
import type { Config } from '../config/index.ts';
import { readTopic } from '../topics/read-topic.ts';

/** Where an application's rules are published. */
export interface RulesTopic {
  readonly topic: string;
  readonly application: string;
}

export function rulesTopicOf({ application, topics }: Pick<Config, 'application' | 'topics'>): RulesTopic {
  return { topic: publicTopics(topics.prefix).rules, application };
}

export interface Publication extends RulesTopic {
  readonly files: readonly PublishedFile[];
  /** What the files compile to. */
  readonly rules: readonly CompiledRule[];
  readonly origin: PublishedRules['origin'];
  readonly note: string | null;
  /** Wall time, ms. */
  readonly now: number;
}

/** Equal files in any order: equal digest. 16 hex digits. */
export function digestOf(files: readonly PublishedFile[]): string {
  const parts = files.map(({ kind, file, text }) => JSON.stringify([kind, file, text])).sort();
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16);
}

/** All versions of the application, the oldest first. */
export async function readPublished(log: Log, { topic, application }: RulesTopic): Promise<readonly PublishedRules[]> {
  const found: PublishedRules[] = [];
  for await (const record of readTopic(log, topic)) {
    const published = publishedIn(record, application);
    if (published !== null) found.push(published);
  }
  return found;
}

/** Null for what is another application's, deleted, or of a form that only a later version of Tripline knows. */
export function publishedIn({ value }: LogRecord, application: string): PublishedRules | null {
  if (value === null) return null;
  try {
    const published = decodePublishedRules(value);
    return published.application === application ? published : null;
  } catch (error) {
    if (error instanceof RecordError) return null;
    throw error;
  }
}

/**
 * Writes the next version, which `unless` may prevent. Throws RetryableError TRG_LOG_FENCED when somebody else publishes at
 * the same time, and what LogWriter throws.
 */
export async function publish(
  log: Log,
  { topic, application, files, rules, origin, note, now }: Publication,
  unless: (before: readonly PublishedRules[]) => boolean = () => false,
): Promise<PublishedRules | null> {
  await log.admin.createTopics([{ topic, partitions: 1, compacted: true }]);
  const writer = await log.openWriter(`${application}-rules`);
  try {
    const before = await readPublished(log, { topic, application });
    if (unless(before)) return null;
    const last = before.at(-1);
    const version = (last?.version ?? 0) + 1;
    const published: PublishedRules = {
      format: 1,
      application,
      version,
      publishedAt: now,
      origin,
      note,
      digest: digestOf(files),
      rules: Object.fromEntries(
        rules.map(({ id, version: own }) => [id, { version: own, since: last?.rules[id]?.since ?? version }]),
      ),
      files,
    };
    const key = Buffer.from(`${application}/${version}`);
    const value = encodePublishedRules(published);
    writer.send([{ topic, partition: 0, timestamp: now, key, value, headers: [] }]);
    await writer.commit(`${application}-rules`, []);
    return published;
  } catch (error) {
    if (!(error instanceof FencedError)) throw error;
    // P1. Workers that start together publish the same folder together.
    throw new RetryableError('TRG_LOG_FENCED', 'somebody else publishes rules at this moment', {}, error);
  } finally {
    await writer.close();
  }
}

/**
 * Publishes a worker's folder where it holds something new. A folder that is as its last publication, or as the last one by
 * command, has not changed: a rollback, or what somebody published from elsewhere, stays in force over a restart.
 */
export function publishFolder(
  log: Log,
  publication: Omit<Publication, 'origin' | 'note'>,
): Promise<PublishedRules | null> {
  const digest = digestOf(publication.files);
  return publish(log, { ...publication, origin: 'folder', note: null }, (before) => {
    const lastOf = (origin: PublishedRules['origin']) => before.findLast((each) => each.origin === origin);
    return [before.at(-1), lastOf('folder'), lastOf('command')].some((each) => each?.digest === digest);
  });
}
