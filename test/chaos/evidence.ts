// What the topics of the engine's own say of events that were decided wrongly: whether the journal read them, and whether
// the changelog kept what came of them.

import { partitionOf } from '../../lib/murmur2.ts';
import { readPartition } from '../../testing/journal-replay.ts';
import { journalCodec } from '../../topology/engine/journal.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { changelogTopic, journalTopic } from '../../topology/engine/topics.ts';

export interface Evidence {
  /** Offsets of the records of the user's document, each with the events that it names, wall times of the task in ms. */
  readonly documents: readonly { readonly offset: number; readonly time: number; readonly events: readonly string[] }[];
  /** What each commit of the user's task had read. */
  readonly journal: readonly { readonly offset: number; readonly time: number; readonly read: string }[];
}

/** `messageIds`: the events to be looked for in the documents. */
export async function evidenceOf(
  log: Log,
  application: string,
  partitions: number,
  user: string,
  messageIds: readonly string[],
): Promise<Evidence> {
  const partition = partitionOf(Buffer.from(user), partitions);
  const changes = await readPartition(log, { topic: changelogTopic(application, 'entities'), partition });
  const steps = await readPartition(log, { topic: journalTopic(application), partition });
  const documents = changes
    .filter(({ key }) => key !== null && Buffer.from(key).toString() === `user/${user}`)
    .map(({ offset, timestamp: time, value }) => {
      const bytes = Buffer.from(value ?? []);
      return { offset, time, events: messageIds.filter((id) => bytes.includes(avroString(id))) };
    });
  const journal = steps.flatMap(({ offset, timestamp: time, value }) => {
    const entry = journalCodec.decode(value!);
    if (!entry.task.startsWith('entities')) return [];
    const reads = new Map(
      entry.steps.filter(({ kind }) => kind === 'read').map(({ input, value: to }) => [entry.inputs[input]!, to]),
    );
    return [{ offset, time, read: [...reads].map(([input, to]) => `${input} to ${to}`).join(', ') }];
  });
  return { documents, journal };
}

/** A short string as Avro writes it. */
function avroString(text: string): Buffer {
  return Buffer.concat([Buffer.of(2 * text.length), Buffer.from(text)]);
}
