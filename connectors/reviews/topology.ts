// Adds the part that tells people what waits for them to a topology: decisions and records of flows in, messages out.

import type { RuleSet } from '../../rules/project/rule-set.ts';
import { actionCodec, type SchemaIds } from '../../schemas/framed.ts';
import type { Topology } from '../../topology/engine/builder.ts';
import { actionsTopic, publicTopics } from '../../topology/topics.ts';
import { deadLetterSink } from '../../topology/topology.ts';
import { ReviewNotices } from './notices.ts';

export interface ReviewOptions {
  readonly application: string;
  /** Prefix of the topics that others read. */
  readonly prefix: string;
  readonly schemaIds: SchemaIds;
  /** To which messages go. */
  readonly channel: string;
  readonly rules: () => RuleSet;
}

export function addReviewNotices(topology: Topology, options: ReviewOptions): void {
  const { application, prefix, schemaIds, channel, rules } = options;
  const { decisions, flows, deadLetter } = publicTopics(prefix);
  const topic = actionsTopic(prefix, channel);
  topology
    .addSource('source reviews decisions', { topic: decisions })
    .addSource('source reviews flows', { topic: flows })
    .addProcessor('review-notices', () => new ReviewNotices({ application, decisions, channel, rules }), [
      'source reviews decisions',
      'source reviews flows',
    ])
    .addSink('notices', { topic, topics: [topic], encode: actionCodec.encoder(schemaIds[topic]) }, ['review-notices'])
    .addSink('dead-letter reviews', deadLetterSink(deadLetter, schemaIds), ['review-notices']);
}
