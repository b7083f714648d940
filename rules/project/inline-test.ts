// A rule's inline tests, read and typed. Running them is not done here.

import { parseDuration } from '../../lib/duration.ts';
import { parseInstant } from '../../lib/instant.ts';
import type { Outcome } from '../../schemas/decision.ts';
import type { JsonObject } from '../../schemas/json.ts';
import type { RuleBuilder } from '../expressions/rule-builder.ts';
import type { Path } from '../language/parse.ts';
import type { InlineTestBody, RuleBody } from './rule-schema.ts';

export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface InlineTest {
  /** The rule that the test stands in. */
  readonly rule: string;
  /** Type of the rule's entity, to which the ids below belong. */
  readonly entity: string;
  readonly name: string;
  readonly place: SourcePlace;
  /** In the order in which they are read. */
  readonly given: readonly GivenEvent[];
  /** How much time passes after the newest given event. */
  readonly advanceMs: number;
  /** All decisions that the test asks for. */
  readonly expect: readonly ExpectedDecision[];
}

export interface GivenEvent {
  readonly place: SourcePlace;
  readonly entityId: string;
  /** Event time, ms since 1970. */
  readonly at: number;
  readonly type: string;
  readonly event: string;
  /** Null: the runner makes one. */
  readonly messageId: string | null;
  readonly properties: JsonObject;
  readonly traits: JsonObject;
  readonly context: JsonObject;
}

export interface ExpectedDecision {
  readonly place: SourcePlace;
  /** Event time of the decision, ms since 1970. */
  readonly at: number;
  /** Null: whoever. */
  readonly entityId: string | null;
  readonly rule: string;
  readonly outcome: Outcome;
  /** Null: not asked. */
  readonly reason: string | null;
}

/** Mistakes go to the builder; tests are to be run only if there were none. */
export function readInlineTests(body: RuleBody, builder: RuleBuilder): InlineTest[] {
  const tests: InlineTest[] = [];
  const names = new Set<string>();
  for (const [index, test] of (body.tests ?? []).entries()) {
    if (test === undefined) continue;
    const path = ['tests', index];
    if (test.name !== undefined && names.has(test.name)) {
      builder.error([...path, 'name'], `another test of this rule is called "${test.name}"`);
    }
    names.add(test.name ?? '');
    tests.push(readTest(body, test, path, builder));
  }
  return tests;
}

function readTest(body: RuleBody, test: InlineTestBody, path: Path, builder: RuleBuilder): InlineTest {
  const rule = body.id ?? '';
  const entity = body.entity ?? 'user';
  const given: GivenEvent[] = [];
  for (const [index, event] of (test.given ?? []).entries()) {
    if (event !== undefined) given.push(readGiven(event, entity, [...path, 'given', index], builder));
  }
  const expect: ExpectedDecision[] = [];
  for (const [index, decision] of (test.expect ?? []).entries()) {
    if (decision !== undefined) expect.push(readExpected(decision, rule, entity, [...path, 'expect', index], builder));
  }
  return {
    rule,
    entity,
    name: test.name ?? '',
    place: placeOf(builder, path),
    given,
    advanceMs: test.advance === undefined ? 0 : (parseDuration(test.advance) ?? 0),
    expect,
  };
}

type GivenBody = NonNullable<NonNullable<InlineTestBody['given']>[number]>;
type ExpectedBody = NonNullable<NonNullable<InlineTestBody['expect']>[number]>;

function readGiven(event: GivenBody, entity: string, path: Path, builder: RuleBuilder): GivenEvent {
  const id = idOf(event, entity, path, builder);
  if (id === null) {
    const hint = entity === 'user' ? 'add user: u1' : `add entity: id-of-the-${entity}`;
    builder.error(path, 'a given event must say whose it is', hint);
  }
  const type = event.type ?? 'track';
  if (type === 'track' && event.event === undefined) builder.error(path, 'a given event needs "event"');
  return {
    place: placeOf(builder, path),
    entityId: id ?? '',
    at: instantOf(event.at),
    type,
    event: event.event ?? type,
    messageId: event.messageId ?? null,
    properties: (event.properties ?? {}) as JsonObject,
    traits: (event.traits ?? {}) as JsonObject,
    context: (event.context ?? {}) as JsonObject,
  };
}

function readExpected(
  decision: ExpectedBody,
  rule: string,
  entity: string,
  path: Path,
  builder: RuleBuilder,
): ExpectedDecision {
  if (decision.outcome === 'fired' && decision.reason !== undefined) {
    builder.error([...path, 'reason'], 'a fired decision has no reason', 'leave reason out, or expect suppressed');
  }
  return {
    place: placeOf(builder, path),
    at: instantOf(decision.at),
    entityId: idOf(decision, entity, path, builder),
    rule: decision.rule ?? rule,
    outcome: decision.outcome ?? 'fired',
    reason: decision.reason ?? null,
  };
}

/** `user` names the entity of user rules, `entity` that of others; null when neither is there. */
function idOf(
  body: { user?: string | undefined; entity?: string | undefined },
  entity: string,
  path: Path,
  builder: RuleBuilder,
): string | null {
  if (body.user !== undefined && body.entity !== undefined) {
    builder.error([...path, 'entity'], 'give "user" or "entity", not both');
  } else if (body.user !== undefined && entity !== 'user') {
    builder.error([...path, 'user'], `this rule is about a ${entity}`, 'write "entity" instead of "user"');
  }
  return body.user ?? body.entity ?? null;
}

/** A time that is missing or wrong was reported with the shape. */
function instantOf(text: string | undefined): number {
  return text === undefined ? 0 : parseInstant(text);
}

function placeOf(builder: RuleBuilder, path: Path): SourcePlace {
  return { file: builder.document.file, ...builder.document.place(path) };
}
