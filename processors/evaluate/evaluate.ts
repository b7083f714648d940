// Evaluate: the events of one entity against the rules that care, in two lanes, with the entity's document as memory.
//
// Owns: duplicates, the sort buffer of event-time rules, lateness, running patterns and deadlines, and when facts and
// segments are looked at. Does not own: what a pattern means (rules/patterns), facts (facts.ts), segments (segments.ts),
// gates and records (gates.ts, decide.ts), when time passes (topology/engine).
//
// Invariants:
//   V1. An event that no rule asks for leaves no trace in state.
//   V2. Event-time rules see an entity's events in order of (event time, arrival), once stream time has passed them; a
//       deadline at t comes after the events stamped t and before those stamped later (design.md, Time 4 and 5).
//   V3. An event is late only if its own entity has been evaluated past it by event-time rules; it is then recorded with
//       the rules that did not see it, and arrival rules see it all the same.
//   V4. What an event tells (traits, group, history, consent) is known before any rule is shown it.

import type { CompiledRule, Lane, Pattern, PatternInput, PatternState, RuleSet } from '../../rules/api.ts';
import { avroCodec } from '../../schemas/codec.ts';
import type { Decision } from '../../schemas/decision.ts';
import type { Event, EventRecord } from '../../schemas/event.ts';
import { segmentEvent } from '../../schemas/internal-events.ts';
import type { JsonObject } from '../../schemas/json.ts';
import { traceHeaders } from '../../schemas/trace.ts';
import { contextDue } from '../../state/entity/context.ts';
import {
  type EntityDocument,
  earliestDeadline,
  emptyEntityDocument,
  entityOfKey,
  forgetMisfits,
  type Instance,
} from '../../state/entity/document.ts';
import type { MeasuredTrace, Message, Processor, ProcessorContext } from '../../state/processor.ts';
import type { DocumentStore } from '../../state/store/api.ts';
import { type DecideOutput, type DecisionTrace, decide, type FoundMatch } from '../decide/decide.ts';
import {
  applyAttributes,
  applyInstantFact,
  forgetUnasked,
  isInstantFact,
  isInstantFactName,
  rememberEvent,
  setsAttributes,
} from './facts.ts';
import { matchOf, release } from './held.ts';
import { instanceOf, keepState } from './instances.ts';
import { EntityScope } from './scope.ts';
import { missingScores } from './scores.ts';
import { concernsSegments, lookAtSegments, segmentsChangeAt } from './segments.ts';
import type { EvaluationTrace } from './trace.ts';

export interface EvaluateOptions {
  readonly rules: () => RuleSet;
  readonly dedupeWindowMs: number;
  readonly dedupeMax: number;
  /** Name of the entity store. */
  readonly store: string;
  /** Where a rule is being explained; left out in every other run. */
  readonly trace?: EvaluationTrace | undefined;
}

/** Events one entity may have waiting for stream time; beyond it the earliest is evaluated before its time. */
const BUFFER_MAX = 10_000;

const envelope = avroCodec<EventRecord>('events/event');

/** Whether an event of type `track` and this name leaves a trace anywhere (V1). */
export function asksFor(rules: RuleSet, entity: string, name: string): boolean {
  return (
    rules.interested(entity, 'event-time', name).length > 0 ||
    rules.interested(entity, 'arrival', name).length > 0 ||
    rules.needs(entity).history.has(name) ||
    isInstantFactName(name)
  );
}

/** Children: `decisions`, `actions`, `late`, and `score-requests` where models are asked beside the task. */
export class Evaluate implements Processor<Event> {
  readonly #options: EvaluateOptions;
  readonly #scope = new EntityScope((source) => this.#context.count('expression-failed', { segment: source }));
  #context!: ProcessorContext;
  #store!: DocumentStore<EntityDocument>;
  #output!: DecideOutput;
  #input!: PatternInput;
  /** The rule whose pattern is running, for what it reports through #input. */
  #running!: CompiledRule;
  #found: FoundMatch[] = [];
  /** Of the entity at hand. */
  #key = '';
  /** The profile before the identify message at hand; null: it does not change. */
  #profileBefore: JsonObject | null = null;

  constructor(options: EvaluateOptions) {
    this.#options = options;
  }

