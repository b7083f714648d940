// Adds the part that keeps inboxes to a topology: commands in, what people did with their messages out.

import type { Delivery } from '../../../schemas/delivery.ts';
import { deliveryCodec, type SchemaIds } from '../../../schemas/framed.ts';
import type { Topology } from '../../../topology/engine/builder.ts';
import { inboxTopic, publicTopics } from '../../../topology/topics.ts';
import { deadLetterSink } from '../../../topology/topology.ts';
import { inboxSpec } from './inbox.ts';
import { KeepInbox } from './keep-inbox.ts';

/** The store of inboxes, and so the part that is asked for them. */
export const INBOX_STORE = 'inbox';

/** Some hundred inboxes: who has the app open. */
const CACHE_BYTES = 16 * 1024 * 1024;

export interface InboxOptions {
  readonly application: string;
  /** Prefix of the topics that others read. */
  readonly prefix: string;
  /** Of a registry; left out: ids of our own. */
  readonly schemaIds?: SchemaIds;
}

export function addInbox(topology: Topology, { application, prefix, schemaIds = {} }: InboxOptions): void {
  const topics = publicTopics(prefix);
  topology
    .addSource('source inbox', { topic: inboxTopic(application) })
    .addProcessor('keep inbox', () => new KeepInbox(INBOX_STORE), ['source inbox'])
    .addStateStore(INBOX_STORE, { documents: inboxSpec, cacheBytes: CACHE_BYTES }, 'keep inbox')
    .addSink(
      'deliveries inbox',
      {
        topic: topics.deliveries,
        topics: [topics.deliveries],
        encode: deliveryCodec.encoder(schemaIds[topics.deliveries]),
        headers: (delivery: Delivery) => ({ 'tripline-decision-id': delivery.decision }),
      },
      ['keep inbox'],
    )
    .addSink('dead-letter inbox', deadLetterSink(topics.deadLetter, schemaIds), ['keep inbox']);
}
