// What the expressions of a rule see of one entity while it is being evaluated.
//
// One object serves all expressions of a task; nothing is computed before an expression asks for it.
//
// Invariants:
//   S1. Windows and scores are as of `now`; the profile and the account as of the lane (enter).
//   S2. Every answer that time alone would change says when it does (changesAt).

import type { Capture, ExpressionFailed, ExpressionObserver, RuleSet, Scope, SessionFigures } from '../../rules/api.ts';
import { CHANNELS } from '../../schemas/action.ts';
import type { Event } from '../../schemas/event.ts';
import type { Json, JsonObject } from '../../schemas/json.ts';
import type { Attribute } from '../../state/entity/context.ts';
import type { EntityDocument } from '../../state/entity/document.ts';
import { consentTo } from '../decide/consent.ts';
import { accountAfter, attributesAfter } from './facts.ts';

const NONE: JsonObject = Object.freeze({});

export class EntityScope implements Scope {
  event: Event | null = null;
  captures: Readonly<Record<string, Capture>> = {};
  now = 0;
  session: SessionFigures | null = null;
  /** The earliest time that changesAt() was told since this was last set. */
  nextChange = Infinity;
  observer: ExpressionObserver | null = null;
  /** Told when the condition of a segment fails; the segment then counts as not entered. */
  readonly #segmentFailed: ExpressionFailed;
  #rules: RuleSet | null = null;
  #document!: EntityDocument;
  #withBuffered = false;
  #profile: JsonObject | null = null;
  #account: JsonObject | null = null;

  constructor(segmentFailed: ExpressionFailed = () => {}) {
    this.#segmentFailed = segmentFailed;
  }

  /**
   * Turns to an entity. With `withBuffered`, profile and account are as of all that was read (arrival order); without, as
   * of what was evaluated in event-time order. `rules`: left out, there are no segments, models and opt-in categories.
   */
  enter(document: EntityDocument, withBuffered: boolean, rules: RuleSet | null = this.#rules): void {
    this.#document = document;
    this.#withBuffered = withBuffered;
    this.#rules = rules;
    this.#profile = null;
    this.#account = null;
  }

  get profile(): JsonObject {
    this.#profile ??= profileOf(this.#document, this.#withBuffered);
    return this.#profile;
  }

  get account(): JsonObject {
    this.#account ??= accountOf(this.#document, this.#withBuffered);
    return this.#account;
  }

  sent(channel: string, withinMs: number): number {
    let count = 0;
    for (const send of this.#document.sent) {
      if (channel !== 'any' && send.channel !== channel) continue;
      if (send.at <= this.now - withinMs || send.at > this.now) continue;
      count++;
      this.changesAt(send.at + withinMs);
    }
    return count;
  }

  count(name: string, withinMs: number): number {
    const times = this.#document.context?.history?.get(name);
    if (times === undefined) return 0;
    const { now } = this;
    const from = now - withinMs;
    this.changesAt(times.after(from) + withinMs);
    this.changesAt(times.after(now));
    return times.countIn(from, now) - this.#waiting(name, from);
  }

  /** Events of that name in (from, now] that have been read and are not evaluated yet: they come after the one at hand. */
  #waiting(name: string, from: number): number {
    if (this.#withBuffered) return 0;
    let waiting = 0;
    for (const { time, event } of this.#document.buffer) {
      if (time > this.now) break;
      if (event === name && time > from) waiting++;
    }
    return waiting;
  }

  last(name: string): number | null {
    const times = this.#document.context?.history?.get(name);
    if (times === undefined) return null;
    this.changesAt(times.after(this.now));
    return times.newestAt(this.now);
  }

  outcomes(outcome: 'opened' | 'clicked', withinMs: number): number {
    let count = 0;
    for (const channel of this.#rules?.surroundings.channels ?? CHANNELS) {
      count += this.count(`${channel}_${outcome}`, withinMs);
    }
    return count;
  }

  inSegment(id: string): boolean {
    const segment = this.#rules?.surroundings.segments.get(id);
    return segment?.condition.holds(this, this.#segmentFailed) ?? false;
  }

  score(id: string): number {
    const model = this.#rules?.surroundings.models.get(id);
    if (model === undefined) throw new Error(`there is no model "${id}"`);
    if (model.kind === 'linear') return model.score(this);
    const known = this.#document.context?.scores.find((one) => one.model === id);
    const value = known !== undefined && known.at >= this.now - model.cacheMs ? known.value : null;
    if (value !== null) return value;
    if (model.byDefault === null) throw new Error(`the model "${id}" has no score, and no default`);
    return model.byDefault;
  }

  consent(category: string): boolean {
    if (this.#rules === null) return true;
    return consentTo(category, this.#document.context, this.#rules.surroundings);
  }

  /** There are no flows of several steps in this version. */
  inFlow(): boolean {
    return false;
  }

  changesAt(time: number): void {
    if (time > this.now && time < this.nextChange) this.nextChange = time;
  }
}

function profileOf(document: EntityDocument, withBuffered: boolean): JsonObject {
  if (document.profile === null && document.buffer.length === 0) return NONE;
  let profile: JsonObject = document.profile === null ? NONE : plain(document.profile);
  if (!withBuffered) return profile;
  for (const event of document.buffer) {
    if (event.type === 'identify') profile = attributesAfter(profile, event);
  }
  return profile;
}

function accountOf(document: EntityDocument, withBuffered: boolean): JsonObject {
  let account = document.context?.account ?? null;
  if (withBuffered) {
    for (const event of document.buffer) if (event.type === 'group') account = accountAfter(account, event);
  }
  return account === null ? NONE : plain(account);
}

function plain(attributes: ReadonlyMap<string, Attribute>): JsonObject {
  const values: Record<string, Json> = {};
  for (const [name, { value }] of attributes) values[name] = value;
  return values;
}
