// One visit of one entity: an event that was read, or a time that its clock has passed. Made for it, and thrown away.
//
// Owns: the order in which an event is taken (duplicates, facts, lanes, segments, waits), the sort buffer, lateness, running
// patterns. Does not own: what a pattern means (rules/patterns), facts (facts.ts), segments (segments.ts), decisions
// (processors/decide). Long, as the order in which a visit does things is what it is for.
//
// Invariants:
//   V1. An event that no rule asks for leaves no trace in state.
//   V2. Event-time rules see an entity's events in order of (event time, arrival), once stream time has passed them; a
//       deadline at t comes after the events stamped t and before those stamped later (docs/design.md, Time).
//   V3. An event is late only if its own entity has been evaluated past it by event-time rules; it is then recorded with
//       the rules that did not see it, and arrival rules see it all the same.
//   V4. What an event tells (traits, group, history, consent) is known before any rule is shown it.

import { assert } from '../../lib/assert.ts';
import { flowList, flowsDue } from '../../rules/flows/flow.ts';
import { matchOf } from '../../rules/patterns/held-match.ts';
import type { Lane, Match, PatternInput } from '../../rules/patterns/pattern.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { ConfirmationLinks } from '../../schemas/consent-request.ts';
import type { EntityRef } from '../../schemas/decision.ts';
import type { Event } from '../../schemas/event.ts';
import { ANSWER_EVENT, DELIVERY_TYPE, PRESENCE_EVENT, segmentEvent } from '../../schemas/internal-events.ts';
import type { Json, JsonObject } from '../../schemas/json.ts';
import { type HeldCandidate, heldCandidates } from '../../state/entity/candidates.ts';
import {
  type EntityDocument,
  earliestDeadline,
  entityOfKey,
  forgetMisfits,
  sectionsDue,
} from '../../state/entity/document.ts';
import { takeWaits, waitsDue } from '../../state/entity/waits.ts';
import { answerCame, answerMissed } from '../decide/answers.ts';
import { decide } from '../decide/decide.ts';
import { digestsGoOut } from '../decide/digest-out.ts';
import { forgetRoutes, quietRoutesGoOn, routeGoesOn } from '../decide/fallback.ts';
import { dueFlowGoesOn, fitFlows, flowsSee } from '../decide/flows/advance.ts';
import { cancellationCame } from '../decide/flows/cancel.ts';
import { beforeOf, depthOf, type Emitted, emittedEvent } from '../decide/flows/emitted.ts';
import { forgetFlows } from '../decide/flows/known.ts';
import type { FoundMatch } from '../decide/found-match.ts';
import { missingScores } from '../decide/scores.ts';
import type { DecideOutput, Visit } from '../decide/visit.ts';
import { candidatesSee } from '../decide/waiting.ts';
import { type Concern, concernOf } from './concern.ts';
import { confirmationAsked } from './confirmation.ts';
import {
  applyAttributes,
  applyInstantFact,
  deadAddressOf,
  forgetUnasked,
  learnDevice,
  rememberEvent,
  rememberSuppressed,
  setsAttributes,
  tellsAnything,
  withinRoom,
} from './facts.ts';
import { instanceOf, keepState, opened } from './instances.ts';
import { EntityScope } from './scope.ts';
import { concernsSegments, lookAtSegments, segmentsChangeAt, sendsChanged } from './segments.ts';

/** What an evaluation asks of the processor that makes it. */
export interface EvaluationHost {
  readonly dedupeWindowMs: number;
  readonly dedupeMax: number;
  readonly output: DecideOutput;
  /** Null: nobody is asked to confirm. */
  readonly confirmations: ConfirmationLinks | null;
  streamTime(): number;
  /** Null: there is none, as in tests and backtests. */
  wallTime(): number | null;
  count(metric: string, labels?: Readonly<Record<string, string>>): void;
  /** A timer due at `at` fires. */
  timerFired(at: number): void;
  late(visit: Visit, event: Event, rules: readonly CompiledRule[]): void;
}

/** Events one entity may have waiting for stream time; beyond it the earliest is evaluated before its time. */
const BUFFER_MAX = 10_000;

export class Evaluation implements Visit {
  readonly key: string;
  readonly entity: EntityRef;
  readonly document: EntityDocument;
  readonly rules: RuleSet;
  readonly output: DecideOutput;
  readonly #host: EvaluationHost;
  #found: FoundMatch[] = [];
  /** What flows have set and emitted, and that is still to be taken. */
  #happened: Event[] = [];
  readonly #isRefitted: boolean;

