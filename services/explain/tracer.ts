// Watches the evaluator while it evaluates one entity, for one rule, and writes down what it sees.
//
// Owns: wrapping the rule's pattern, and gathering steps. Does not own: where events come from (a journal, or files, in
// explain.ts), words (those of the pattern and its gates; gates.ts).
//
// Invariants:
//   X1. The rule that is watched is the compiled one; the wrapping looks on, and hands everything through.

import type { EvaluationTrace } from '../../processors/decide/trace.ts';
import type { Condition, Expression, Scope } from '../../rules/expressions/scope.ts';
import { jsonOfValue } from '../../rules/expressions/values.ts';
import type { CompiledProgram } from '../../rules/flows/index.ts';
import type { Candidate } from '../../rules/gates/gate.ts';
import { ruleSetOf } from '../../rules/index.ts';
import { isoOf } from '../../rules/patterns/definition.ts';
import type { Pattern, PatternInput, PatternState } from '../../rules/patterns/pattern.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { Event } from '../../schemas/event.ts';
import type { FlowRecord } from '../../schemas/flow-record.ts';
import type { Asked, EventVerdict, ExplainedGate } from './explanation.ts';
import { explainGates } from './gates.ts';

export interface TracedEvent {
  readonly kind: 'event';
  readonly at: number;
  readonly event: string;
  readonly id: string;
  verdict: EventVerdict;
  by: string | null;
  asked: readonly Asked[];
  progress: string | null;
}

export interface TracedDeadline {
  readonly kind: 'deadline';
  readonly at: number;
  readonly by: string | null;
  readonly meaning: string;
  asked: readonly Asked[];
}

export interface TracedDecision {
  readonly kind: 'decision';
  readonly at: number;
  readonly decision: Decision;
  readonly gates: readonly ExplainedGate[];
}

export interface TracedFlow {
  readonly kind: 'flow';
  readonly at: number;
  readonly record: FlowRecord;
}

export type TracedStep = TracedEvent | TracedDeadline | TracedDecision | TracedFlow;

/** How far the pattern had come for one value of `by`, after `at`. */
interface Progress {
  readonly at: number;
  readonly by: string | null;
  readonly state: PatternState | null;
  readonly words: string;
  readonly deadline: number;
}

export class Tracer implements EvaluationTrace {
  readonly #key: string;
  readonly #ruleId: string;
  readonly steps: TracedStep[] = [];
  readonly #progress: Progress[] = [];
  readonly #events = new Map<string, TracedEvent>();
  /** By version of the rule. */
  readonly #programs = new Map<string, CompiledProgram>();
  #rule: CompiledRule | null = null;
  #segments: ReadonlySet<Condition> = new Set();
  #asked: Asked[] = [];
  #by: string | null = null;
  #matched = false;

  /** `key`: type/id of the entity. */
  constructor(key: string, ruleId: string) {
    this.#key = key;
    this.#ruleId = ruleId;
  }

