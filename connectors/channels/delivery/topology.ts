// Adds the part of one channel's connector to a topology: actions in; deliveries, dead letters and what follows for others out.

import { assert } from '../../../lib/assert.ts';
import { utf8Bytes } from '../../../lib/bytes.ts';
import type { Rng } from '../../../lib/rng.ts';
import { encodeChannelState } from '../../../schemas/channel-state.ts';
import type { Delivery } from '../../../schemas/delivery.ts';
import { actionCodec, deliveryCodec, type SchemaIds } from '../../../schemas/framed.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import { encodeSuppression } from '../../../schemas/suppression.ts';
import type { SinkSpec, Topology } from '../../../topology/engine/builder.ts';
import { actionsTopic, commandsTopic, publicTopics, sentTopic } from '../../../topology/topics.ts';
import { deadLetterSink } from '../../../topology/topology.ts';
import { Deliver } from './deliver.ts';
import type { DeliveryDesk } from './desk.ts';
import { knownTopics, tableTopics } from './known.ts';
import { outboxSpec, outboxStore } from './outbox.ts';
import type { ArchivedMessage } from './outcomes.ts';
import type { ChannelSender } from './sender.ts';

export interface ConnectorOptions {
  readonly application: string;
  readonly channel: string;
  /** Prefix of the topics that others read. */
  readonly prefix: string;
  readonly sender: ChannelSender;
  readonly rng: Rng;
  /** Null: of a topology that is only looked at. */
  readonly desk: DeliveryDesk | null;
  /** Whether what was sent is kept. */
  readonly archives: boolean;
  /** Whether word of its messages may come later (connectors/feedback). */
  readonly tellsSent: boolean;
  /** The channel that alerts go to; null: nobody is alerted. */
  readonly alertsTo: string | null;
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
  const {
    application,
    prefix,
    archives,
    tellsSent,
    alertsTo,
    handsOverTo = null,
    schemaIds = {},
    desk,
    ...delivery
  } = options;
  const { channel } = options;
  const topics = publicTopics(prefix);
  const store = outboxStore(channel);
  const deliver = `deliver ${channel}`;
  const create = (): Deliver => {
    assert(desk !== null, 'a topology that is only looked at delivers nothing');
    return new Deliver({ ...delivery, desk, store, decode: actionCodec.decode, handsOver: handsOverTo !== null });
  };
  topology
    .addSource(`source ${channel}`, { topic: actionsTopic(prefix, channel) })
    .addProcessor(deliver, create, [`source ${channel}`], tableTopics(knownTopics(application, prefix)))
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
    .addSink(`dead-letter ${channel}`, deadLetterSink(topics.deadLetter, schemaIds), [deliver])
    .addSink(`channels ${channel}`, sinkOf(topics.channels, encodeChannelState), [deliver])
    .addSink(`suppressions ${channel}`, sinkOf(topics.suppressions, encodeSuppression), [deliver])
    .addSink(`commands ${channel}`, sinkOf<JsonObject>(commandsTopic(application), jsonBytes), [deliver]);
  if (tellsSent) topology.addSink(`sent ${channel}`, sinkOf<JsonObject>(sentTopic(application), jsonBytes), [deliver]);
  if (archives) topology.addSink(`messages ${channel}`, sinkOf<ArchivedMessage>(topics.messages, jsonBytes), [deliver]);
  if (alertsTo !== null) {
    const alerts = actionsTopic(prefix, alertsTo);
    topology.addSink(`alerts ${channel}`, sinkOf(alerts, actionCodec.encoder(schemaIds[alerts])), [deliver]);
  }
  if (handsOverTo !== null)
    topology.addSink(`hand-over ${channel}`, sinkOf<JsonObject>(handsOverTo, jsonBytes), [deliver]);
}

function sinkOf<Value>(topic: string, encode: (value: Value) => Uint8Array): SinkSpec<Value> {
  return { topic, topics: [topic], encode };
}

function jsonBytes(value: object): Uint8Array {
  return utf8Bytes(JSON.stringify(value));
}
