// Evaluate: the events of one entity against the rules that care, in two lanes, with the entity's document as memory.
//
// Owns: duplicates, the sort buffer of event-time rules, lateness, running patterns and deadlines. Does not own: what a
// pattern means (rules/patterns), gates and records (gates.ts, decide.ts), when time passes (topology/runtime).
//
// Invariants:
//   V1. An event that no rule asks for leaves no trace in state.
//   V2. Event-time rules see an entity's events in order of (event time, arrival), once stream time has passed them; a
//       deadline at t comes after the events stamped t and before those stamped later (design.md, Time 4 and 5).
//   V3. An event is late only if its own entity has been evaluated past it by event-time rules; it is then recorded with
//       the rules that did not see it, and arrival rules see it all the same.

import type { CompiledRule, Lane, Pattern, PatternInput, PatternState, RuleSet } from '../rules/api.ts';
import { avroCodec } from '../schemas/codec.ts';
import type { Decision } from '../schemas/decision.ts';
import type { Event, EventRecord } from '../schemas/event.ts';
import { traceHeaders } from '../schemas/trace.ts';
import type { DocumentStore } from '../state/api.ts';
import {
  deadlineMoved,
  type EntityDocument,
  earliestDeadline,
  emptyEntityDocument,
  entityOfKey,
  type Instance,
} from '../state/entity-document.ts';
import type { MeasuredTrace, Message, Processor, ProcessorContext } from './api.ts';
import { type DecideOutput, type DecisionTrace, decide, type FoundMatch, memoryOf } from './decide.ts';
import { applyTraits, EntityScope } from './scope.ts';

export interface EvaluateOptions {
  readonly rules: () => RuleSet;
  readonly dedupeWindowMs: number;
  readonly dedupeMax: number;
  /** Name of the entity store. */
  readonly store: string;
}

/** Values of `by` kept per rule and entity; beyond it the oldest goes and is counted. */
const INSTANCES_MAX = 256;
/** Events one entity may have waiting for stream time; beyond it the earliest is evaluated before its time. */
const BUFFER_MAX = 10_000;

const envelope = avroCodec<EventRecord>('events/event');

/** Children: `decisions`, `actions`, `late`. */
export class Evaluate implements Processor<Event> {
  readonly #options: EvaluateOptions;
  readonly #scope = new EntityScope();
  #context!: ProcessorContext;
  #store!: DocumentStore<EntityDocument>;
  #output!: DecideOutput;
  #input!: PatternInput;
  /** The rule whose pattern is running, for what it reports through #input. */
  #running!: CompiledRule;
  #found: FoundMatch[] = [];

  constructor(options: EvaluateOptions) {
    this.#options = options;
  }

