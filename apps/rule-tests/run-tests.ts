// Runs the rules' inline tests on the production evaluator.
//
// A test sees its own rule and those its `expect` names, nothing else. It passes when every expected decision was made
// and nothing fired that was not expected. Suppressed decisions need to be listed only where they are asked for. Nobody is
// held out (rules.md).

import type { RuleSet } from '../../rules/api.ts';
import type { ExpectedDecision, GivenEvent, InlineTest } from '../../rules/index.ts';
import { ruleSetOf } from '../../rules/index.ts';
import type { Decision } from '../../schemas/decision.ts';
import { MemoryStore } from '../../state/memory-store.ts';
import { END_OF_TIME, Replay } from '../../topology/replay.ts';

export interface TestResult {
  readonly test: InlineTest;
  readonly passed: boolean;
  readonly missing: readonly ExpectedDecision[];
  /** Fired, and not expected. */
  readonly unexpected: readonly Decision[];
  /** Everything decided, for the diff. */
  readonly decisions: readonly Decision[];
  /** Given events that could not be used, with the reason. */
  readonly refused: readonly string[];
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
  const refused: string[] = [];
  const replay = await Replay.open({
    ...options,
    rules: ruleSetOf(
      rules.rules.filter(({ id }) => named.has(id)),
      { ...rules.surroundings, withHoldouts: false },
    ),
    source: { format: 'segment', entity: test.entity, id: 'entityId' },
    store: new MemoryStore(),
    recordBytesMax: RECORD_BYTES_MAX,
    maxClockSkewMs: 0,
    // The test's own time is all there is: no event is from the future.
    wall: END_OF_TIME,
    outputs: {
      decisions: (decision) => decisions.push(decision),
      'dead-letter': ({ message }) => refused.push(message),
    },
  });
  await replay.feed(test.given.map(recordOf));
  const last = test.given.reduce((newest, { at }) => Math.max(newest, at), 0);
  await replay.complete(last + test.advanceMs);
  replay.close();
  return { test, decisions, refused, ...compare(test.expect, decisions, refused) };
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

function compare(expected: readonly ExpectedDecision[], decisions: readonly Decision[], refused: readonly string[]) {
  const rest = [...decisions];
  const missing: ExpectedDecision[] = [];
  for (const each of expected) {
    const at = rest.findIndex((decision) => matches(each, decision));
    if (at < 0) missing.push(each);
    else rest.splice(at, 1);
  }
  const unexpected = rest.filter(({ outcome }) => outcome === 'fired');
  return { missing, unexpected, passed: missing.length === 0 && unexpected.length === 0 && refused.length === 0 };
}

function matches(expected: ExpectedDecision, decision: Decision): boolean {
  return (
    expected.at === decision.at &&
    expected.rule === decision.rule &&
    expected.outcome === decision.outcome &&
    (expected.entityId === null || expected.entityId === decision.entity.id) &&
    (expected.reason === null || expected.reason === decision.reason)
  );
}

/** The result in lines for people; empty when it passed. */
export function explainFailure(result: TestResult): readonly string[] {
  const { test, missing, unexpected, decisions, refused } = result;
  const lines: string[] = [];
  for (const message of refused) lines.push(`a given event cannot be used: ${message}`);
  for (const { at, rule, entityId, outcome, reason } of missing) {
    lines.push(`- expected  ${lineOf(at, rule, entityId ?? 'anyone', outcome, reason)}`);
  }
  for (const { at, rule, entity, outcome, reason } of unexpected) {
    lines.push(`+ happened  ${lineOf(at, rule, entity.id, outcome, reason)}`);
  }
  const others = decisions.filter((decision) => !unexpected.includes(decision));
  if (missing.length > 0 && others.length > 0) {
    lines.push('  other decisions:');
    for (const { at, rule, entity, outcome, reason } of others) {
      lines.push(`            ${lineOf(at, rule, entity.id, outcome, reason)}`);
    }
  }
  if (missing.length > 0 && decisions.length === 0) {
    const last = test.given.reduce((newest, { at }) => Math.max(newest, at), 0) + test.advanceMs;
    lines.push(`  nothing was decided; the test's time ended at ${new Date(last).toISOString()} (see \`advance\`)`);
  }
  return lines;
}

function lineOf(at: number, rule: string, entity: string, outcome: string, reason: string | null): string {
  return `${new Date(at).toISOString()}  ${rule}  ${entity}  ${outcome}${reason === null ? '' : ` (${reason})`}`;
}
