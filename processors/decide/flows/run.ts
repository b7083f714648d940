// A flow that goes on: from where it is, step by step, until it waits or is over; and what comes of it.
//
// Owns: the turn that steps are handed, and carrying out what they asked for. Does not own: what a step does (rules/flows/steps),
// when a flow goes on (advance.ts), how one begins (begin.ts).
//
// Invariants:
//   R1. Walking changes the flow alone and writes nothing: what is to be written is a list, carried out afterwards. So a flow can be
//       walked before it is known whether its decision fires.
//   R2. A send knows what those before it send at the same moment: no cap is exceeded within one turn.

import { assert } from '../../../lib/assert.ts';
import type { ExpressionFailed, Scope } from '../../../rules/expressions/scope.ts';
import { capturesOf, type EndReason, type Flow, variantOf } from '../../../rules/flows/flow.ts';
import type { CompiledSend } from '../../../rules/flows/send.ts';
import { type Attempt, type CompiledStep, END, type Move, type Turn } from '../../../rules/flows/step.ts';
import type { Recipient } from '../../../rules/gates/gate.ts';
import type { Route } from '../../../rules/gates/route.ts';
import { matchOf } from '../../../rules/patterns/held-match.ts';
import type { CompiledRule } from '../../../rules/project/compiled-rule.ts';
import type { Action } from '../../../schemas/action.ts';
import type { EntityRef } from '../../../schemas/decision.ts';
import type { Event } from '../../../schemas/event.ts';
import type { FlowRecord } from '../../../schemas/flow-record.ts';
import type { JsonObject } from '../../../schemas/json.ts';
import { actionOf } from '../actions.ts';
import { contentsOf, type Gathering, gather, gatheredSendOf, gatheringOf, itemWithData, wentAlone } from '../digest.ts';
import { sendOnRoute } from '../fallback.ts';
import { rememberSent } from '../fired.ts';
import { noteSent, quietUntil, recipientOf, routeOf, settleRoute, validForMsOf } from '../sending.ts';
import type { DecisionTrace, Visit } from '../visit.ts';
import { assignedVariant, rememberAssigned } from './assignments.ts';
import { DEPTH_MAX, type Emitted } from './emitted.ts';
import { namesOf } from './known.ts';
import { recordOf, type Told } from './records.ts';

/** Something that a walk found is to be done, in order. */
type Effect =
  | { readonly kind: 'action'; readonly action: Action; readonly send: CompiledSend }
  | { readonly kind: 'gather'; readonly gathering: Gathering; readonly item: JsonObject }
  | { readonly kind: 'record'; readonly record: FlowRecord }
  | { readonly kind: 'event'; readonly emitted: Emitted }
  | { readonly kind: 'assigned'; readonly experiment: string; readonly variant: string };

export interface RunOptions {
  readonly visit: Visit;
  readonly rule: CompiledRule;
  readonly flow: Flow;
  /** Event time, ms. */
  readonly at: number;
  readonly scope: Scope;
  readonly failed: ExpressionFailed;
  /** At the match, quiet hours and age have been asked of the decision. */
  readonly isMatch: boolean;
  /** Whether everything of the entity up to this moment has happened; not so at a match on arrival. */
  readonly isInOrder: boolean;
}

export class FlowRun implements Turn {
  readonly at: number;
  readonly flow: Flow;
  readonly scope: Scope;
  readonly failed: ExpressionFailed;
  /** Of the sends whose turn came, in order. */
  readonly routes: Route<CompiledSend>[] = [];
  /** Sends that wait in a digest, in order. */
  readonly gathered: Gathering[] = [];
  /** Null: it waits. */
  ended: EndReason | null = null;
  readonly #options: RunOptions;
  readonly #recipient: Recipient;
  readonly #effects: Effect[] = [];
  readonly #channels: string[] = [];
  #step: CompiledStep | null = null;

  constructor(options: RunOptions) {
    const { visit, rule, flow, at, scope, failed } = options;
    this.#options = options;
    this.at = at;
    this.flow = flow;
    this.scope = scope;
    this.failed = failed;
    this.#recipient = recipientOf(rule, visit.document, visit.rules.context, scope, failed);
  }

  get entity(): EntityRef {
    return this.#options.visit.entity;
  }

  /** From this move on, until the flow waits or is over. */
  walk(first: Move): this {
    const { steps } = this.#options.rule.program;
    const { flow, at } = this;
    let move = first;
    this.scope.ownFlow = flow.rule;
    while ('to' in move && move.to !== END) {
      this.#step = steps[move.to]!;
      flow.step = move.to;
      move = this.#step.enter(this);
    }
    this.scope.ownFlow = null;
    if ('until' in move) {
      assert(move.until > at, 'a wait is over later than it begins');
      flow.since = at;
      flow.until = move.until;
      flow.held = move.reason === 'quiet-hours' ? move.reason : '';
      this.#tell({ kind: 'waiting', until: move.until, reason: move.reason, step: this.#step! });
    } else this.ended = 'exit' in move ? move.exit : 'completed';
    return this;
  }

