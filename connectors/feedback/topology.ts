// Adds the part that joins feedback to a topology: what was sent and what was heard of it in; outcomes, suppressions and consent out.

import type { Delivery } from '../../schemas/delivery.ts';
import { deliveryCodec, type SchemaIds } from '../../schemas/framed.ts';
import { encodeSuppression, type Suppression } from '../../schemas/suppression.ts';
import type { Topology } from '../../topology/engine/builder.ts';
import { feedbackTopic, publicTopics, sentTopic } from '../../topology/topics.ts';
import { consentChangeSink, deadLetterSink } from '../../topology/topology.ts';
import { feedbackSpec, JoinFeedback } from './feedback.ts';

export interface FeedbackOptions {
  readonly application: string;
  /** Prefix of the topics that others read. */
  readonly prefix: string;
  readonly schemaIds: SchemaIds;
}

const STORE = 'feedback';
const CACHE_BYTES = 4 * 1024 * 1024;

export function addFeedback(topology: Topology, { application, prefix, schemaIds }: FeedbackOptions): void {
  const { deliveries, suppressions, consentChanges, deadLetter } = publicTopics(prefix);
  topology
    .addSource('source sent', { topic: sentTopic(application), made: 'internal' })
    .addSource('source feedback', { topic: feedbackTopic(application), made: 'internal' })
    .addProcessor('join feedback', () => new JoinFeedback(STORE), ['source sent', 'source feedback'])
    .addStateStore(STORE, { documents: feedbackSpec, cacheBytes: CACHE_BYTES }, 'join feedback')
    .addSink(
      'deliveries feedback',
      {
        topic: deliveries,
        topics: [deliveries],
        encode: deliveryCodec.encoder(schemaIds[deliveries]),
        headers: (delivery: Delivery) => ({ 'tripline-decision-id': delivery.decision }),
      },
      ['join feedback'],
    )
    .addSink(
      'suppressions feedback',
      {
        topic: suppressions,
        topics: [suppressions],
        encode: (value: Suppression | null) => (value === null ? null : encodeSuppression(value)),
      },
      ['join feedback'],
    )
    .addSink('consent-changes feedback', consentChangeSink(consentChanges), ['join feedback'])
    .addSink('dead-letter feedback', deadLetterSink(deadLetter, schemaIds), ['join feedback']);
}
