// Compiles CEL expressions: parsed and type-checked once, then evaluated over a scope without allocating one.
//
// Owns: variables and their types, limits, the wording of mistakes. Does not own: the functions
// (expression-functions.ts), the walk over the tree (expression-analysis.ts).
//
// Invariants:
//   E1. An expression that compiles has no unknown name, function, field or overload, as far as types are known.
//   E2. An unset attribute of the profile reads as null; a missing property of an event is an error.

import type { Environment } from '@marcbachmann/cel-js';
import type { Json, JsonObject } from '../../schemas/json.ts';
import { type AnalysisOptions, ExpressionAnalysis, type ExpressionProblem } from './analysis.ts';
import { type Cost, costOf, looksWithin } from './cost.ts';
import { createEnvironment, SCOPE_VARIABLE, ScopeHandle } from './functions.ts';
import { FUNCTIONS } from './names.ts';
import type { Needs } from './needs.ts';
import type { Condition, Expression, ExpressionFailed, Scope } from './scope.ts';
import { countText, registerSession, sessionView } from './session.ts';
import type { SessionMeasures } from './session-measures.ts';
import type { AstNode } from './tree.ts';
import { jsonOfValue, textOfValue } from './values.ts';
import { work } from './work.ts';

/** An expression is written by a person; these are far above what one can read. */
const LIMITS = { maxAstNodes: 2_000, maxDepth: 40, maxListElements: 1_000, maxMapEntries: 100, maxCallArguments: 8 };
const SOURCE_LENGTH_MAX = 10_000;

/** The names an expression may use beside `profile` and `now`. */
export interface Names {
  readonly captures: readonly string[];
  /** Those of them that are lists of events; left out: none. */
  readonly lists?: readonly string[];
  /** Null when there is an event; else what to do where someone writes `event`. */
  readonly insteadOfEvent: string | null;
  /** Where `session` is known: what the expression asks of it goes here. */
  readonly session?: SessionMeasures | null;
  /** Functions and variables that cannot be asked here, with what to do instead. */
  readonly refused?: ReadonlyMap<string, string>;
  /** Whether the score of a model may be asked that answers later; left out: no. */
  readonly remoteScores?: boolean;
}

export interface CompiledExpression extends Expression {
  /** CEL's type, such as bool or dyn. */
  readonly type: string;
  readonly needs: Needs;
  /** The captures it reads. */
  readonly captures: readonly string[];
}

/** What an expression may name of the project beside its rule. */
export interface KnownNames {
  readonly channels: readonly string[];
  readonly segments: ReadonlySet<string>;
  readonly models: ReadonlySet<string>;
  /** Those of the models that are asked beside the task. */
  readonly remoteModels: ReadonlySet<string>;
}

export interface CompileResult<Compiled> {
  /** Null when there are problems. */
  readonly compiled: Compiled | null;
  readonly problems: readonly ExpressionProblem[];
}

export class ExpressionCompiler {
  readonly #base: Environment;
  readonly known: KnownNames;
  /** Environments by the names in them: most rules share a few. */
  readonly #environments = new Map<string, Environment>();

