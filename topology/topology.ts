// The job: from source topics to decisions and actions, top to bottom. Connectors add their parts to it
// (connectors/channels/delivery/topology.ts).

import { encodeScoreRequest, type ScoreRequest } from '../processors/decide/scores.ts';
import type { EvaluationTrace, FailedExpression } from '../processors/decide/trace.ts';
import { asksFor, concernOf } from '../processors/evaluate/concern.ts';
import { Evaluate } from '../processors/evaluate/evaluate.ts';
import { type ConsentEvent, ConsentEvents, namesOf } from '../processors/intake/consent-events.ts';
import type { EventTimeBounds } from '../processors/intake/event-time.ts';
import { Intake } from '../processors/intake/intake.ts';
import { type FactKind, KnownFacts } from '../processors/intake/known-facts.ts';
import {
  encodeRepartitioned,
  FromRepartition,
  type Repartitioned,
  ToRepartition,
} from '../processors/intake/repartition.ts';
import type { SourceFormat } from '../processors/intake/source-format.ts';
import type { RuleSet } from '../rules/project/rule-set.ts';
import type { Action } from '../schemas/action.ts';
import { type ConsentChange, encodeConsentChange } from '../schemas/consent-change.ts';
import type { ConfirmationLinks } from '../schemas/consent-request.ts';
import type { DeadLetter } from '../schemas/dead-letter.ts';
import type { Decision, EntityRef } from '../schemas/decision.ts';
import {
  actionCodec,
  deadLetterCodec,
  decisionCodec,
  flowRecordCodec,
  type Late,
  lateCodec,
  type SchemaIds,
} from '../schemas/framed.ts';
import { ENTITY_HEADER } from '../schemas/record.ts';
import { schemaIdOf } from '../schemas/schema-lookup.ts';
import { entityDocumentSpec } from '../state/entity/codec.ts';
import { type SinkSpec, type SourceSpec, Topology, type VersionSwitch } from './engine/builder.ts';
import {
  actionsTopic,
  cancellationsTopic,
  commandsTopic,
  publicTopics,
  repartitionTopic,
  scoreRequestsTopic,
  scoresTopic,
} from './topics.ts';

/** The store of entity documents, and so the part that evaluates. */
export const ENTITY_STORE = 'entities';

export interface JobOptions {
  readonly application: string;
  /** Prefix of the topics that others read. */
  readonly prefix: string;
  readonly sources: readonly SourceFormat[];
  readonly rules: () => RuleSet;
  /** Where `rules` changes while tasks run. */
  readonly ruleVersions?: VersionSwitch | undefined;
  /** Whether what is known of people comes in through topics of its own: profiles and consent. */
  readonly readsFacts?: boolean;
  /** Events that say consent; left out: none. */
  readonly consentEvents?: readonly ConsentEvent[];
  /** How people are asked to confirm their consent; left out: nobody is. */
  readonly confirmations?: ConfirmationLinks | undefined;
  /** Whether models are asked beside the task (connectors/models adds the part that asks). */
  readonly asksModels?: boolean;
  /** There is one partition, so that records need no repartition topic, whatever their keys: files and simulations. */
  readonly singlePartition?: boolean;
  /** Channels that rules may send to: one action topic each. */
  readonly channels: readonly string[];
  /** Of a registry; left out: ids of our own. */
  readonly schemaIds?: SchemaIds;
  readonly maxClockSkewMs: number;
  /** Left out: any time will do for an event. */
  readonly eventTime?: EventTimeBounds | undefined;
  readonly dedupeWindowMs: number;
  readonly dedupeMax: number;
  readonly recordBytesMax: number;
  /** Whether the task's wall time tells how old an event is; left out in tests and backtests. */
  readonly hasWallTime?: boolean;
  /** False where records carry no time of their own, such as lines of a file. */
  readonly useRecordTime: boolean;
  readonly cacheBytes: number;
  /** Where a rule is being explained. */
  readonly trace?: EvaluationTrace | undefined;
  /** As EvaluateOptions has it. */
  readonly expressionFailed?: ((failed: FailedExpression) => void) | undefined;
}