  init(context: ProcessorContext): void {
    this.#context = context;
    this.#store = context.store(this.#options.store);
    this.#input = {
      scope: this.#scope,
      profileBefore: () => this.#profileBefore ?? this.#scope.profile,
      match: (match) => this.#found.push({ rule: this.#running, match }),
      failed: () => context.count('expression-failed', { rule: this.#running.id }),
      dropped: (what) => context.count('dropped', { rule: this.#running.id, what }),
    };
    this.#output = {
      decision: (value, { urgency }, trace) => {
        context.count('decision', { rule: value.rule, outcome: value.outcome });
        context.measure('decision-latency', value.at, { urgency }, trace === null ? undefined : spanOf(value, trace));
        const headers = traceHeaders(trace?.own ?? null);
        context.forward({ key: value.entity.id, value, timestamp: value.at, headers }, 'decisions');
      },
      action: (value, trace) => {
        const headers = traceHeaders(trace?.own ?? null);
        context.forward({ key: value.entity.id, value, timestamp: value.at, headers }, 'actions');
      },
      ask: (value) => {
        context.count('score-asked', { model: value.model });
        context.forward({ key: value.entity.id, value, timestamp: value.at, headers: [] }, 'score-requests');
      },
      failed: (rule) => context.count('expression-failed', { rule: rule.id }),
      dropped: (rule, what) => context.count('dropped', { rule: rule.id, what }),
      settledTime: (document) => this.#settled(document, this.#options.rules()),
      trace: this.#options.trace ?? null,
    };
  }

  process({ key, value: event }: Message<Event>): void {
    const { trace } = this.#options;
    if (trace !== undefined && !trace.came(key, event)) return;
    const rules = this.#options.rules();
    const entity = key.slice(0, key.indexOf('/'));
    const arrival = rules.interested(entity, 'arrival', event.event);
    const ordered = rules.interested(entity, 'event-time', event.event);
    const needs = rules.needs(entity);
    const changes = setsAttributes(event, needs);
    const longestMs = needs.history.get(event.event);
    const isFact = isInstantFact(event);
    // V1
    if (arrival.length === 0 && ordered.length === 0 && !changes && longestMs === undefined && !isFact) {
      this.#context.count('unasked');
      return;
    }
    this.#key = key;
    const document = this.#store.get(key) ?? emptyEntityDocument();
    forgetMisfits(document, rules);
    if (this.#isDuplicate(document, event)) {
      this.#context.count('duplicate');
      trace?.duplicate(event);
      return;
    }
    const segments = rules.segments(entity);
    const looks = segments.length > 0 && concernsSegments(segments, event);
    // What time alone changed before the event is decided by itself: candidates of different times do not compete.
    while (looks && segmentsChangeAt(document, 'arrival') < event.time) {
      this.#passSegments(document, rules, 'arrival', segmentsChangeAt(document, 'arrival'));
      this.#decide(key, document);
    }
    // V4
    if (longestMs !== undefined) rememberEvent(document, event, longestMs, this.#settled(document, rules));
    if (isFact) applyInstantFact(document, event, needs.models);
    const before = changes && arrival.length > 0 ? this.#profileOf(document, true) : null;
    const waits = looks && rules.tracksInOrder(entity);
    if (ordered.length > 0 || changes || waits) this.#enqueue(key, document, event, ordered, changes);
    this.#profileBefore = before;
    if (arrival.length > 0) this.#show(document, rules, event, 'arrival', arrival);
    if (looks) this.#look(document, rules, 'arrival', event.time, event);
    if (isFact) this.#scoresCame(document, rules);
    this.#decide(key, document);
    forgetUnasked(document, needs);
    this.#store.put(key, document);
  }

  due(key: string, at: number): void {
    this.#key = key;
    const document = this.#store.get(key)!;
    const rules = this.#options.rules();
    forgetMisfits(document, rules);
    while (document.buffer.length > 0 && document.buffer[0]!.time <= at) this.#evaluateNext(key, document);
    this.#deadlines(document, rules, at);
    this.#passSegments(document, rules, 'arrival', at);
    this.#passSegments(document, rules, 'event-time', at);
    this.#endWaits(document, rules, at);
    this.#decide(key, document);
    this.#store.put(key, document);
  }

  /**
   * Event time up to which everything of this entity has been evaluated. A record that is being processed has moved stream
   * time already, before what it made due was handed out.
   */
  #settled(document: EntityDocument, rules: RuleSet): number {
    const firstDue = Math.min(
      document.buffer[0]?.time ?? Infinity,
      earliestDeadline(document, rules),
      contextDue(document.context),
    );
    return Math.min(this.#context.streamTime(), firstDue - 1);
  }

  #isDuplicate(document: EntityDocument, event: Event): boolean {
    const newestTime = Math.max(document.newestTime, event.time);
    const keepFrom = newestTime - this.#options.dedupeWindowMs;
    if (document.seen.check(event.messageId, event.time, keepFrom, this.#options.dedupeMax)) return true;
    document.newestTime = newestTime;
    return false;
  }

  #enqueue(
    key: string,
    document: EntityDocument,
    event: Event,
    ordered: readonly CompiledRule[],
    changes: boolean,
  ): void {
    if (event.time < document.evaluatedBefore) {
      if (changes) applyAttributes(document, event);
      if (ordered.length > 0) this.#late(key, document, event, ordered);
      return;
    }
    const { buffer } = document;
    event.packed();
    let at = buffer.length;
    while (at > 0 && buffer[at - 1]!.time > event.time) at--;
    if (buffer.length === 0) document.buffer = [event];
    else buffer.splice(at, 0, event);
    if (buffer.length > BUFFER_MAX) {
      this.#context.count('buffer-overflow');
      this.#evaluateNext(key, document);
    }
  }

  #late(key: string, document: EntityDocument, event: Event, ordered: readonly CompiledRule[]): void {
    for (const rule of ordered) this.#context.count('late', { rule: rule.id });
    this.#options.trace?.late(event, document.evaluatedBefore);
    const value = {
      entity: key,
      messageId: event.messageId,
      event: event.event,
      timestamp: event.time,
      evaluatedTo: document.evaluatedBefore,
      rules: ordered.map((rule) => rule.id),
      envelope: envelope.encode(event.toRecord()),
    };
    const headers = traceHeaders(event.traceparent);
    this.#context.forward({ key: entityOfKey(key).id, value, timestamp: event.time, headers }, 'late');
  }

  /** Evaluates the first buffered event. */
  #evaluateNext(key: string, document: EntityDocument): void {
    const event = document.buffer.shift()!;
    if (document.buffer.length === 0) document.buffer = [];
    const rules = this.#options.rules();
    const entity = key.slice(0, key.indexOf('/'));
    this.#profileBefore = null;
    if (setsAttributes(event, rules.needs(entity))) {
      this.#profileBefore = this.#profileOf(document, false);
      applyAttributes(document, event);
    }
    if (event.time > document.evaluatedBefore) document.evaluatedBefore = event.time;
    this.#show(document, rules, event, 'event-time', rules.interested(entity, 'event-time', event.event));
    if (rules.tracksInOrder(entity) && concernsSegments(rules.segments(entity), event)) {
      this.#look(document, rules, 'event-time', event.time, event);
    }
    this.#decide(key, document);
  }

  #profileOf(document: EntityDocument, withBuffered: boolean): JsonObject {
    this.#scope.enter(document, withBuffered, this.#options.rules());
    return this.#scope.profile;
  }