  constructor(known: KnownNames) {
    this.#base = createEnvironment(LIMITS);
    registerSession(this.#base);
    this.known = known;
  }

  /** Compiles an expression of any type. */
  compile(source: string, names: Names): CompileResult<CompiledExpression> {
    const { compiled, problems } = this.#compile(source, names);
    return { compiled, problems };
  }

  /** Compiles an expression whose value tells things apart: evaluates to its JSON as text, or null when it has none. */
  compileKey(source: string, names: Names): CompileResult<CompiledExpression> {
    const { compiled, problems } = this.#compile(source, names);
    if (compiled === null) return { compiled, problems };
    const { type, needs, captures } = compiled;
    const evaluate = (scope: Scope): string | null => textOfValue(compiled.evaluate(scope));
    return { compiled: { source, type, needs, captures, evaluate }, problems };
  }

  /** Compiles an expression that must be bool; `dyn` passes, and fails when evaluated to something else. */
  compileCondition(source: string, names: Names): CompileResult<Condition & CompiledExpression> {
    const { compiled, problems, analysis } = this.#compile(source, names);
    if (compiled === null) return { compiled, problems };
    if (compiled.type !== 'bool' && !compiled.type.startsWith('dyn')) {
      const message = `a condition must be true or false, this is ${typeWords(compiled.type)}`;
      return { compiled: null, problems: [{ offset: 0, message, hint: 'compare it with something' }] };
    }
    const parts = new Map<string, Expression>();
    for (const text of analysis?.parts ?? []) {
      const part = this.#compile(text, names).compiled;
      if (part !== null) parts.set(text, part);
    }
    return { compiled: new CompiledCondition(compiled, parts), problems };
  }

  #compile(source: string, names: Names) {
    if (source.length > SOURCE_LENGTH_MAX) {
      const message = `an expression must have at most ${SOURCE_LENGTH_MAX} characters`;
      return { compiled: null, problems: [{ offset: 0, message, hint: null }] };
    }
    const environment = this.#environmentOf(names);
    let parsed: ReturnType<Environment['parse']>;
    try {
      parsed = environment.parse(source);
    } catch (error) {
      return { compiled: null, problems: [problemOf(error, source)] };
    }
    const cost = costOf(parsed.ast as unknown as AstNode);
    if (cost.tooManyTurns !== null) {
      const message = 'loops over written-out lists inside each other take too many turns';
      return {
        compiled: null,
        problems: [
          { offset: cost.tooManyTurns.start, message, hint: 'at most 1000, or 100 within a list of the event' },
        ],
      };
    }
    const analysis = new ExpressionAnalysis(parsed.ast as unknown as AstNode, {
      ...analysisOptions(names, this.known),
      scope: () => this.#base.parse(SCOPE_VARIABLE).ast as unknown as AstNode,
    });
    const problems = [...analysis.problems, ...this.#addMeasures(analysis, source, names)];
    if (problems.length > 0) return { compiled: null, problems };
    const { valid, type, error } = parsed.check();
    if (!valid) return { compiled: null, problems: [problemOf(error, source)] };
    return { compiled: new ScopedExpression(source, type ?? 'dyn', parsed, analysis, cost), problems: [], analysis };
  }

  /** Compiles what stands in session.distinct(…) and session.max(…), which is asked of each event. */
  #addMeasures(analysis: ExpressionAnalysis, source: string, names: Names): ExpressionProblem[] {
    const { session } = names;
    if (session === null || session === undefined) return [];
    const problems: ExpressionProblem[] = [];
    for (const measure of analysis.measures) {
      if (measure.kind === 'count') {
        session.add({ kind: 'count', text: countText(measure.event), event: measure.event });
        continue;
      }
      const { kind, text, call, argument } = measure;
      const over: Names = { captures: [], insteadOfEvent: null };
      const inner = source.slice(argument.start, argument.end);
      const { compiled, problems: found } = kind === 'max' ? this.compile(inner, over) : this.compileKey(inner, over);
      problems.push(...found.map((problem) => ({ ...problem, offset: problem.offset + argument.start })));
      if (compiled === null) continue;
      if (kind === 'max' && !/^(dyn|int|uint|double)/.test(compiled.type)) {
        const message = `session.max() wants a number, this is ${typeWords(compiled.type)}`;
        problems.push({ offset: argument.start, message, hint: null });
      }
      session.add({ kind, text, expression: compiled });
      const literal = this.#base.parse(JSON.stringify(text)).ast;
      // The library looks the method up when it checks, which comes after this.
      (call.args as unknown[])[0] = `${kind}_`;
      (call.args as unknown[])[2] = [literal];
    }
    return problems;
  }

