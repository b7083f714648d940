// Adds the part that asks models to a topology: requests in, answers out.

import type { SchemaIds } from '../../schemas/framed.ts';
import type { JsonObject } from '../../schemas/json.ts';
import type { Topology } from '../../topology/engine/builder.ts';
import { publicTopics, scoreRequestsTopic, scoresTopic } from '../../topology/topics.ts';
import { deadLetterSink } from '../../topology/topology.ts';
import { AskModels, askedScoresSpec } from './ask-models.ts';
import type { Scorer } from './scorer.ts';

export interface AskingOptions {
  readonly application: string;
  /** Prefix of the topics that others read. */
  readonly prefix: string;
  /** Of the registry, by topic; empty: ids of our own. */
  readonly schemaIds: SchemaIds;
  readonly scorers: ReadonlyMap<string, Scorer>;
}

const STORE = 'asked-scores';
/** Requests are short-lived; the cache only spans bursts. */
const CACHE_BYTES = 4 * 1024 * 1024;

export function addModels(topology: Topology, { application, prefix, schemaIds, scorers }: AskingOptions): void {
  const scores = scoresTopic(application);
  const { deadLetter } = publicTopics(prefix);
  topology
    .addSource('source score-requests', { topic: scoreRequestsTopic(application) })
    .addProcessor('ask models', () => new AskModels({ store: STORE, scorers }), ['source score-requests'])
    .addStateStore(STORE, { documents: askedScoresSpec, cacheBytes: CACHE_BYTES }, 'ask models')
    .addSink(
      'scores',
      { topic: scores, topics: [scores], encode: (answer: JsonObject) => Buffer.from(JSON.stringify(answer)) },
      ['ask models'],
    )
    .addSink('dead-letter scores', deadLetterSink(deadLetter, schemaIds), ['ask models']);
}