  /** Shows the event to the patterns of `interested`; what they find is decided on by #decide. */
  #show(document: EntityDocument, rules: RuleSet, event: Event, lane: Lane, interested: readonly CompiledRule[]): void {
    const scope = this.#scope;
    scope.enter(document, lane === 'arrival', rules);
    for (const rule of interested) {
      this.#running = rule;
      scope.now = event.time;
      const by = this.#byOf(rule, event);
      if (by === null) continue;
      const instance = instanceOf(document, rule, by);
      const before = instance === undefined ? Infinity : rule.pattern.deadlineOf(instance.state);
      const state = rule.pattern.onEvent(instance?.state ?? null, event, this.#input);
      this.#keep(document, rule, by, instance, state, before);
    }
  }

  /** Looks at the entity's segments whenever time alone may have changed them, up to `time`. */
  #passSegments(document: EntityDocument, rules: RuleSet, lane: Lane, time: number): void {
    for (;;) {
      const at = segmentsChangeAt(document, lane);
      if (at > time) return;
      this.#look(document, rules, lane, at, null);
    }
  }

  /** Looks at the entity's segments, and shows what changed to the rules that ask for it. `cause`: null for time alone. */
  #look(document: EntityDocument, rules: RuleSet, lane: Lane, now: number, cause: Event | null): void {
    const { type, id } = entityOfKey(this.#key);
    const failed = (segment: string) => () => this.#context.count('expression-failed', { segment });
    const changes = lookAtSegments(document, rules.segments(type), lane, now, this.#scope, rules, failed);
    for (const { change, segment, at } of changes) {
      const event = segmentEvent(change, segment, at, id, cause);
      const interested = rules.interested(type, lane, event.event);
      if (interested.length > 0) this.#show(document, rules, event, lane, interested);
    }
  }

  /** Candidates whose answers have come are looked at again. */
  #scoresCame(document: EntityDocument, rules: RuleSet): void {
    const answered = release(document, ({ rule: id, reason, at }) => {
      const rule = rules.rule(id);
      return reason === 'score' && (rule === undefined || missingScores(rule, rules, document, at).length === 0);
    });
    for (const held of answered) {
      const rule = rules.rule(held.rule);
      if (rule !== undefined) this.#found.push({ rule, match: matchOf(held, held.at) });
    }
  }

  /** Candidates whose quiet hours have ended by `at` are made anew, stamped with the end. */
  #endWaits(document: EntityDocument, rules: RuleSet, at: number): void {
    for (const held of release(document, ({ due }) => due <= at)) {
      const rule = rules.rule(held.rule);
      if (rule !== undefined) this.#found.push({ rule, match: matchOf(held, held.due) });
    }
  }

  #deadlines(document: EntityDocument, rules: RuleSet, at: number): void {
    if (earliestDeadline(document, rules) > at) return;
    this.#context.measure('timer-lateness', at);
    const scope = this.#scope;
    this.#profileBefore = null;
    document.deadline = null;
    for (const memory of document.rules.values()) {
      const rule = rules.rule(memory.rule);
      if (rule === undefined) continue;
      for (const instance of [...memory.instances]) {
        const pattern: Pattern = rule.pattern;
        const deadline = pattern.kind === instance.state.kind ? pattern.deadlineOf(instance.state) : Infinity;
        // Before `at` only where the rules have changed since the document was put there.
        if (deadline > at) continue;
        this.#running = rule;
        scope.enter(document, rule.lane === 'arrival', rules);
        scope.now = deadline;
        if (rule.lane === 'event-time') document.evaluatedBefore = Math.max(document.evaluatedBefore, at + 1);
        const state = pattern.onDeadline(instance.state, deadline, this.#input);
        this.#keep(document, rule, instance.by, instance, state, Infinity);
      }
    }
  }

  #decide(key: string, document: EntityDocument): void {
    if (this.#found.length === 0) return;
    const found = this.#found;
    this.#found = [];
    decide(key, document, found, this.#scope, this.#options.rules(), this.#output);
  }

  /** '' without `by`; null when the event has no value for it, so that this rule does not see it. */
  #byOf(rule: CompiledRule, event: Event): string | null {
    if (rule.by === null) return '';
    this.#scope.event = event;
    try {
      const value = rule.by.evaluate(this.#scope);
      return value === null || value === undefined ? null : String(value);
    } catch {
      this.#context.count('expression-failed', { rule: rule.id });
      return null;
    }
  }

  #keep(
    document: EntityDocument,
    rule: CompiledRule,
    by: string,
    instance: Instance | undefined,
    state: PatternState | null,
    deadlineBefore: number,
  ): void {
    const kept = keepState(document, rule, { by, instance, state, deadlineBefore });
    if (!kept) this.#context.count('dropped', { rule: rule.id, what: 'by' });
  }
}

function spanOf({ id, rule, outcome }: Decision, trace: DecisionTrace): MeasuredTrace {
  return {
    name: 'decide',
    ...trace,
    attributes: { 'tripline.decision': id, 'tripline.rule': rule, 'tripline.outcome': outcome },
  };
}