  constructor(host: EvaluationHost, key: string, document: EntityDocument, rules: RuleSet) {
    this.key = key;
    this.entity = entityOfKey(key);
    this.document = document;
    this.rules = rules;
    this.output = host.output;
    this.#host = host;
    this.#isRefitted = forgetMisfits(document, rules);
  }

  /** False when the event was seen before. */
  take(event: Event, concern: Concern): boolean {
    // What came of a message is told once, at wall time, which is nothing to hold event times against.
    if (event.type !== DELIVERY_TYPE && this.#isDuplicate(event)) return false;
    if (this.#isRefitted && this.#hasFlows) fitFlows(this, this.settledTime());
    this.#takeIn(event, concern);
    this.#takeHappened();
    const { document, rules } = this;
    forgetUnasked(document, rules.needs(this.entity.type));
    if (this.#hasFlows) forgetFlows(document.sections, this.settledTime());
    if (concern.isFact) this.#askToConfirm(event);
    return true;
  }

  #takeIn(event: Event, concern: Concern): void {
    const { document, rules } = this;
    const { arrival, ordered, flowing, changes, historyMs, isFact, isAnswer, presenceMs } = concern;
    const needs = rules.needs(this.entity.type);
    const segments = rules.segments(this.entity.type);
    const looks = segments.length > 0 && concernsSegments(segments, event);
    // What time alone changed before the event is decided by itself: candidates of different times do not compete.
    while (looks && segmentsChangeAt(document, 'arrival') < event.time) {
      this.#passSegments('arrival', segmentsChangeAt(document, 'arrival'));
      this.#decide();
    }
    // V4
    const { event: name, time } = event;
    if (historyMs !== undefined) rememberEvent(document, { name, time }, historyMs, this.settledTime());
    if (presenceMs !== undefined) {
      rememberEvent(document, { name: PRESENCE_EVENT, time }, presenceMs, this.settledTime());
    }
    if (concern.tellsDevice) learnDevice(document, event);
    if (concern.isDelivery) this.#outcomeCame(event);
    if (isFact) {
      applyInstantFact(document, event, needs.models);
      cancellationCame(this, event);
    }
    const before = changes && arrival.length > 0 ? this.#profileBefore(event, 'arrival') : null;
    const waits = looks && rules.tracksInOrder(this.entity.type);
    const kept = changes ? withinRoom(document, event, needs) : event;
    if (kept !== event) this.#host.count('dropped', { what: 'attributes' });
    // Rules are shown what was sent; where none waits for it, what there is no room for need not wait either.
    const inOrder = flowing.length === 0 ? ordered : [...new Set([...ordered, ...flowing])];
    const isWorthWaiting =
      isAnswer || inOrder.length > 0 || waits || (changes && (kept === event || tellsAnything(kept)));
    if (isWorthWaiting) this.#enqueue(inOrder.length > 0 ? event : kept, inOrder, changes);
    if (arrival.length > 0) this.#show(event, 'arrival', arrival, before);
    if (looks) this.#look('arrival', event.time, event);
    if (isFact) this.#scoresCame();
    this.#decide();
  }

  /** The profile as it was before the event that changes it. */
  #profileBefore(event: Event, lane: Lane): JsonObject {
    const { profile } = this.scopeOf(lane);
    const before = beforeOf(event);
    return before === null ? profile : { ...profile, ...before };
  }

  /** What flows have set and emitted happens, as events that come next. */
  #takeHappened(): void {
    while (this.#happened.length > 0) {
      const event = this.#happened.shift()!;
      const concern = concernOf(this.rules, this.entity.type, event);
      if (concern !== null) this.#takeIn(event, concern);
    }
  }

  /** The entity's clock has passed `at`: all that is due by then happens. */
  pass(at: number): void {
    if (this.#isRefitted && this.#hasFlows) fitFlows(this, this.settledTime());
    this.#passInOrder(at);
    this.#deadlines(at);
    this.#passSegments('arrival', at);
    this.#passSegments('event-time', at);
    this.#endWaits(at);
    this.#decide();
    this.#takeHappened();
    this.#passInOrder(at);
    digestsGoOut(this, at);
    forgetFlows(this.document.sections, at);
  }

  /** Events up to `at` in order of time, and waits of flows between them: events stamped t come before what is due at t. */
  #passInOrder(at: number): void {
    const { document } = this;
    for (;;) {
      const next = document.buffer[0]?.time ?? Infinity;
      const due = this.#flowsDue();
      if (Math.min(next, due) > at) break;
      if (next <= due) this.#evaluateNext();
      else this.#passFlows(due);
    }
    assert((document.buffer[0]?.time ?? Infinity) > at, 'no event that is due is left in the buffer (V2)');
  }