  init(context: ProcessorContext): void {
    this.#context = context;
    this.#store = context.store(this.#options.store);
    this.#input = {
      scope: this.#scope,
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
      failed: (rule) => context.count('expression-failed', { rule: rule.id }),
      dropped: (rule, what) => context.count('dropped', { rule: rule.id, what }),
    };
  }

  process({ key, value: event }: Message<Event>): void {
    const rules = this.#options.rules();
    const entity = key.slice(0, key.indexOf('/'));
    const arrival = rules.interested(entity, 'arrival', event.event);
    const ordered = rules.interested(entity, 'event-time', event.event);
    const setsProfile = event.type === 'identify' && rules.usesProfile;
    // V1
    if (arrival.length === 0 && ordered.length === 0 && !setsProfile) {
      this.#context.count('unasked');
      return;
    }
    const document = this.#store.get(key) ?? emptyEntityDocument();
    if (this.#isDuplicate(document, event)) {
      this.#context.count('duplicate');
      return;
    }
    if (ordered.length > 0 || setsProfile) this.#enqueue(key, document, event, ordered, setsProfile);
    if (arrival.length > 0) this.#show(key, document, event, 'arrival', arrival);
    this.#store.put(key, document);
  }

  due(key: string, at: number): void {
    const document = this.#store.get(key)!;
    while (document.buffer.length > 0 && document.buffer[0]!.time <= at) this.#evaluateNext(key, document);
    this.#deadlines(key, document, at);
    this.#store.put(key, document);
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
    setsProfile: boolean,
  ): void {
    if (event.time < document.evaluatedBefore) {
      if (setsProfile) applyTraits(document, event);
      if (ordered.length > 0) this.#late(key, document, event, ordered);
      return;
    }
    const { buffer } = document;
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
    if (event.type === 'identify' && rules.usesProfile) applyTraits(document, event);
    if (event.time > document.evaluatedBefore) document.evaluatedBefore = event.time;
    const entity = key.slice(0, key.indexOf('/'));
    this.#show(key, document, event, 'event-time', rules.interested(entity, 'event-time', event.event));
  }

  /** Shows the event to the patterns of `rules` and decides on what they find. */
  #show(key: string, document: EntityDocument, event: Event, lane: Lane, rules: readonly CompiledRule[]): void {
    const scope = this.#scope;
    scope.enter(document, lane === 'arrival');
    for (const rule of rules) {
      this.#running = rule;
      scope.now = event.time;
      const by = this.#byOf(rule, event);
      if (by === null) continue;
      const instance = instanceOf(document, rule, by);
      const before = instance === undefined ? Infinity : rule.pattern.deadlineOf(instance.state);
      const state = rule.pattern.onEvent(instance?.state ?? null, event, this.#input);
      this.#keep(document, rule, by, instance, state, before);
    }
    this.#decide(key, document);
  }

  #deadlines(key: string, document: EntityDocument, at: number): void {
    const rules = this.#options.rules();
    if (earliestDeadline(document, rules) > at) return;
    this.#context.measure('timer-lateness', at);
    const scope = this.#scope;
    document.deadline = null;
    for (const memory of document.rules.values()) {
      const rule = rules.rule(memory.rule);
      if (rule === undefined) continue;
      for (const instance of [...memory.instances]) {
        const pattern: Pattern = rule.pattern;
        if (pattern.kind !== instance.state.kind || pattern.deadlineOf(instance.state) > at) continue;
        this.#running = rule;
        scope.enter(document, rule.lane === 'arrival');
        scope.now = at;
        if (rule.lane === 'event-time') document.evaluatedBefore = Math.max(document.evaluatedBefore, at + 1);
        const state = pattern.onDeadline(instance.state, at, this.#input);
        this.#keep(document, rule, instance.by, instance, state, Infinity);
      }
    }
    this.#decide(key, document);
  }

  #decide(key: string, document: EntityDocument): void {
    if (this.#found.length === 0) return;
    const found = this.#found;
    this.#found = [];
    decide(key, document, found, this.#scope, this.#options.rules().sentHistoryMs, this.#output);
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
    const deadline = state === null ? Infinity : rule.pattern.deadlineOf(state);
    deadlineMoved(document, deadlineBefore, deadline);
    if (instance !== undefined) {
      if (state === null) {
        forgetInstance(document, rule.id, instance);
        return;
      }
      instance.state = state;
      if (rule.by !== null && deadline !== deadlineBefore) moveLast(document, rule.id, instance);
    } else if (state !== null) {
      const memory = memoryOf(document, rule.id);
      // A list that push() grows has room for 17, which costs more than what is in it.
      memory.instances = [...memory.instances, { by, state }];
      if (memory.instances.length > INSTANCES_MAX) {
        memory.instances.shift();
        document.deadline = null;
        this.#context.count('dropped', { rule: rule.id, what: 'by' });
      }
    }
  }
}

function spanOf({ id, rule, outcome }: Decision, trace: DecisionTrace): MeasuredTrace {
  return {
    name: 'decide',
    ...trace,
    attributes: { 'tripline.decision': id, 'tripline.rule': rule, 'tripline.outcome': outcome },
  };
}

/** The pattern state of this value of `by`; one left by another kind of pattern under the same rule id is dropped. */
function instanceOf(document: EntityDocument, rule: CompiledRule, by: string): Instance | undefined {
  const instance = document.rules.get(rule.id)?.instances.find((each) => each.by === by);
  if (instance === undefined || instance.state.kind === rule.pattern.kind) return instance;
  document.deadline = null;
  forgetInstance(document, rule.id, instance);
  return undefined;
}

/**
 * Keeps instances in the order in which their clocks began, which decides between deadlines of equal time: equal times of
 * one entity are taken in input order (rules.md).
 */
function moveLast(document: EntityDocument, rule: string, instance: Instance): void {
  const { instances } = document.rules.get(rule)!;
  if (instances.at(-1) === instance) return;
  instances.splice(instances.indexOf(instance), 1);
  instances.push(instance);
}

function forgetInstance(document: EntityDocument, rule: string, instance: Instance): void {
  const memory = document.rules.get(rule)!;
  memory.instances = memory.instances.filter((each) => each !== instance);
  if (memory.instances.length === 0 && memory.fired.length === 0) document.rules.delete(rule);
}
