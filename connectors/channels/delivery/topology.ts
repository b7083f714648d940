// Adds the part of one channel's connector to a topology: actions in, deliveries and dead letters out.

import type { Rng } from '../../../lib/rng.ts';
import type { Delivery } from '../../../schemas/delivery.ts';
import { actionCodec, deliveryCodec, type SchemaIds } from '../../../schemas/framed.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import type { Topology } from '../../../topology/engine/builder.ts';
import { actionsTopic, publicTopics } from '../../../topology/topics.ts';
import { deadLetterSink } from '../../../topology/topology.ts';
import { Deliver } from './deliver.ts';
import { outboxSpec } from './outbox.ts';
import type { ChannelSender } from './sender.ts';

export interface ConnectorOptions {
  readonly channel: string;
  /** Prefix of the topics that others read. */
  readonly prefix: string;
  readonly sender: ChannelSender;
  readonly rng: Rng;
  /** Of a registry; left out: ids of our own. */
  readonly schemaIds?: SchemaIds;
  /** Sends under way at a time, for each partition; left out: Deliver's default. */
  readonly concurrency?: number;
  /** Delays before the second and later attempts, ms; left out: Deliver's default. */
  readonly schedule?: readonly number[];
  /** Where what its sender hands over goes, as JSON; null: it hands nothing over. */
  readonly handsOverTo?: string | null;
}

/** Outboxes are short-lived; the cache only spans bursts. */
const CACHE_BYTES = 8 * 1024 * 1024;

export function addConnector(topology: Topology, options: ConnectorOptions): void {
  const { prefix, schemaIds = {}, handsOverTo = null, ...delivery } = options;
  const { channel } = options;
  const topics = publicTopics(prefix);
  const store = `outbox-${channel}`;
  const deliver = `deliver ${channel}`;
  topology
    .addSource(`source ${channel}`, { topic: actionsTopic(prefix, channel) })
    .addProcessor(deliver, () => new Deliver({ ...delivery, store, decode: actionCodec.decode }), [`source ${channel}`])
    .addStateStore(store, { documents: outboxSpec, cacheBytes: CACHE_BYTES }, deliver)
    .addSink(
      `deliveries ${channel}`,
      {
        topic: topics.deliveries,
        topics: [topics.deliveries],
        encode: deliveryCodec.encoder(schemaIds[topics.deliveries]),
        headers: (delivery: Delivery) => ({ 'tripline-decision-id': delivery.decision }),
      },
      [deliver],
    )
    .addSink(`dead-letter ${channel}`, deadLetterSink(topics.deadLetter, schemaIds), [deliver]);
  if (handsOverTo === null) return;
  const encode = (value: JsonObject): Uint8Array => Buffer.from(JSON.stringify(value));
  topology.addSink(`hand-over ${channel}`, { topic: handsOverTo, topics: [handsOverTo], encode }, [deliver]);
}
