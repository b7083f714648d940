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
  /** All decisions that the test asks for; null: it does not ask. */
  readonly expect: readonly ExpectedDecision[] | null;
  /** All actions of the rules that it names; null: it does not ask. */
  readonly actions: readonly ExpectedAction[] | null;
  /** What has become of the rule's last flow; null: it does not ask. */
  readonly flow: string | null;
}

export interface ExpectedAction {
  readonly place: SourcePlace;
  readonly at: number;
  /** Null, here and below: any. */
  readonly entityId: string | null;
  readonly rule: string;
  readonly channel: string | null;
  readonly template: string | null;
  readonly step: number | null;
  readonly name: string | null;
  /** Those values of its data that are asked. */
  readonly data: JsonObject;
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
  /** In place of an event: what a person says of what waits; null: it is an event. */
  readonly answer: { readonly verdict: 'approve' | 'edit' | 'reject'; readonly data: JsonObject } | null;
  /** In place of an event: what models answer, by id; null: it is none. */
  readonly scores: Readonly<Record<string, number>> | null;
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
  const expect = each(test.expect, [...path, 'expect'], (decision, place) =>
    readExpected(decision, rule, entity, place, builder),
  );
  const actions = each(test.actions, [...path, 'actions'], (action, place) =>
    readAction(action, rule, entity, place, builder),
  );
  if (
    builder.document.node([...path, 'expect']) === undefined &&
    test.actions === undefined &&
    test.flow === undefined
  ) {
    builder.error(path, 'the test expects nothing', 'add expect: [ … ], actions: [ … ] or flow: ended(goal)');
  }
  return {
    rule,
    entity,
    name: test.name ?? '',
    place: placeOf(builder, path),
    given,
    advanceMs: test.advance === undefined ? 0 : (parseDuration(test.advance) ?? 0),
    expect: test.expect === undefined ? null : expect,
    actions: test.actions === undefined ? null : actions,
    flow: test.flow ?? null,
  };
}

function each<Body, Read>(
  list: readonly (Body | undefined)[] | undefined,
  path: Path,
  read: (body: Body, path: Path) => Read,
): Read[] {
  return (list ?? []).flatMap((body, place) => (body === undefined ? [] : [read(body, [...path, place])]));
}

type GivenBody = NonNullable<NonNullable<InlineTestBody['given']>[number]>;
type ActionBody = NonNullable<NonNullable<InlineTestBody['actions']>[number]>;
type ExpectedBody = NonNullable<NonNullable<InlineTestBody['expect']>[number]>;

function readGiven(event: GivenBody, entity: string, path: Path, builder: RuleBuilder): GivenEvent {
  const id = idOf(event, entity, path, builder);
  if (id === null) {
    const hint = entity === 'user' ? 'add user: u1' : `add entity: id-of-the-${entity}`;
    builder.error(path, 'a given event must say whose it is', hint);
  }
  const type = event.type ?? 'track';
  const isEvent = event.answer === undefined && event.scores === undefined;
  if (!isEvent && event.event !== undefined) builder.error(path, 'this is an answer, or scores, and no event');
  else if (isEvent && type === 'track' && event.event === undefined) builder.error(path, 'a given event needs "event"');
  if (event.data !== undefined && event.answer !== 'edit') {
    builder.error(
      [...path, 'data'],
      '"data" is what a person changes',
      'beside answer: edit; of events it is properties',
    );
  }
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
    answer: event.answer === undefined ? null : { verdict: event.answer, data: (event.data ?? {}) as JsonObject },
    scores: event.scores === undefined ? null : (event.scores as Record<string, number>),
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

function readAction(
  action: ActionBody,
  rule: string,
  entity: string,
  path: Path,
  builder: RuleBuilder,
): ExpectedAction {
  const { channel = null, template = null, step = null, name = null, data = {} } = action;
  return {
    place: placeOf(builder, path),
    at: instantOf(action.at),
    entityId: idOf(action, entity, path, builder),
    rule: action.rule ?? rule,
    channel,
    template,
    step,
    name,
    data: data as JsonObject,
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