export function triplineTopology(options: JobOptions): Topology {
  const { application, sources, schemaIds: ids = {} } = options;
  const topics = publicTopics(options.prefix);
  const topology = new Topology();
  const direct = sources.filter((source) => isDirect(source) || options.singlePartition === true);
  const unkeyed = sources.filter((source) => !direct.includes(source));
  const evaluateParents: string[] = [];

  // 1. Sources whose key is not the entity: intake, then through the repartition topic.
  for (const source of unkeyed) {
    const { topic } = source;
    topology
      .addSource(`source ${topic}`, sourceSpec(source))
      .addProcessor(`intake ${topic}`, () => intake(source, options), [`source ${topic}`]);
    addConsentEvents(topology, topic, options);
    topology
      .addProcessor(`repartition ${topic}`, () => new ToRepartition(topic), [`intake ${topic}`])
      .addSink(`repartitioned ${topic}`, repartitionSink(application), [`repartition ${topic}`])
      .addSink(`dead-letter ${topic}`, deadLetterSink(topics.deadLetter, ids), [`intake ${topic}`]);
  }
  if (unkeyed.length > 0) {
    const upstream = unkeyed.map(({ topic }) => topic);
    topology
      .addSource('source events', { topic: repartitionTopic(application), upstream })
      .addProcessor('intake events', () => new FromRepartition(), ['source events']);
    evaluateParents.push('intake events');
  }

  // 2. Sources keyed by the entity: intake in the task that evaluates.
  for (const source of direct) {
    const { topic } = source;
    topology
      .addSource(`source ${topic}`, sourceSpec(source))
      .addProcessor(`intake ${topic}`, () => intake(source, options, true), [`source ${topic}`]);
    addConsentEvents(topology, topic, options);
    evaluateParents.push(`intake ${topic}`);
  }

  // 3. What is known of people, and what models answered.
  for (const [kind, topic] of factsTopics(options)) {
    topology
      .addSource(`source ${kind}`, { topic, upstream: [], ...made(kind) })
      .addProcessor(`known ${kind}`, () => new KnownFacts(kind, options), [`source ${kind}`]);
    evaluateParents.push(`known ${kind}`);
  }

  // 4. Evaluate, with one document an entity.
  topology
    .addProcessor('evaluate', () => new Evaluate({ ...options, store: ENTITY_STORE }), evaluateParents)
    .addStateStore(
      ENTITY_STORE,
      {
        documents: entityDocumentSpec(options.rules),
        cacheBytes: options.cacheBytes,
        versions: options.ruleVersions,
      },
      'evaluate',
    )
    .addSink('decisions', decisionSink(topics.decisions, ids), ['evaluate'])
    .addSink('actions', actionSink(options, ids), ['evaluate'])
    .addSink(
      'flows',
      { topic: topics.flows, topics: [topics.flows], encode: flowRecordCodec.encoder(ids[topics.flows]) },
      ['evaluate'],
    )
    .addSink('cancellations', cancellationSink(application), ['evaluate'])
    .addSink('late', lateSink(topics.late, ids), ['evaluate'])
    .addSink('dead-letter', deadLetterSink(topics.deadLetter, ids), evaluateParents);
  if (options.asksModels === true) topology.addSink('score-requests', scoreRequestSink(application), ['evaluate']);
  return topology;
}

function sourceSpec({ topic, schemas }: SourceFormat): SourceSpec {
  if (schemas === undefined) return { topic };
  return {
    topic,
    prepare: ({ value }) => {
      const id = value === null ? null : schemaIdOf(value);
      return id === null ? null : schemas.prepare(id);
    },
  };
}

/** Before anybody else is shown the event, as it may be refused. */
function addConsentEvents(topology: Topology, source: string, { consentEvents = [], prefix }: JobOptions): void {
  if (consentEvents.length === 0) return;
  const { consentChanges } = publicTopics(prefix);
  topology
    .addProcessor(`consent ${source}`, () => new ConsentEvents(consentEvents), [`intake ${source}`])
    .addSink(`consent-changes ${source}`, consentChangeSink(consentChanges), [`consent ${source}`]);
}

export function consentChangeSink(topic: string): SinkSpec<ConsentChange> {
  return { topic, topics: [topic], encode: encodeConsentChange };
}

/** A record whose events go to several entities cannot lie in the partition of each. */
function isDirect(source: SourceFormat): boolean {
  return source.keyed && (source.others ?? []).length === 0;
}

