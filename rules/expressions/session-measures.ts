// What a rule asks of its session: `session.count(name)`, `session.distinct(expression)`, `session.max(expression)`.
//
// Owns: the list of figures to be kept, each once. Does not own: keeping them (patterns/session/).

import type { Condition, Expression } from './scope.ts';

export type SessionMeasure =
  | { readonly kind: 'count'; readonly text: string; readonly event: string }
  | { readonly kind: 'distinct' | 'max'; readonly text: string; readonly expression: Expression };

export class SessionMeasures {
  readonly #byText = new Map<string, SessionMeasure>();

  add(measure: SessionMeasure): void {
    if (!this.#byText.has(measure.text)) this.#byText.set(measure.text, measure);
  }

  /** In the order in which they were first asked for. */
  get list(): Iterable<SessionMeasure> {
    return this.#byText.values();
  }
}

/** The condition of a session, and what it asks for. */
export interface SessionCondition {
  readonly condition: Condition;
  /** Grows while the rest of the rule is compiled, which may ask for more. */
  readonly measures: SessionMeasures;
}