  #environmentOf(names: Names): Environment {
    const withSession = names.session !== null && names.session !== undefined;
    const key = `${withSession ? 'session' : ''} ${names.insteadOfEvent === null ? 'event' : ''} ${[...names.captures].sort().join(' ')} ${[...(names.lists ?? [])].sort().join(' ')}`;
    let environment = this.#environments.get(key);
    if (environment === undefined) {
      environment = this.#base.clone();
      environment.registerVariable('profile', 'map<string, dyn>');
      environment.registerVariable('account', 'map<string, dyn>');
      environment.registerVariable('now', 'google.protobuf.Timestamp');
      if (names.insteadOfEvent === null) environment.registerVariable('event', 'Event');
      if (withSession) environment.registerVariable('session', 'Session');
      for (const capture of new Set(names.captures)) {
        environment.registerVariable(capture, names.lists?.includes(capture) ? 'list<Event>' : 'Event');
      }
      this.#environments.set(key, environment);
    }
    return environment;
  }
}

function analysisOptions(names: Names, known: KnownNames): Omit<AnalysisOptions, 'scope'> {
  const withEvent = names.insteadOfEvent === null;
  return {
    variables: new Set([
      ...(withEvent ? ['event'] : []),
      'profile',
      'account',
      'now',
      ...(names.session === null || names.session === undefined ? [] : ['session']),
      ...names.captures,
    ]),
    elsewhere: new Map(withEvent ? [] : [['event', names.insteadOfEvent]]),
    ...known,
    refused: names.refused ?? NOTHING_REFUSED,
    remoteScores: names.remoteScores ?? false,
  };
}

const NOTHING_REFUSED: ReadonlyMap<string, string> = new Map();

/** The library's expression over our scope; one mutable context serves every evaluation, which is synchronous. */
class ScopedExpression implements CompiledExpression {
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

class CompiledCondition implements Condition, CompiledExpression {
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

/** A CEL type as people call it. */
export function typeWords(type: string): string {
  return wordsOf(type);
}

/** The library's error in our words. */
function problemOf(error: unknown, source: string): ExpressionProblem {
  const known = error as { summary?: string; node?: { pos?: number }; range?: { start?: number }; message?: string };
  const offset = known.node?.pos ?? known.range?.start ?? 0;
  const message = wordsOf(known.summary ?? known.message ?? String(error));
  return { offset: Math.min(offset, source.length), message, hint: hintFor(message, source.slice(offset)) };
}

function wordsOf(message: string): string {
  return message
    .replaceAll('google.protobuf.Timestamp', 'timestamp')
    .replaceAll('google.protobuf.Duration', 'duration')
    .replace(/(\w)_\(/g, '$1(')
    .replace(/\(Scope_(, )?/g, '(')
    .replace(/^no such overload: (.+) (\S+) (.+)$/, '$1 and $3 cannot be put together by $2')
    .replace(/^no such overload: ([!-])(.+)$/, '$1 cannot be applied to $2')
    .replace(/^found no matching overload for '(\w+)\((.*)\)'$/, '$1() does not take ($2)')
    .replace(/^found no matching overload for '(.+)\.(\w+)\((.*)\)'$/, 'there is no $2($3) on $1')
    .replace('Exceeded maxAstNodes', 'the expression is too long: more parts than')
    .replace('Exceeded maxDepth', 'the expression is nested too deep: more than')
    .replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
}

function hintFor(message: string, rest: string): string | null {
  if (rest.startsWith('=')) return 'equality is ==';
  if (/^(and|or)\b/.test(rest)) return 'write && for and, || for or';
  if (/^not\b/.test(rest)) return 'write ! for not';
  if (message.includes('EOF')) return 'the expression ends too early';
  const [, called = ''] = /^(\w+)\(\) does not take/.exec(message) ?? [];
  if (Object.hasOwn(FUNCTIONS, called)) return `it takes ${FUNCTIONS[called]}`;
  return null;
}