/** Answers of models have a sink, which makes their topic. */
function made(kind: FactKind): Pick<SourceSpec, 'made'> {
  if (kind === 'score') return {};
  const how = {
    profile: 'compacted',
    consent: 'compacted',
    'consent-change': 'forever',
    delivery: 'public',
    command: 'internal',
  };
  return { made: how[kind] as NonNullable<SourceSpec['made']> };
}

/** The topics of what is known beside events, by kind. */
export function factsTopics({
  application,
  prefix,
  readsFacts,
  asksModels,
}: Pick<JobOptions, 'application' | 'prefix' | 'readsFacts' | 'asksModels'>): readonly [FactKind, string][] {
  const { profiles, consent, consentChanges, deliveries } = publicTopics(prefix);
  const facts: [FactKind, string][] = [
    ['profile', profiles],
    ['consent', consent],
    ['consent-change', consentChanges],
    ['command', commandsTopic(application)],
    ['delivery', deliveries],
  ];
  const scores: [FactKind, string][] = [['score', scoresTopic(application)]];
  return [...(readsFacts === true ? facts : []), ...(asksModels === true ? scores : [])];
}

function scoreRequestSink(application: string): SinkSpec<ScoreRequest> {
  const topic = scoreRequestsTopic(application);
  return { topic, topics: [topic], encode: encodeScoreRequest };
}

/** `isDirect`: its events come straight to where they are evaluated. */
function intake(source: SourceFormat, options: JobOptions, isDirect = false): Intake {
  const { rules, trace, consentEvents = [] } = options;
  // Whoever explains a rule is shown every event.
  if (!isDirect || trace !== undefined) return new Intake({ ...options, source });
  const saysConsent = namesOf(consentEvents);
  return new Intake({
    ...options,
    source,
    isAsked: (name) => saysConsent.has(name) || asksFor(rules(), source.entity, name),
    concerns: (type, event) =>
      (type === 'user' && saysConsent.has(event.event)) || concernOf(rules(), type, event) !== null,
  });
}

/** The headers that tell a subscriber the decision without decoding the record (docs/subscribing.md). */
const DECISION_ID = 'tripline-decision-id';

function decisionSink(topic: string, ids: SchemaIds): SinkSpec<Decision> {
  return {
    topic,
    topics: [topic],
    encode: decisionCodec.encoder(ids[topic]),
    headers: (decision) => ({ [DECISION_ID]: decision.id }),
  };
}

function actionSink({ prefix, channels }: JobOptions, ids: SchemaIds): SinkSpec<Action> {
  const topicOf = (channel: string): string => actionsTopic(prefix, channel);
  const encoders = new Map(channels.map((channel) => [channel, actionCodec.encoder(ids[topicOf(channel)])]));
  return {
    topic: (action) => topicOf(action.channel),
    topics: channels.map(topicOf),
    encode: (action) => (encoders.get(action.channel) ?? actionCodec.encode)(action),
    headers: (action) => ({ [DECISION_ID]: action.decision }),
  };
}

interface Cancellation {
  readonly entity: EntityRef;
  readonly flow: string;
  readonly at: number;
}

function cancellationSink(application: string): SinkSpec<Cancellation> {
  const topic = cancellationsTopic(application);
  return {
    topic,
    topics: [topic],
    encode: ({ flow, at }) => Buffer.from(JSON.stringify({ flow, at })),
    headers: ({ entity }): Record<string, string> => (entity.type === 'user' ? {} : { [ENTITY_HEADER]: entity.type }),
  };
}

function lateSink(topic: string, ids: SchemaIds): SinkSpec<Late> {
  return { topic, topics: [topic], encode: lateCodec.encoder(ids[topic]) };
}

export function deadLetterSink(topic: string, ids: SchemaIds): SinkSpec<DeadLetter> {
  return { topic, topics: [topic], encode: deadLetterCodec.encoder(ids[topic]), takesRefused: true };
}

function repartitionSink(application: string): SinkSpec<Repartitioned> {
  const topic = repartitionTopic(application);
  return {
    topic,
    topics: [topic],
    encode: encodeRepartitioned,
    toAllPartitions: (value) => value.kind === 'watermark',
  };
}
