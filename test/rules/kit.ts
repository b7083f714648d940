// What the tests of the rule language share: checking one text, making events, and running one pattern as the
// event-time lane does.

import assert from 'node:assert/strict';
import { channelTraits } from '../../connectors/channels/index.ts';
import { formatProblem } from '../../lib/problem.ts';
import { settleRoute } from '../../processors/decide/sending.ts';
import type { Scope } from '../../rules/expressions/scope.ts';
import { type Candidate, type ChannelGate, type Gate, isChannelGate } from '../../rules/gates/gate.ts';
import { Route } from '../../rules/gates/route.ts';
import { type CompileOptions, checkRules, type RulesCheck } from '../../rules/index.ts';
import type { Match, PatternInput, PatternState } from '../../rules/patterns/pattern.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import { NO_CONTEXT } from '../../rules/project/context.ts';
import { Event, type EventFields } from '../../schemas/event.ts';
import type { JsonObject } from '../../schemas/json.ts';
import { Sections } from '../../schemas/section.ts';

export const OPTIONS: CompileOptions = { outOfOrdernessMs: 5_000, entities: [], channels: channelTraits({}) };

export function check(text: string, options: Partial<CompileOptions> = {}): RulesCheck {
  return checkRules([{ file: 'rule.yaml', text }], { ...OPTIONS, ...options });
}

/** The errors as people see them. */
export function errorsOf(text: string, options: Partial<CompileOptions> = {}): string[] {
  return check(text, options).errors.map(formatProblem);
}

/** The one rule of a text without mistakes. */
export function compiled(text: string, options: Partial<CompileOptions> = {}): CompiledRule {
  const { rules, errors } = check(text, options);
  assert.deepEqual(errors.map(formatProblem), []);
  assert.equal(rules.length, 1);
  return rules[0]!;
}

let made = 0;

export function event(
  name: string,
  timeMs: number,
  properties: JsonObject = {},
  fields: Partial<EventFields> = {},
): Event {
  made++;
  return new Event({
    messageId: `m${made}`,
    type: 'track',
    event: name,
    userId: 'u1',
    anonymousId: null,
    time: timeMs,
    properties,
    ...fields,
  });
}

export function scopeOf(fields: Partial<Scope> = {}): Scope {
  return {
    event: null,
    captures: {},
    profile: {},
    account: {},
    now: 0,
    session: null,
    sent: () => 0,
    count: () => 0,
    last: () => null,
    outcomes: () => 0,
    inSegment: () => false,
    score: () => 0,
    consent: () => true,
    inFlow: () => false,
    changesAt: () => {},
    ...fields,
  };
}

/** A candidate of the rule that was found at `at`, ms, of an entity of which nothing else is known. */
export function candidateOf(
  rule: CompiledRule,
  at: number,
  scope: Partial<Scope> = {},
  fields: Partial<Candidate> = {},
) {
  const candidate: Candidate = {
    rule,
    match: { at, events: ['m1'], captures: {}, event: null },
    entityKey: 'user/u1',
    fired: { fired: [], forgotten: -1 },
    firedKey: '',
    sections: new Sections(),
    scope: scopeOf({ now: at, ...scope }),
    failed: unexpected,
    around: { ...NO_CONTEXT, channels: OPTIONS.channels },
    said: () => undefined,
    devices: () => 0,
    by: '',
    flows: {
      lives: () => false,
      beginsAfter: () => false,
      began: () => false,
      count: () => 0,
      priorityOf: () => undefined,
    },
    wallTime: null,
    reviewed: null,
    routes: rule.program.sends.map((send) => new Route(send)),
    ...fields,
  };
  const before: string[] = [];
  for (const route of fields.routes === undefined ? candidate.routes : []) {
    settleRoute(route, rule.gates, { ...candidate, at, before });
    before.push(...route.channels.slice(0, 1));
  }
  return { ...candidate, rule };
}

/** The gate of a rule that says no for this reason; it must be one that is asked of the whole candidate. */
export function gateOf({ gates }: Pick<CompiledRule, 'gates'>, reason: string): Gate {
  const gate = gates.find((each) => each.reason === reason);
  assert.ok(gate !== undefined && !isChannelGate(gate), `the rule asks no gate "${reason}"`);
  return gate;
}

/** The same of a gate that is asked of a send's channels. */
export function channelGateOf({ gates }: Pick<CompiledRule, 'gates'>, reason: string): ChannelGate {
  const gate = gates.find((each) => each.reason === reason);
  assert.ok(gate !== undefined && isChannelGate(gate), `the rule asks no channel gate "${reason}"`);
  return gate;
}

/** Fails the test when an expression fails. */
export function unexpected(source: string, error: unknown): never {
  throw new Error(`"${source}" failed: ${String(error)}`);
}

/** Runs a rule's pattern over events, and says what it found. */
export class PatternRun {
  readonly matches: Match[] = [];
  readonly drops: string[] = [];
  readonly failures: string[] = [];
  state: PatternState | null = null;
  /** As identify messages have told it; to be set by the test. */
  profile: JsonObject = {};
  profileBefore: JsonObject = {};
  readonly #rule: CompiledRule;

  constructor(rule: CompiledRule) {
    this.#rule = rule;
  }

  /** In order of arrival, with no deadline in between. */
  see(...events: readonly Event[]): this {
    for (const one of events) this.state = this.#rule.pattern.onEvent(this.state, one, this.#input(one.time));
    return this;
  }

  /** As the event-time lane does: what is due before an event comes before it. */
  seeInOrder(...events: readonly Event[]): this {
    for (const one of events) {
      this.passTo(one.time - 1);
      this.see(one);
    }
    return this;
  }

  /** Stream time passes up to `time`: all deadlines up to it come. */
  passTo(time: number): this {
    for (;;) {
      const deadline = this.state === null ? Infinity : this.#rule.pattern.deadlineOf(this.state);
      if (this.state === null || deadline > time) return this;
      this.state = this.#rule.pattern.onDeadline(this.state, deadline, this.#input(deadline));
    }
  }

  /** Event times of the matches. */
  get times(): number[] {
    return this.matches.map((match) => match.at);
  }

  #input(now: number): PatternInput {
    return {
      scope: scopeOf({ now, profile: this.profile }),
      profileBefore: () => this.profileBefore,
      match: (match) => this.matches.push(match),
      failed: (source) => this.failures.push(source),
      dropped: (what) => this.drops.push(what),
    };
  }
}
