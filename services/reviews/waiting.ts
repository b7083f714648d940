// What waits for a person, as the log has it: decisions for review and flows at a step `review`.
//
// Owns: which there are, put together of tripline.flows, tripline.decisions and the commands that are still to be read. Does not own:
// pages (list.ts), answering (answer.ts).
//
// Invariants:
//   R1. What somebody has answered waits no more, whether or not its task has read the answer; nor does what is past its time, or what
//       belongs to a rule that is no longer in force.
//   R2. Memory grows with what waits and with what people assigned, not with the records (I8).

import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import { decodeCommand } from '../../schemas/commands.ts';
import type { Decision, EntityRef } from '../../schemas/decision.ts';
import type { FlowRecord } from '../../schemas/flow-record.ts';
import { decisionCodec, flowRecordCodec } from '../../schemas/framed.ts';
import { isJsonObject, type JsonObject } from '../../schemas/json.ts';
import { commandsTopic, publicTopics } from '../../topology/topics.ts';
import type { Pause } from '../operation.ts';
import type { ServiceContext } from '../service-context.ts';
import { readTopic, type TopicRecord } from '../topics/read-topic.ts';
import { RuleOfVersion } from './rule-of-version.ts';

export interface Assigned {
  readonly to: string;
  readonly by: string;
  /** ISO-8601. */
  readonly at: string;
}

/** Something that waits for a person. Times are ms since 1970. */
export interface WaitingReview {
  /** Of the decision, or the flow. */
  readonly id: string;
  readonly kind: 'decision' | 'flow';
  readonly ruleId: string;
  readonly ruleVersion: string;
  /** Of that version; of the one in force where that is not known any more. */
  readonly rule: CompiledRule;
  readonly entity: EntityRef;
  readonly since: number;
  /** Infinity: not known. */
  readonly until: number;
  readonly step: { readonly number: number; readonly name: string | null } | null;
  readonly events: readonly string[];
  readonly values: JsonObject;
  readonly assigned: Assigned | null;
}

const PAUSE_RECORDS = 1_000;

/** In order of the time since which they wait. Throws FatalError TRG_FILE_UNREADABLE without a log. */
export async function waitingReviews(context: ServiceContext, pause: Pause): Promise<readonly WaitingReview[]> {
  const { config, clock } = context;
  const log = await context.log();
  const topics = publicTopics(config.topics.prefix);
  const rules = new RuleOfVersion(await context.rules());
  const read = (topic: string): AsyncGenerator<TopicRecord> => paused(readTopic(log, topic), pause);

  const flows = new Map<string, FlowRecord>();
  const assigned = new Map<string, Assigned>();
  for await (const { value } of read(topics.flows)) {
    if (value !== null) flowTold(flowRecordCodec.decode(value), flows, assigned);
  }
  const decisions = new Map<string, Decision>();
  const ofFlows = new Map<string, Decision>();
  for await (const { value } of read(topics.decisions)) {
    if (value === null) continue;
    const decision = decisionCodec.decode(value);
    if (flows.has(decision.id)) ofFlows.set(decision.id, decision);
    if (decision.outcome === 'review') decisions.set(decision.id, decision);
    for (const id of settledBy(decision, decisions)) decisions.delete(id);
  }

  const waiting = new Map<string, WaitingReview>();
  const now = clock.now();
  const add = (found: Omit<WaitingReview, 'rule' | 'assigned'> & { readonly rule: CompiledRule | undefined }): void => {
    const { rule, ...rest } = found;
    if (rule === undefined || rest.until <= now) return;
    waiting.set(rest.id, { ...rest, rule, assigned: assigned.get(rest.id) ?? null });
  };
  for (const { id, rule: ruleId, ruleVersion, entity, at: since, events, values } of decisions.values()) {
    const rule = rules.find(ruleId, ruleVersion);
    const until = since + (rule?.review?.atMostMs ?? Infinity);
    add({ id, kind: 'decision', ruleId, ruleVersion, rule, entity, since, until, step: null, events, values });
  }
  for (const { flow: id, rule: ruleId, ruleVersion, entity, at: since, until, step: number, name } of flows.values()) {
    const rule = rules.find(ruleId, ruleVersion);
    const { events = [], values = {} } = ofFlows.get(id) ?? {};
    const step = { number: number!, name };
    add({ id, kind: 'flow', ruleId, ruleVersion, rule, entity, since, until: until!, step, events, values });
  }
  if (waiting.size === 0) return [];
  for await (const { value } of read(commandsTopic(config.application))) {
    const answer = value === null ? null : answerIn(value);
    if (answer !== null && answer.at > (waiting.get(answer.of)?.since ?? Infinity)) waiting.delete(answer.of);
  }
  return [...waiting.values()].sort((a, b) => a.since - b.since || (a.id < b.id ? -1 : 1));
}

function flowTold(record: FlowRecord, flows: Map<string, FlowRecord>, assigned: Map<string, Assigned>): void {
  const { kind, reason, flow, by, at } = record;
  if (kind === 'assigned') assigned.set(flow, { to: reason!, by: by!, at: new Date(at).toISOString() });
  else if (kind === 'waiting') {
    // Whoever was to look at an earlier step was not asked of this one.
    assigned.delete(flow);
    if (reason === 'review') flows.set(flow, record);
    else flows.delete(flow);
  } else if (kind === 'reviewed' || kind === 'ended') flows.delete(flow);
}

/** Which of those that wait the decision is the second one on: it names it, or its goal or what stops it took all of the same match. */
function settledBy(decision: Decision, waiting: ReadonlyMap<string, Decision>): readonly string[] {
  const { review } = decision.values;
  if (isJsonObject(review ?? null)) return [String((review as JsonObject)['of'])];
  if (decision.reason !== 'goal' && decision.reason !== 'stopped') return [];
  const match = matchKey(decision);
  return [...waiting.values()].filter((one) => matchKey(one) === match).map(({ id }) => id);
}

function matchKey({ rule, entity: { type, id }, events }: Decision): string {
  return JSON.stringify([rule, type, id, events]);
}

/** Null: it is none, or none that can be read. */
function answerIn(value: Uint8Array): { readonly of: string; readonly at: number } | null {
  try {
    const command = decodeCommand(value);
    return command.kind === 'answer' ? command : null;
  } catch {
    // Its task makes a dead letter of it.
    return null;
  }
}

async function* paused(records: AsyncGenerator<TopicRecord>, pause: Pause): AsyncGenerator<TopicRecord> {
  let count = 0;
  for await (const record of records) {
    if (++count % PAUSE_RECORDS === 0) await pause();
    yield record;
  }
}
