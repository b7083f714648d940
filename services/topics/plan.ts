// Which topics a configuration needs, and what a log lacks of them: the one plan of the worker and of `tripline topics`.
//
// Invariants:
//   N1. Nothing is created while any topic has a wrong number of partitions: half a set would be harder to mend.

import { FatalError } from '../../lib/errors.ts';
import type { Topology } from '../../topology/engine/builder.ts';
import type { LogAdmin, TopicDrift, TopicSpec } from '../../topology/engine/ports.ts';
import { type RequiredTopic, requiredTopics } from '../../topology/topics.ts';
import type { Config } from '../config/index.ts';

/** What a configuration needs, before it is known how wide its sources are: plain values. */
export interface TopicNeeds {
  /** Topics of sources, in the order of the configuration. */
  readonly sources: readonly string[];
  /** Sources that feed the same tasks, and so must have the same partition count. */
  readonly together: readonly (readonly string[])[];
  /** Partitions of a source that is the first of all. */
  readonly partitions: number;
  /** All others; those with `partitions` 0 get as many as the widest source has. */
  readonly others: readonly RequiredTopic[];
}

export interface PlannedTopic extends TopicSpec {
  /** Read by it, read by others, or its own. */
  readonly kind: 'source' | 'public' | 'internal';
  readonly state: 'exists' | 'missing' | 'mismatch';
  /** Partitions it has; null: it is missing. `partitions` is what it needs. */
  readonly existing: number | null;
  /** What is wrong with it and how to mend that; null unless it is a mismatch. */
  readonly problem: string | null;
  /** Settings of an existing topic that are not as wanted, which `apply` mends; left out: not looked at, or none. */
  readonly drift?: readonly TopicDrift[];
}

export function topicNeeds(
  topology: Topology,
  { application, sources, log, topics }: Pick<Config, 'application' | 'sources' | 'log' | 'topics'>,
): TopicNeeds {
  const parts = topology.subTopologies();
  return {
    sources: sources.map(({ topic }) => topic),
    together: parts.map((part) => part.sources.map(({ topic }) => topic)),
    partitions: log.partitions,
    others: requiredTopics(application, parts, AS_WIDEST, topics),
  };
}

/** `existing`: partition counts of the log's topics, by name. Sources come first. */
export function planTopics(existing: ReadonlyMap<string, number>, needs: TopicNeeds): readonly PlannedTopic[] {
  const known = needs.sources.flatMap((topic) => existing.get(topic) ?? []);
  // A source that is new beside others gets as many as they have: outputs and state are cut that way already.
  const widest = known.length > 0 ? Math.max(...known) : needs.partitions;
  const planned = new Map<string, PlannedTopic>();
  for (const topic of needs.sources) planned.set(topic, sourcePlan(topic, existing.get(topic), widest));
  for (const { isPublic, ...spec } of needs.others) {
    if (planned.has(spec.topic)) continue;
    const wanted = { ...spec, partitions: spec.partitions === AS_WIDEST ? widest : spec.partitions };
    planned.set(spec.topic, outputPlan(wanted, isPublic ? 'public' : 'internal', existing.get(spec.topic)));
  }
  for (const sources of needs.together) {
    for (const topic of unlike(sources.map((source) => planned.get(source)).filter(isSource))) {
      planned.set(topic.topic, { ...topic, partitions: widest, state: 'mismatch', problem: unlikeText(topic, widest) });
    }
  }
  return [...planned.values()];
}

/** In place of a partition count: as many as the widest source has. */
const AS_WIDEST = 0;

/** Creates what the plan says is missing. Throws FatalError TRG_TOPIC_MISMATCH (N1). */
export async function createMissing(admin: LogAdmin, plan: readonly PlannedTopic[]): Promise<void> {
  const wrong = plan.find(({ state }) => state === 'mismatch');
  if (wrong !== undefined) {
    throw new FatalError('TRG_TOPIC_MISMATCH', `topic ${wrong.topic} ${wrong.problem}`, {
      topic: wrong.topic,
      hint: '`tripline topics plan` shows every topic; nothing was created',
    });
  }
  await admin.createTopics(plan.filter(({ state }) => state === 'missing').map(specOf));
}

/** The plan with what it says of existing topics' settings; those of sources are their owners' affair. */
export async function withDrift(admin: LogAdmin, plan: readonly PlannedTopic[]): Promise<readonly PlannedTopic[]> {
  const ours = plan.filter(({ kind, state }) => kind !== 'source' && state === 'exists');
  const drift = Map.groupBy((await admin.drift?.(ours.map(specOf))) ?? [], ({ topic }) => topic);
  return plan.map((each) => (drift.has(each.topic) ? { ...each, drift: drift.get(each.topic)! } : each));
}

function specOf({
  kind: _kind,
  state: _state,
  existing: _existing,
  problem: _problem,
  ...spec
}: PlannedTopic): TopicSpec {
  return spec;
}

function sourcePlan(topic: string, existing: number | undefined, widest: number): PlannedTopic {
  const state = existing === undefined ? 'missing' : 'exists';
  return { topic, kind: 'source', partitions: existing ?? widest, state, existing: existing ?? null, problem: null };
}

function outputPlan(spec: TopicSpec, kind: PlannedTopic['kind'], existing: number | undefined): PlannedTopic {
  const { partitions } = spec;
  if (existing === undefined) return { ...spec, kind, state: 'missing', existing: null, problem: null };
  if (existing === partitions) return { ...spec, kind, state: 'exists', existing, problem: null };
  const problem =
    `has ${existing} partitions and needs ${partitions}, as many as the widest source. Their number cannot change: give ` +
    `the sources ${existing} partitions, or begin anew with another application and dataDir`;
  return { ...spec, kind, state: 'mismatch', existing, problem };
}

/** Of sources that feed the same tasks, those with fewer partitions than the widest. */
function unlike(sources: readonly PlannedTopic[]): readonly PlannedTopic[] {
  const most = Math.max(...sources.map(({ partitions }) => partitions));
  return sources.filter(({ partitions }) => partitions < most);
}

function unlikeText({ partitions }: PlannedTopic, widest: number): string {
  return (
    `has ${partitions} partitions and feeds the same tasks as one with ${widest}: set \`keyed: false\` on this source, or ` +
    `recreate the topic with ${widest} partitions`
  );
}

function isSource(topic: PlannedTopic | undefined): topic is PlannedTopic {
  return topic !== undefined;
}
