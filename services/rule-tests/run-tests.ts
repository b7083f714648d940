// Runs the rules' inline tests on the production evaluator.
//
// A test sees its own rule and those its `expect` names, nothing else. It passes when every expected decision was made
// and nothing fired that was not expected; the same of the messages where it lists those. Suppressed decisions need to be listed
// only where they are asked for. Nobody is held out (docs/rules.md).

import type { FailedExpression } from '../../processors/decide/trace.ts';
import type { GivenEvent, InlineTest } from '../../rules/index.ts';
import { ruleSetOf } from '../../rules/index.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { Action } from '../../schemas/action.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { FlowRecord } from '../../schemas/flow-record.ts';
import type { Json } from '../../schemas/json.ts';
import { ENTITY_HEADER, type LogRecord } from '../../schemas/record.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import { END_OF_TIME, Replay } from '../../topology/replay.ts';
import { compare, type Row } from './compare.ts';
import { compareActions, type MessageRow } from './compare-actions.ts';

export interface TestResult {
  readonly test: InlineTest;
  readonly passed: boolean;
  /** What was expected beside what was decided. */
  readonly rows: readonly Row[];
  readonly decisions: readonly Decision[];
  /** What would have been sent, in order. */
  readonly actions: readonly Action[];
  /** What was expected beside what would have been sent. */
  readonly messages: readonly MessageRow[];
  /** What became of the rule's flow that began last, as tests say it. */
  readonly flow: string;
  /** Given events that could not be used, with the reason. */
  readonly refused: readonly string[];
  /** Expressions that failed, and so counted as false or as no value; each once. */
  readonly failures: readonly FailedExpression[];
}

export interface TestOptions {
  readonly outOfOrdernessMs: number;
  readonly dedupeWindowMs: number;
  readonly dedupeMax: number;
}

const RECORD_BYTES_MAX = 1_048_576;

export async function runTest(test: InlineTest, rules: RuleSet, options: TestOptions): Promise<TestResult> {
  const expected = [...(test.expect ?? []), ...(test.actions ?? [])];
  const named = new Set([test.rule, ...expected.map(({ rule }) => rule)]);
  const decisions: Decision[] = [];
  const actions: Action[] = [];
  const flows: FlowRecord[] = [];
  const refused: string[] = [];
  const failures = new Map<string, FailedExpression>();
  const replay = await Replay.open({
    ...options,
    rules: ruleSetOf(
      rules.rules.filter(({ id }) => named.has(id)),
      { ...rules.context, withHoldouts: false, deliveriesByName: true },
    ),
    inputs: [{ format: 'segment', entity: test.entity, id: 'entityId' }],
    store: new MemoryStore(),
    recordBytesMax: RECORD_BYTES_MAX,
    maxClockSkewMs: 0,
    // The test's own time is all there is: no event is from the future.
    wall: END_OF_TIME,
    withFacts: true,
    expressionFailed: (failed) => {
      const key = `${failed.rule} ${failed.expression}`;
      if (!failures.has(key)) failures.set(key, failed);
    },
    outputs: {
      decisions: (decision) => decisions.push(decision),
      actions: (action) => actions.push(action),
      flows: (record) => flows.push(record),
      'dead-letter': ({ message }) => refused.push(message),
    },
  });
  for (const [index, given] of test.given.entries())
    await give(replay, test, given, index, waitingIn(decisions, flows));
  const last = test.given.reduce((newest, { at }) => Math.max(newest, at), 0);
  await replay.complete(last + test.advanceMs);
  replay.close();
  const rows = test.expect === null ? [] : compare(test.expect, decisions);
  const messages = test.actions === null ? [] : compareActions(test.actions, actions, rules);
  const flow = lastFlow(flows, test.rule);
  return {
    test,
    decisions,
    actions,
    flow,
    refused,
    failures: [...failures.values()],
    rows,
    messages,
    passed:
      refused.length === 0 &&
      rows.every(({ isRight }) => isRight) &&
      messages.every(({ isRight }) => isRight) &&
      (test.flow === null || test.flow === flow),
  };
}

/** What the rule's flow that began last has come to, as tests say it. */
function lastFlow(flows: readonly FlowRecord[], rule: string): string {
  const last = flows.findLast((record) => record.rule === rule && record.kind === 'entered');
  if (last === undefined) return 'none';
  const end = flows.find(({ flow, kind }) => flow === last.flow && kind === 'ended');
  return end === undefined ? 'waiting' : `ended(${end.reason})`;
}

/** The decision, or flow, of an entity that waits for a person: the one that began to last. */
function waitingIn(decisions: readonly Decision[], flows: readonly FlowRecord[]): (entityId: string) => string | null {
  return (entityId) => {
    const flow = flows.findLast(
      ({ kind, reason, entity }) => kind === 'waiting' && reason === 'review' && entity.id === entityId,
    );
    const decision = decisions.findLast(({ outcome, entity }) => outcome === 'review' && entity.id === entityId);
    if (flow === undefined || (decision !== undefined && decision.at > flow.at)) return decision?.id ?? null;
    return flow.flow;
  };
}

/** Reads what is given; an answer comes when all before it has happened. */
async function give(
  replay: Replay,
  test: InlineTest,
  given: GivenEvent,
  index: number,
  waiting: (entityId: string) => string | null,
): Promise<void> {
  const { answer, scores, at, entityId } = given;
  if (answer === null && scores === null) {
    await replay.feed([recordOf(given, index)]);
    return;
  }
  await replay.complete(at);
  const send = (kind: 'command' | 'score', value: Json) => replay.feedFact(kind, factOf(test, given, value));
  if (answer !== null)
    await send('command', { kind: 'answer', of: waiting(entityId) ?? 'none', by: 'test', at, ...answer });
  for (const [model, value] of Object.entries(scores ?? {})) await send('score', { model, value, at });
}

function factOf({ entity }: InlineTest, { at, entityId }: GivenEvent, value: Json): LogRecord {
  const headers: LogRecord['headers'] = entity === 'user' ? [] : [[ENTITY_HEADER, Buffer.from(entity)]];
  return { offset: 0, timestamp: at, key: Buffer.from(entityId), value: Buffer.from(JSON.stringify(value)), headers };
}

function recordOf(given: GivenEvent, index: number) {
  const { entityId, at, type, event, messageId, properties, traits, context } = given;
  const message = {
    type,
    ...(type === 'track' && { event }),
    messageId: messageId ?? `given-${index + 1}`,
    userId: entityId,
    entityId,
    timestamp: at,
    properties,
    traits,
    context,
  };
  return { offset: index, timestamp: at, key: null, value: Buffer.from(JSON.stringify(message)), headers: [] };
}