  /** The same rules, of which the one to be explained is watched. */
  watch(rules: RuleSet): RuleSet {
    const { context } = rules;
    this.#segments = new Set(Array.from(context.segments.values(), ({ condition }) => condition));
    this.#rule = rules.rule(this.#ruleId) ?? null;
    if (this.#rule !== null) this.#programs.set(this.#rule.version, this.#rule.program);
    const watched = rules.rules.map((rule) => (rule.id === this.#ruleId ? this.#watched(rule) : rule));
    // Flows that finish by their own version go by the rules that were there before.
    return ruleSetOf(watched, context, { ...rules, rules: [] });
  }

  /** The program of a version of the rule; undefined: none such was watched. */
  programOf(ruleVersion: string): CompiledProgram | undefined {
    return this.#programs.get(ruleVersion);
  }

  came(key: string, event: Event): boolean {
    if (key !== this.#key) return false;
    this.#note(event, this.#flowsAskFor(event) ? 'flow' : 'name');
    return true;
  }

  duplicate(event: Event): void {
    // The step that came() made is of the duplicate; what happened to the first stays as it was.
    const step = this.steps.findLast((each) => each.kind === 'event' && each.id === event.messageId) as TracedEvent;
    step.verdict = 'duplicate';
    const first = this.steps.find((each) => each.kind === 'event' && each.id === event.messageId) as TracedEvent;
    this.#events.set(event.messageId, first);
  }

  late(event: Event): void {
    const step = this.#events.get(event.messageId);
    if (step !== undefined && this.#asksFor(event)) step.verdict = 'late';
  }

  decided(decision: Decision, rule: CompiledRule, candidate: Candidate): void {
    if (decision.rule !== this.#ruleId) return;
    const gates = explainGates(decision.reason, rule, candidate);
    this.steps.push({ kind: 'decision', at: decision.at, decision, gates });
  }

  flowed(record: FlowRecord): void {
    if (record.rule === this.#ruleId) this.steps.push({ kind: 'flow', at: record.at, record });
  }

  /** How far each value of `by` had come at `at`, in words; Infinity: at the end. */
  progressAt(at: number): readonly { readonly by: string | null; readonly words: string }[] {
    const last = new Map<string | null, Progress>();
    for (const each of this.#progress) if (each.at <= at) last.set(each.by, each);
    if (last.size === 0) return [{ by: null, words: this.#progressWords(null, at, Infinity) }];
    return [...last.values()].map(({ by, words, state, deadline }) => ({
      by,
      words: at === Infinity ? words : this.#progressWords(state, at, deadline),
    }));
  }

  /** To be called at the end: events that event-time order has not come to. */
  finish(): void {
    if (this.#rule?.lane !== 'event-time') return;
    for (const step of this.#events.values()) {
      if ((step.verdict === 'name' || step.verdict === 'flow') && this.#asksFor(step)) step.verdict = 'waiting';
    }
  }

  #flowsAskFor({ event }: Event): boolean {
    const asked = this.#rule?.program.listensTo ?? [];
    return asked === '*' ? !event.startsWith('$') : asked.includes(event);
  }

  #asksFor({ event }: { readonly event: string }): boolean {
    const interests = this.#rule?.pattern.interests ?? [];
    return interests === '*' ? !event.startsWith('$') : interests.includes(event);
  }

  #note(event: Event, verdict: EventVerdict): TracedEvent {
    const step: TracedEvent = {
      kind: 'event',
      at: event.time,
      event: event.event,
      id: event.messageId,
      verdict,
      by: null,
      asked: [],
      progress: null,
    };
    this.steps.push(step);
    this.#events.set(event.messageId, step);
    return step;
  }

  #watched(rule: CompiledRule): CompiledRule {
    const { pattern } = rule;
    const watched: Pattern = {
      state: pattern.state,
      words: pattern.words,
      interests: pattern.interests,
      deadlineOf: (state) => pattern.deadlineOf(state),
      onEvent: (state, event, input) => {
        const before = fingerprint(state);
        const after = this.#during(input, (looked) => pattern.onEvent(state, event, looked));
        const known = this.#events.get(event.messageId);
        const step = known?.event === event.event ? known : this.#note(event, 'no-effect');
        step.by = rule.by === null ? null : this.#by;
        step.asked = this.#asked;
        const changed = fingerprint(after) !== before;
        const isFalse = this.#asked.some(({ value }) => value === false || value === null);
        const hasFailed = this.#asked.some(({ error }) => error !== null);
        step.verdict = changed || this.#matched ? 'counted' : hasFailed ? 'failed' : isFalse ? 'where' : 'no-effect';
        if (changed || this.#matched) step.progress = this.#noteProgress(after, event.time, step.by, pattern);
        return after;
      },
      onDeadline: (state, deadline, input) => {
        const meaning = pattern.words.deadline(state, isoOf(deadline));
        const by = rule.by === null ? null : this.#byOf(state);
        const after = this.#during(input, (looked) => pattern.onDeadline(state, deadline, looked));
        this.steps.push({ kind: 'deadline', at: deadline, by, meaning, asked: this.#asked });
        this.#noteProgress(after, deadline, by, pattern);
        return after;
      },
    };
    return { ...rule, pattern: watched, by: rule.by === null ? null : this.#watchedBy(rule.by) };
  }

  #watchedBy(by: Expression): Expression {
    return {
      source: by.source,
      evaluate: (scope) => {
        const step = scope.event === null ? undefined : this.#events.get(scope.event.messageId);
        this.#by = null;
        let value: unknown = null;
        try {
          value = by.evaluate(scope);
        } finally {
          const isMissing = value === null || value === undefined;
          if (!isMissing) this.#by = readable(String(value));
          else if (step !== undefined) step.verdict = 'by';
        }
        return value;
      },
    };
  }

  #during(input: PatternInput, run: (input: PatternInput) => PatternState | null): PatternState | null {
    const { scope } = input;
    this.#asked = [];
    this.#matched = false;
    scope.observer = (asked, value) => this.#observe(asked, value, scope);
    try {
      return run({
        scope,
        profileBefore: () => input.profileBefore(),
        failed: (source, error) => {
          this.#failed(source, error);
          input.failed(source, error);
        },
        dropped: (what) => input.dropped(what),
        match: (match) => {
          this.#matched = true;
          input.match(match);
        },
      });
    } finally {
      scope.observer = null;
    }
  }

  #observe(asked: Expression | Condition, value: unknown, scope: Scope): void {
    if (this.#segments.has(asked as Condition)) return;
    const values = 'values' in asked ? asked.values(scope) : {};
    const error = value instanceof Error ? value.message : null;
    this.#asked.push({ expression: asked.source, value: error === null ? jsonOfValue(value) : null, values, error });
  }

  /** What an expression failed with, after the value that it came to, if there was one. */
  #failed(source: string, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const last = this.#asked.at(-1);
    if (last?.expression === source && last.error !== null) return;
    const asked = last?.expression === source ? this.#asked.pop() : undefined;
    this.#asked.push({ expression: source, value: asked?.value ?? null, values: asked?.values ?? {}, error: message });
  }

  /** Notes how far the pattern has come; returns it in words. */
  #noteProgress(state: PatternState | null, at: number, by: string | null, pattern: Pattern): string {
    const deadline = state === null ? Infinity : pattern.deadlineOf(state);
    const words = this.#progressWords(state, at, deadline);
    // Patterns change their states in place: what is kept for --at must be a copy.
    this.#progress.push({ at, by, state: state === null ? null : plainState(state), words, deadline });
    return words;
  }

  #progressWords(state: PatternState | null, at: number, deadline: number): string {
    const words = this.#rule?.pattern.words;
    if (words === undefined) return '';
    return state === null ? words.nothing : words.progress(state, at, deadline === Infinity ? '' : isoOf(deadline));
  }

  /** A deadline comes with its state alone: whose it is was noted when it was set. */
  #byOf(state: PatternState): string | null {
    const print = fingerprint(state);
    return this.#progress.findLast((each) => fingerprint(each.state) === print)?.by ?? null;
  }
}

/** Keys are JSON (rules/expressions/values.ts), so that 1 and "1" differ: text is shown without its quotes. */
function readable(key: string): string {
  return /^".*"$/s.test(key) ? JSON.parse(key) : key;
}

/** Without the events' data, which words do not need. */
function plainState(state: PatternState): PatternState {
  return JSON.parse(fingerprint(state));
}

function fingerprint(state: PatternState | null): string {
  return JSON.stringify(state);
}
