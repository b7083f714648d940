// Compiled expressions as they are evaluated: over a scope, without allocating one.
//
// Does not own: making them (compiler.ts), what a scope is (scope.ts), limits of work (cost.ts, work.ts).
//
// Invariants:
//   E2. An unset attribute of the profile reads as null; a missing property of an event is an error.
//
// Edge `expression`: an expression of a rule is evaluated over an event and what is known of its entity.
//   throws: it is false, or has no value; `expression-failed`. The other rules are shown the event
//   rejects: cannot: expressions are synchronous
//   hangs: what it does is counted, and it fails at some 0.2 s of work, as a throw
//   too large: as a hang
//   behind: rules/

import type { Json, JsonObject } from '../../schemas/json.ts';
import type { ExpressionAnalysis } from './analysis.ts';
import { type Cost, looksWithin } from './cost.ts';
import { SCOPE_VARIABLE, ScopeHandle } from './functions.ts';
import type { Needs } from './needs.ts';
import type { Condition, Expression, ExpressionFailed, Scope } from './scope.ts';
import { sessionView } from './session.ts';
import { jsonOfValue, textOfValue } from './values.ts';
import { work } from './work.ts';

export interface CompiledExpression extends Expression {
  /** CEL's type, such as bool or dyn. */
  readonly type: string;
  readonly needs: Needs;
  /** The captures it reads. */
  readonly captures: readonly string[];
}

/** The library's expression over our scope; one mutable context serves every evaluation, which is synchronous. */
export class ScopedExpression implements CompiledExpression {
  readonly source: string;
  readonly type: string;
  readonly needs: Needs;
  readonly #run: (context: Record<string, unknown>) => unknown;
  readonly #context: Record<string, unknown> = {};
  readonly #usesEvent: boolean;
  readonly #usesNow: boolean;
  /** Whether its cost depends on the values so much that it is checked beforehand, or counted. */
  readonly #isRepeated: boolean;
  readonly #countsWork: boolean;
  readonly #usesSession: boolean;
  /** Null where no function asks the scope. */
  readonly #handle: ScopeHandle | null;
  readonly captures: readonly string[];
  /** Null where the expression does not read it. */
  readonly #profile: AttributesView | null;
  readonly #account: AttributesView | null;

  constructor(
    source: string,
    type: string,
    run: (context: Record<string, unknown>) => unknown,
    analysis: ExpressionAnalysis,
    cost: Cost,
  ) {
    const { variables } = analysis;
    this.source = source;
    this.type = type;
    analysis.needs.profile = variables.has('profile');
    analysis.needs.account = variables.has('account');
    for (const name of [...analysis.profileNames, ...analysis.accountNames]) analysis.needs.attributes.add(name);
    this.needs = analysis.needs;
    this.#run = run;
    this.#usesEvent = variables.has('event');
    this.#usesNow = variables.has('now');
    this.#isRepeated = cost.isRepeated;
    this.#countsWork = cost.isRepeated || cost.searches || analysis.readsScope;
    this.#usesSession = variables.has('session');
    this.#handle = analysis.readsScope ? new ScopeHandle() : null;
    // Not to be counted among the values that the expression works on.
    Object.defineProperty(this.#context, SCOPE_VARIABLE, { value: this.#handle, enumerable: false });
    this.captures = [...variables].filter((name) => !['event', 'now', 'profile', 'account', 'session'].includes(name));
    this.#profile = this.needs.profile ? new AttributesView(analysis.profileNames, analysis.profileWhole) : null;
    this.#account = this.needs.account ? new AttributesView(analysis.accountNames, analysis.accountWhole) : null;
  }

  evaluate(scope: Scope): unknown {
    const context = this.#context;
    if (this.#usesEvent) context['event'] = scope.event;
    for (const name of this.captures) context[name] = scope.captures[name];
    if (this.#usesNow) context['now'] = new Date(scope.now);
    if (this.#usesSession) context['session'] = sessionView(scope.session);
    if (this.#profile !== null) context['profile'] = this.#profile.of(scope.profile);
    if (this.#account !== null) context['account'] = this.#account.of(scope.account);
    if (this.#handle !== null) this.#handle.scope = scope;
    // A missing property is an everyday answer here, and taking the stack for its error costs more than all the rest.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    if (this.#countsWork) work.begin();
    try {
      const isLookable = !this.#isRepeated || looksWithin(Object.values(context));
      const value = isLookable ? this.#run(context) : null;
      if (this.#countsWork && work.failure !== null) throw work.failure;
      return value;
    } finally {
      if (this.#countsWork) work.end();
      Error.stackTraceLimit = stackTraceLimit;
    }
  }
}

/** What `profile` or `account` reads as: the attributes that the expression names, null where unset (E2). */
class AttributesView {
  readonly #names: readonly string[];
  readonly #isWhole: boolean;
  readonly #view: Record<string, Json> = {};

  /** `isWhole`: it is used otherwise than by its attributes' names, as in `size(profile)`. */
  constructor(names: ReadonlySet<string>, isWhole: boolean) {
    this.#names = [...names];
    this.#isWhole = isWhole;
  }

  of(attributes: JsonObject): JsonObject {
    if (this.#isWhole) {
      const view: Record<string, Json> = {};
      for (const name of this.#names) view[name] = null;
      return Object.assign(view, attributes);
    }
    for (const name of this.#names) this.#view[name] = Object.hasOwn(attributes, name) ? attributes[name]! : null;
    return this.#view;
  }
}

export class CompiledCondition implements Condition, CompiledExpression {
  readonly source: string;
  readonly type: string;
  readonly needs: Needs;
  readonly captures: readonly string[];
  readonly #expression: CompiledExpression;
  readonly #parts: ReadonlyMap<string, Expression>;

  constructor(expression: CompiledExpression, parts: ReadonlyMap<string, Expression>) {
    this.source = expression.source;
    this.type = expression.type;
    this.needs = expression.needs;
    this.captures = expression.captures;
    this.#expression = expression;
    this.#parts = parts;
  }

  evaluate(scope: Scope): unknown {
    return this.#expression.evaluate(scope);
  }

  holds(scope: Scope, failed: ExpressionFailed): boolean {
    try {
      const value = this.#expression.evaluate(scope);
      scope.observer?.(this, value, scope);
      if (typeof value === 'boolean') return value;
      failed(this.source, new TypeError(`a condition must be true or false, not ${String(textOfValue(value))}`));
    } catch (error) {
      scope.observer?.(this, error, scope);
      failed(this.source, error);
    }
    return false;
  }

  values(scope: Scope): JsonObject {
    const values: Record<string, Json> = {};
    for (const [text, part] of this.#parts) {
      try {
        values[text] = jsonOfValue(part.evaluate(scope));
      } catch {
        values[text] = null;
      }
    }
    return values;
  }
}
