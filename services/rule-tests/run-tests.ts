// Runs the rules' inline tests on the production evaluator.
//
// A test sees its own rule and those its `expect` names, nothing else. It passes when every expected decision was made
// and nothing fired that was not expected. Suppressed decisions need to be listed only where they are asked for. Nobody is
// held out (docs/rules.md).

import type { FailedExpression } from '../../processors/decide/trace.ts';
import type { GivenEvent, InlineTest } from '../../rules/index.ts';
import { ruleSetOf } from '../../rules/index.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { Action } from '../../schemas/action.ts';
import type { Decision } from '../../schemas/decision.ts';
import { MemoryStore } from '../../state/store/memory-store.ts';
import { END_OF_TIME, Replay } from '../../topology/replay.ts';
import { compare, type Row } from './compare.ts';

export interface TestResult {
  readonly test: InlineTest;
  readonly passed: boolean;
  /** What was expected beside what was decided. */
  readonly rows: readonly Row[];
  readonly decisions: readonly Decision[];
  /** What would have been sent, in order. */
  readonly actions: readonly Action[];
  /** Given events that could not be used, with the reason. */
  readonly refused: readonly string[];
  /** Expressions that failed, and so counted as false; each once. */
  readonly failures: readonly FailedExpression[];
}

export interface TestOptions {
  readonly outOfOrdernessMs: number;
  readonly dedupeWindowMs: number;
  readonly dedupeMax: number;
}

const RECORD_BYTES_MAX = 1_048_576;

export async function runTest(test: InlineTest, rules: RuleSet, options: TestOptions): Promise<TestResult> {
  const named = new Set([test.rule, ...test.expect.map(({ rule }) => rule)]);
  const decisions: Decision[] = [];
  const actions: Action[] = [];
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
    expressionFailed: (failed) => {
      const key = `${failed.rule} ${failed.expression}`;
      if (!failures.has(key)) failures.set(key, failed);
    },
    outputs: {
      decisions: (decision) => decisions.push(decision),
      actions: (action) => actions.push(action),
      'dead-letter': ({ message }) => refused.push(message),
    },
  });
  await replay.feed(test.given.map(recordOf));
  const last = test.given.reduce((newest, { at }) => Math.max(newest, at), 0);
  await replay.complete(last + test.advanceMs);
  replay.close();
  const rows = compare(test.expect, decisions);
  return {
    test,
    decisions,
    actions,
    refused,
    failures: [...failures.values()],
    rows,
    passed: refused.length === 0 && rows.every(({ isRight }) => isRight),
  };
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