  /** The step at which it waited is asked; null: nothing concerns it. */
  wakes(ask: (step: CompiledStep) => Move | null): boolean {
    this.#step = this.#options.rule.program.steps[this.flow.step]!;
    const move = ask(this.#step);
    if (move === null) return false;
    this.walk(move);
    return true;
  }

  attempt(send: CompiledSend): Attempt {
    const { rule, visit, isMatch, flow } = this.#options;
    const { at, scope, failed } = this;
    if (send.condition !== null && !send.condition.holds(scope, failed)) return this.#skip('condition');
    const wall = visit.wallTime();
    if (!isMatch && wall !== null && wall - at > validForMsOf(rule, visit.rules.context)) return this.#skip('stale');
    if (this.#gathers(send)) return { sent: true };
    const recipient = this.#recipient;
    const route = routeOf(send, recipient);
    settleRoute(route, rule.gates, { ...recipient, at, before: this.#channels });
    this.routes.push(route);
    const [channel] = route.channels;
    if (channel === undefined) return this.#skip(route.refusedBy);
    const until = isMatch ? null : quietUntil(rule.gates, at, scope);
    if (until !== null) return { until };
    this.#channels.push(channel);
    const action = actionOf(route, {
      ...this.#options,
      flowId: rule.program.isFlow ? flow.id : null,
      digest: send.digest === null ? null : contentsOf([this.#itemOf(send)], 0),
      entity: visit.entity,
      sections: visit.document.sections,
      around: visit.rules.context,
      variant: variantOf(flow),
    });
    this.#effects.push({ kind: 'action', action, send });
    flow.hasSent = true;
    this.#tell({ kind: 'sent', action: action.id, step: this.#step! });
    return { sent: true };
  }

  /** True: it waits in a digest. */
  #gathers(send: CompiledSend): boolean {
    const { visit, rule } = this.#options;
    const { at, scope, failed } = this;
    const opening = this.gathered.filter(({ open }) => open === null).length;
    const gathering = gatheringOf(visit, { rule, at }, send, scope, failed, opening);
    if (gathering === null) return false;
    this.gathered.push(gathering);
    this.#effects.push({ kind: 'gather', gathering, item: this.#itemOf(send) });
    this.#tell({
      kind: 'skipped',
      reason: 'digest',
      until: gatheredSendOf(gathering, { id: this.flow.id, at }).until,
      step: this.#step!,
    });
    return true;
  }

  /** What the send would show by itself, as an item of a digest. */
  #itemOf(send: CompiledSend): JsonObject {
    const { flow, at, scope, failed } = this;
    const match = { ...matchOf(flow.match, at), captures: capturesOf(flow) };
    return itemWithData({ id: flow.id, at }, match, send, scope, failed);
  }

  #skip(reason: string | null): Attempt {
    this.#tell({ kind: 'skipped', reason, step: this.#step! });
    return { sent: false };
  }

  set(attributes: JsonObject): void {
    this.scope.profile = { ...this.scope.profile, ...attributes };
    this.#happens({ type: 'identify', traits: attributes });
  }

  emit(event: string, properties: JsonObject): void {
    this.#happens({ type: 'track', event, properties });
  }

  #happens(told: Emitted['told']): void {
    const { visit, rule } = this.#options;
    const { flow, at, entity } = this;
    if (flow.depth >= DEPTH_MAX) {
      visit.output.dropped(rule, 'emitted');
      this.note('skipped', 'depth');
      return;
    }
    const { number: step } = this.#step!;
    this.#effects.push({ kind: 'event', emitted: { flow, entity, step, at, told } });
  }

  capture(name: string, event: Event): void {
    const { flow } = this;
    flow.captures = [...flow.captures.filter((one) => one.name !== name), { name, event: event.packed() }];
    this.scope.captures = namesOf(flow);
  }

  assigned(experiment: string): string | null {
    const own = this.flow.chosen.find((one) => one.experiment === experiment);
    return own?.variant ?? assignedVariant(this.#options.visit.document.sections, experiment);
  }

  chose(experiment: string, variant: string): void {
    const { flow } = this;
    flow.chosen = [...flow.chosen.filter((one) => one.experiment !== experiment), { experiment, variant }];
    this.#effects.push({ kind: 'assigned', experiment, variant });
    this.#tell({ kind: 'chose', reason: experiment, step: this.#step! });
  }

  edit(data: JsonObject): void {
    this.flow.edited = { ...this.flow.edited, ...data };
  }

  note(kind: 'skipped' | 'reviewed', reason: string, said?: { readonly by: string; readonly note?: string }): void {
    this.#tell({ kind, reason, step: this.#step!, ...said });
  }

  #tell(told: Omit<Told, 'at'>): void {
    // Sends alone are told of by their actions; where nothing is sent, somebody asks why.
    const isTold = this.#options.rule.program.isFlow || (told.kind === 'skipped' && told.reason === 'condition');
    if (!isTold) return;
    const record = recordOf(this.flow, this.entity, { ...told, at: this.at });
    this.#effects.push({ kind: 'record', record });
  }

  /** Writes what came of the walk (R1). */
  carryOut(trace: DecisionTrace | null = null): void {
    const { visit, rule, isInOrder } = this.#options;
    const { output, document } = visit;
    const sent: string[] = [];
    for (const effect of this.#effects) {
      if (effect.kind === 'record') output.flow(effect.record);
      else if (effect.kind === 'gather') this.#gather(effect.gathering, effect.item);
      else if (effect.kind === 'event') visit.happens(effect.emitted, isInOrder);
      else if (effect.kind === 'assigned') rememberAssigned(document.sections, effect);
      else {
        const { action } = effect;
        noteSent(rule.gates, { ...this.#recipient, at: this.at, before: [] }, action.channel);
        sendOnRoute(visit, rule, action, trace);
        sent.push(action.channel);
        wentAlone(visit, rule, effect.send, { id: this.flow.id, at: this.at }, this.scope);
      }
    }
    if (sent.length === 0) return;
    const historyMs = visit.rules.needs(visit.entity.type).sentMs;
    rememberSent(document, sent, { at: this.at, rule, historyMs });
    visit.sent(this.at);
  }

  #gather(gathering: Gathering, item: JsonObject): void {
    const { visit, rule, flow, at } = this.#options;
    gather(visit, gathering, { id: flow.id, at }, { rule, match: matchOf(flow.match, at), item });
  }
}