  /** Most have none, and what is settled costs something to tell. */
  get #hasFlows(): boolean {
    return this.document.sections.open(flowList) !== undefined;
  }

  #flowsDue(): number {
    return flowsDue(this.document.sections.open(flowList));
  }

  #passFlows(due: number): void {
    const { document } = this;
    this.#host.timerFired(due);
    dueFlowGoesOn(this, due);
    document.evaluatedBefore = Math.max(document.evaluatedBefore, due + 1);
    forgetFlows(document.sections, due);
    this.#takeHappened();
  }

  scopeOf(lane: Lane): EntityScope {
    return new EntityScope({
      document: this.document,
      rules: this.rules,
      withBuffered: lane === 'arrival',
      segmentFailed: (source) => this.#host.count('expression-failed', { segment: source }),
    });
  }

  /**
   * Event time up to which everything of this entity has been evaluated. A record that is being processed has moved stream
   * time already, before what it made due was handed out.
   */
  settledTime(): number {
    const { document, rules } = this;
    const firstDue = Math.min(
      document.buffer[0]?.time ?? Infinity,
      earliestDeadline(document, rules),
      sectionsDue(document),
    );
    return Math.min(this.#host.streamTime(), firstDue - 1);
  }

  wallTime(): number | null {
    return this.#host.wallTime();
  }

  awaitTurn(event: Event): void {
    if (!this.document.buffer.some(({ messageId, time }) => messageId === event.messageId && time === event.time)) {
      this.#insert(event);
    }
  }

  happens(emitted: Emitted, isInOrder: boolean): void {
    const { told } = emitted;
    const needs = this.rules.needs(this.entity.type);
    if (told.type !== 'identify' || !needs.profile || !isInOrder) {
      this.#happened.push(emittedEvent(emitted, null));
      return;
    }
    const { profile } = this.scopeOf('event-time');
    const before = Object.fromEntries(Object.keys(told.traits).map((name) => [name, profile[name] ?? null]));
    const event = emittedEvent(emitted, before);
    applyAttributes(this.document, event, needs);
    this.#happened.push(event);
  }

  sent(at: number): void {
    sendsChanged(this.document, this.rules.segments(this.entity.type), at);
  }

  #isDuplicate(event: Event): boolean {
    const { document } = this;
    const { dedupeWindowMs, dedupeMax } = this.#host;
    const newestTime = Math.max(document.newestTime, event.time);
    if (document.seen.check(event.messageId, event.time, newestTime - dedupeWindowMs, dedupeMax)) return true;
    document.newestTime = newestTime;
    return false;
  }

  #enqueue(event: Event, ordered: readonly CompiledRule[], changes: boolean): void {
    const { document } = this;
    // What flows set and emit comes after all that was evaluated, whenever it is stamped; so does what a person says.
    if (event.time < document.evaluatedBefore && event.event !== ANSWER_EVENT && !isEmitted(event)) {
      if (changes) applyAttributes(document, event, this.rules.needs(this.entity.type));
      if (ordered.length > 0) this.#host.late(this, event, ordered);
      return;
    }
    this.#insert(event);
    if (document.buffer.length > BUFFER_MAX) {
      this.#host.count('buffer-overflow');
      this.#evaluateNext();
    }
  }

  #insert(event: Event): void {
    const { document } = this;
    const { buffer } = document;
    event.packed();
    let at = buffer.length;
    while (at > 0 && buffer[at - 1]!.time > event.time) at--;
    if (buffer.length === 0) document.buffer = [event];
    else buffer.splice(at, 0, event);
  }

  /** Candidates of the event that waited for its turn. */
  #turnCame({ messageId }: Event): void {
    const kind = heldCandidates.flows;
    const ofEvent = takeWaits(this.document.sections, kind, ({ value }) => value.match.event?.messageId === messageId);
    for (const { rule, value } of ofEvent)
      this.#findAgain(rule, value, { at: value.match.at, isSettled: true, isItsTurn: true });
  }

  /** Evaluates the first buffered event. */
  #evaluateNext(): void {
    const { document, rules } = this;
    // Where there was no room for it to wait, what is due before it comes first all the same.
    while (this.#flowsDue() < document.buffer[0]!.time) this.#passFlows(this.#flowsDue());
    const event = document.buffer.shift()!;
    if (document.buffer.length === 0) document.buffer = [];
    const { type } = this.entity;
    let before: JsonObject | null = null;
    const needs = rules.needs(type);
    if (setsAttributes(event, needs)) {
      before = this.#profileBefore(event, 'event-time');
      if (beforeOf(event) === null) applyAttributes(document, event, needs);
    }
    if (event.time > document.evaluatedBefore) document.evaluatedBefore = event.time;
    if (event.event === ANSWER_EVENT) answerCame(this, event);
    flowsSee(this, event);
    candidatesSee(this, event);
    this.#turnCame(event);
    this.#show(event, 'event-time', rules.interested(type, 'event-time', event.event), before);
    if (rules.tracksInOrder(type) && concernsSegments(rules.segments(type), event)) {
      this.#look('event-time', event.time, event);
    }
    this.#decide();
    this.#takeHappened();
  }

  /**
   * Shows the event to the patterns of `interested`; what they find is decided on by #decide. `profileBefore`: null where the
   * event does not change the profile.
   */
  #show(event: Event, lane: Lane, interested: readonly CompiledRule[], profileBefore: JsonObject | null = null): void {
    const { document } = this;
    const scope = this.scopeOf(lane);
    for (const rule of interested) {
      scope.now = event.time;
      const by = this.#byOf(rule, event, scope);
      if (by === null) continue;
      const known = instanceOf(document, rule, by);
      const input = this.#inputOf(rule, scope, { by, isSettled: lane === 'event-time', profileBefore });
      const state = rule.pattern.onEvent(known?.state ?? null, event, input);
      this.#keep(rule, by, state, known && { instance: known.instance, deadlineBefore: known.deadline });
    }
  }

  #inputOf(
    rule: CompiledRule,
    scope: EntityScope,
    { profileBefore, ...found }: Pick<FoundMatch, 'by' | 'isSettled'> & { readonly profileBefore: JsonObject | null },
  ): PatternInput {
    return {
      scope,
      profileBefore: () => profileBefore ?? scope.profile,
      match: (match: Match) => this.#found.push({ rule, match, ...found }),
      failed: (source, error) => this.output.failed(rule, source, error),
      dropped: (what) => this.output.dropped(rule, what),
    };
  }

  /** Looks at the entity's segments whenever time alone may have changed them, up to `time`. */
  #passSegments(lane: Lane, time: number): void {
    for (;;) {
      const at = segmentsChangeAt(this.document, lane);
      if (at > time) return;
      this.#look(lane, at, null);
    }
  }

  /** Looks at the entity's segments, and shows what changed to the rules that ask for it. `cause`: null for time alone. */
  #look(lane: Lane, now: number, cause: Event | null): void {
    const { type, id } = this.entity;
    const failed = (segment: string) => () => this.#host.count('expression-failed', { segment });
    const scope = this.scopeOf(lane);
    for (const { change, segment, at } of lookAtSegments(
      this.document,
      this.rules.segments(type),
      lane,
      now,
      scope,
      failed,
    )) {
      const event = segmentEvent(change, segment, at, id, cause);
      const interested = this.rules.interested(type, lane, event.event);
      if (interested.length > 0) this.#show(event, lane, interested);
    }
  }

  /** Candidates whose answers have come are looked at again. */
  #scoresCame(): void {
    const { document, rules } = this;
    const answered = takeWaits(document.sections, heldCandidates.score, ({ rule: id, value }) => {
      const rule = rules.rule(id);
      return rule === undefined || missingScores(rule, rules, document, value.match.at).length === 0;
    });
    for (const { rule, value } of answered) this.#findAgain(rule, value, { at: value.match.at, isSettled: false });
  }

  /** A yes that must be confirmed is an event of its own, which comes after the yes. */
  #askToConfirm(event: Event): void {
    const { confirmations } = this.#host;
    const { type, id: userId } = this.entity;
    if (confirmations === null || type !== 'user') return;
    const { sections } = this.document;
    const now = this.wallTime() ?? event.time;
    const asked = confirmationAsked(event, { userId, sections, now }, this.rules.context, confirmations);
    const concern = asked === null ? null : concernOf(this.rules, type, asked);
    if (concern !== null) this.take(asked!, concern);
  }

  /** What came of a message: its route goes on, and an address that is dead is remembered. */
  #outcomeCame(event: Event): void {
    const { event: name, properties, time } = event;
    const split = name.lastIndexOf('_');
    const [channel, outcome] = [name.slice(0, split), name.slice(split + 1)];
    const text = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null);
    const { action, reason } = properties;
    const dead = deadAddressOf(event);
    if (dead !== null) rememberSuppressed(this.document, dead);
    routeGoesOn(this, { action: text(action), channel, outcome, reason: text(reason) }, time);
  }

  /** Candidates whose wait has ended by `at`, such as for the end of quiet hours, are made anew, stamped with its end; messages on their way go on. */
  #endWaits(at: number): void {
    const { sections } = this.document;
    if (waitsDue(sections) > at) return;
    forgetRoutes(this, at);
    quietRoutesGoOn(this, at);
    for (const kind of Object.values(heldCandidates)) {
      for (const { rule, due, value } of takeWaits(sections, kind, (wait) => wait.due <= at)) {
        this.#findAgain(rule, value, { at: due, isSettled: true, isReview: kind === heldCandidates.review });
      }
    }
  }

  /** A candidate that waited is looked at again, stamped `at`. */
  #findAgain(
    id: string,
    { match, by, reviewed }: HeldCandidate,
    { at, isSettled, isItsTurn = false, isReview = false }: Again,
  ): void {
    const rule = this.rules.rule(id);
    if (rule === undefined) return;
    const found: FoundMatch = {
      rule,
      match: matchOf(match, at),
      matchedAt: match.at,
      by,
      isSettled,
      isItsTurn,
      reviewed,
    };
    const again = isReview ? answerMissed(this, found, match) : found;
    if (again !== null) this.#found.push(again);
  }

  #deadlines(at: number): void {
    const { document, rules } = this;
    if (earliestDeadline(document, rules) > at) return;
    this.#host.timerFired(at);
    document.deadline = null;
    for (const memory of document.rules.values()) {
      const rule = rules.rule(memory.rule);
      if (rule === undefined) continue;
      for (const instance of [...memory.instances]) {
        const known = opened(rule, instance);
        // Before `at` only where the rules have changed since the document was put there.
        if (known === undefined || known.deadline > at) continue;
        const scope = this.scopeOf(rule.lane);
        scope.now = known.deadline;
        if (rule.lane === 'event-time') document.evaluatedBefore = Math.max(document.evaluatedBefore, at + 1);
        const state = rule.pattern.onDeadline(
          known.state,
          known.deadline,
          this.#inputOf(rule, scope, { by: instance.by, isSettled: true, profileBefore: null }),
        );
        this.#keep(rule, instance.by, state, { instance, deadlineBefore: Infinity });
      }
    }
  }

  #decide(): void {
    if (this.#found.length === 0) return;
    const found = this.#found;
    this.#found = [];
    decide(this, found);
  }

  /** '' without `by`; null when the event has no value for it, so that this rule does not see it. */
  #byOf(rule: CompiledRule, event: Event, scope: EntityScope): string | null {
    if (rule.by === null) return '';
    scope.event = event;
    try {
      const value = rule.by.evaluate(scope);
      return value === null || value === undefined ? null : String(value);
    } catch (error) {
      this.output.failed(rule, rule.by.source, error);
      return null;
    }
  }

  #keep(rule: CompiledRule, by: string, ...kept: KeptState): void {
    if (!keepState(this.document, rule, by, ...kept)) this.output.dropped(rule, 'by');
  }
}

type KeptState = Parameters<typeof keepState> extends [unknown, unknown, unknown, ...infer Rest] ? Rest : never;

/** How a candidate that waited is looked at again. */
interface Again {
  /** Its new time, ms. */
  readonly at: number;
  readonly isSettled: boolean;
  readonly isItsTurn?: boolean;
  /** Whether it waited for a person. */
  readonly isReview?: boolean;
}

/** Whether a flow of this entity set or emitted it. */
function isEmitted(event: Event): boolean {
  return depthOf(event) > 0;
}
