// What the expressions of a rule see of one entity: made for a visit, or for one candidate of it, and thrown away.
//
// Nothing is computed before an expression asks for it.
//
// Invariants:
//   S1. Windows and scores are as of `now`; the profile and the account as of the lane.
//   S2. Every answer that time alone would change says when it does (changesAt).

import type { ExpressionFailed, ExpressionObserver, Scope, SessionFigures } from '../../rules/expressions/scope.ts';
import { consentTo, saidOf } from '../../rules/gates/consent.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { Event } from '../../schemas/event.ts';
import type { Json, JsonObject } from '../../schemas/json.ts';
import type { EntityDocument } from '../../state/entity/document.ts';
import {
  type Attributes,
  accountFacts,
  historyFacts,
  scoreFacts,
  sentFacts,
  wishesOf,
} from '../../state/entity/facts.ts';
import { isInFlow } from '../decide/flows/known.ts';
import { accountAfter, attributesAfter } from './facts.ts';

const NO_FLOWS: ReadonlySet<string> = new Set();
const NONE: JsonObject = Object.freeze({});

export interface ScopeOptions {
  readonly document: EntityDocument;
  readonly rules: RuleSet;
  /** Whether profile and account are as of all that was read (arrival order), or of what was evaluated in event-time order. */
  readonly withBuffered: boolean;
  /** Told when the condition of a segment fails; the segment then counts as not entered. */
  readonly segmentFailed: ExpressionFailed;
}

export class EntityScope implements Scope {
  event: Event | null = null;
  captures: Scope['captures'] = {};
  now = 0;
  ownFlow: string | null = null;
  ended: ReadonlySet<string> = NO_FLOWS;
  session: SessionFigures | null = null;
  /** The earliest time that changesAt() was told. */
  nextChange = Infinity;
  observer: ExpressionObserver | null = null;
  readonly #options: ScopeOptions;
  #profile: JsonObject | null = null;
  #account: JsonObject | null = null;

  constructor(options: ScopeOptions) {
    this.#options = options;
  }

  get profile(): JsonObject {
    this.#profile ??= profileOf(this.#options);
    return this.#profile;
  }

  /** What a flow has set by now, and that the entity does not know yet. */
  set profile(profile: JsonObject) {
    this.#profile = profile;
  }

  get account(): JsonObject {
    this.#account ??= accountOf(this.#options);
    return this.#account;
  }

  sent(channel: string, withinMs: number): number {
    let count = 0;
    for (const send of this.#options.document.sections.open(sentFacts) ?? []) {
      if (channel !== 'any' && send.channel !== channel) continue;
      if (send.at <= this.now - withinMs || send.at > this.now) continue;
      count++;
      this.changesAt(send.at + withinMs);
    }
    return count;
  }

  count(name: string, withinMs: number): number {
    const times = this.#options.document.sections.open(historyFacts)?.get(name);
    if (times === undefined) return 0;
    const { now } = this;
    const from = now - withinMs;
    this.changesAt(times.after(from) + withinMs);
    this.changesAt(times.after(now));
    return times.countIn(from, now) - this.#waiting(name, from);
  }

  /** Events of that name in (from, now] that have been read and are not evaluated yet: they come after the one at hand. */
  #waiting(name: string, from: number): number {
    const { withBuffered, document } = this.#options;
    if (withBuffered) return 0;
    let waiting = 0;
    for (const { time, event } of document.buffer) {
      if (time > this.now) break;
      if (event === name && time > from) waiting++;
    }
    return waiting;
  }

  last(name: string): number | null {
    const times = this.#options.document.sections.open(historyFacts)?.get(name);
    if (times === undefined) return null;
    this.changesAt(times.after(this.now));
    return times.newestAt(this.now);
  }

  outcomes(outcome: 'opened' | 'clicked', withinMs: number): number {
    let count = 0;
    for (const channel of this.#options.rules.context.channels.keys()) {
      count += this.count(`${channel}_${outcome}`, withinMs);
    }
    return count;
  }

  inSegment(id: string): boolean {
    const { rules, segmentFailed } = this.#options;
    return rules.context.segments.get(id)?.condition.holds(this, segmentFailed) ?? false;
  }

  score(id: string): number {
    const { rules, document } = this.#options;
    const model = rules.context.models.get(id);
    if (model === undefined) throw new Error(`there is no model "${id}"`);
    if (model.kind === 'linear') return model.score(this);
    const known = document.sections.open(scoreFacts)?.find((one) => one.model === id);
    const value = known !== undefined && known.at >= this.now - model.cacheMs ? known.value : null;
    if (value !== null) return value;
    if (model.byDefault === null) throw new Error(`the model "${id}" has no score, and no default`);
    return model.byDefault;
  }

  consent(category: string): boolean {
    const { rules, document } = this.#options;
    const { optIn, doubleOptIn } = rules.context;
    return consentTo(category, saidOf(wishesOf(document.sections), doubleOptIn), optIn);
  }

  inFlow(rule: string): boolean {
    return rule === this.ownFlow || isInFlow(this.#options.document.sections, rule, this.now, this.ended);
  }

  changesAt(time: number): void {
    if (time > this.now && time < this.nextChange) this.nextChange = time;
  }
}

function profileOf({ document, withBuffered }: ScopeOptions): JsonObject {
  if (document.profile === null && document.buffer.length === 0) return NONE;
  let profile: JsonObject = document.profile === null ? NONE : plain(document.profile);
  if (!withBuffered) return profile;
  for (const event of document.buffer) {
    if (event.type === 'identify') profile = attributesAfter(profile, event);
  }
  return profile;
}

function accountOf({ document, withBuffered }: ScopeOptions): JsonObject {
  let account = document.sections.open(accountFacts) ?? null;
  if (withBuffered) {
    for (const event of document.buffer) if (event.type === 'group') account = accountAfter(account, event);
  }
  return account === null ? NONE : plain(account);
}

function plain(attributes: Attributes): JsonObject {
  const values: Record<string, Json> = {};
  for (const [name, { value }] of attributes) values[name] = value;
  return values;
}
