// Compiles CEL expressions: parsed and type-checked once, then evaluated over a scope (compiled-expression.ts).
//
// Owns: variables and their types, limits. Does not own: the functions (functions.ts), the walk over the tree (analysis.ts), the
// wording of the library's mistakes (problem-words.ts).
//
// Invariants:
//   E1. An expression that compiles has no unknown name, function, field or overload, as far as types are known.

import type { Environment } from '@marcbachmann/cel-js';
import { type AnalysisOptions, ExpressionAnalysis, type ExpressionProblem } from './analysis.ts';
import { CompiledCondition, type CompiledExpression, ScopedExpression } from './compiled-expression.ts';
import { costOf } from './cost.ts';
import { createEnvironment, SCOPE_VARIABLE } from './functions.ts';
import { withHint } from './hints.ts';
import { problemOf, typeWords } from './problem-words.ts';
import type { Condition, Expression, Scope } from './scope.ts';
import { countText, registerSession } from './session.ts';
import type { SessionMeasures } from './session-measures.ts';
import type { AstNode } from './tree.ts';
import { textOfValue } from './values.ts';

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
  /** Whether `flow` is known; left out: no. */
  readonly flow?: boolean;
  /** Whether `items` and `more` are known: what a digest gathered; left out: no. */
  readonly digest?: boolean;
  /** Functions and variables that cannot be asked here, with what to do instead. */
  readonly refused?: ReadonlyMap<string, string>;
  /** Whether the score of a model may be asked that answers later; left out: no. */
  readonly remoteScores?: boolean;
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
    const result = this.#compiled(source, names);
    return { ...result, problems: result.problems.map((problem) => withHint(problem, source)) };
  }

  #compiled(source: string, names: Names) {
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
    const withFlow = names.flow === true;
    const withDigest = names.digest === true;
    const key = `${withFlow ? 'flow' : ''} ${withDigest ? 'digest' : ''} ${withSession ? 'session' : ''} ${names.insteadOfEvent === null ? 'event' : ''} ${[...names.captures].sort().join(' ')} ${[...(names.lists ?? [])].sort().join(' ')}`;
    let environment = this.#environments.get(key);
    if (environment === undefined) {
      environment = this.#base.clone();
      environment.registerVariable('profile', 'map<string, dyn>');
      environment.registerVariable('account', 'map<string, dyn>');
      environment.registerVariable('now', 'google.protobuf.Timestamp');
      if (names.insteadOfEvent === null) environment.registerVariable('event', 'Event');
      if (withDigest) {
        environment.registerVariable('items', 'list<map<string, dyn>>');
        environment.registerVariable('more', 'int');
      }
      if (withSession) environment.registerVariable('session', 'Session');
      if (withFlow) environment.registerVariable('flow', 'map<string, dyn>');
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
      ...(names.flow === true ? ['flow'] : []),
      ...(names.digest === true ? ['items', 'more'] : []),
      ...names.captures,
    ]),
    elsewhere: new Map(withEvent ? [] : [['event', names.insteadOfEvent]]),
    ...known,
    refused: names.refused ?? NOTHING_REFUSED,
    remoteScores: names.remoteScores ?? false,
    flows: names.remoteScores === true || names.flow === true,
  };
}

const NOTHING_REFUSED: ReadonlyMap<string, string> = new Map();
