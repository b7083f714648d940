// What an expression uses, read off its syntax tree: variables, calls, paths, ranges of its macros.
//
// Owns: the walk over the library's tree, the mistakes that are seen there, and putting our functions in the place of
// some of the library's. Does not own: what our functions ask for (asks.ts), types (the library checks those),
// what macros may run over (macro-elements.ts), words for people (problem-words.ts).

import { serialize } from '@marcbachmann/cel-js';
import { parseDuration } from '../../lib/duration.ts';
import { didYouMean } from '../../lib/suggest.ts';
import { type AskOptions, ExpressionAsks } from './asks.ts';
import { EVENT_FIELDS, FLOW_FIELDS, REPLACED_FUNCTIONS, REPLACED_METHODS, SCOPED_FUNCTIONS } from './functions.ts';
import { MacroElements } from './macro-elements.ts';
import { CEL_FUNCTIONS, FUNCTIONS, LATER_FUNCTIONS, LATER_VARIABLES, MACROS } from './names.ts';
import { NeedsCollector } from './needs.ts';
import { refusalOf } from './regular-expression.ts';
import { SESSION_FIELDS, SESSION_METHODS } from './session.ts';
import { type AstNode, childrenOf, fieldOf, literalText, rootOf, usesVariable } from './tree.ts';

const SESSION_HINT = 'session.duration, .events, .count(name), .distinct(expression), .max(expression)';

/** A mistake in an expression; `offset` counts characters of its text. */
export interface ExpressionProblem {
  readonly offset: number;
  readonly message: string;
  readonly hint: string | null;
}

export interface AnalysisOptions extends AskOptions {
  /** Names of this version that are in scope: `event`, `profile`, `now` and captures. */
  readonly variables: ReadonlySet<string>;
  /** Variables that exist elsewhere, with what to do instead here. */
  readonly elsewhere: ReadonlyMap<string, string>;
  /** Functions and variables that cannot be asked here, with what to do instead. */
  readonly refused: ReadonlyMap<string, string>;
  /** A new node that stands for the scope (functions.ts). */
  scope(): AstNode;
}

/** Something that an expression asks of its session; `call` is the node of the whole call. */
export type AskedMeasure =
  | { readonly kind: 'count'; readonly event: string }
  | { readonly kind: 'distinct' | 'max'; readonly text: string; readonly call: AstNode; readonly argument: AstNode };

export class ExpressionAnalysis {
  readonly problems: ExpressionProblem[] = [];
  /** Variables in use. */
  readonly variables = new Set<string>();
  /** Attributes read as `profile.x` or `profile["x"]`. */
  readonly profileNames = new Set<string>();
  /** Whether `profile` is used otherwise, as in `size(profile)`. */
  profileWhole = false;
  /** The same for `account`. */
  readonly accountNames = new Set<string>();
  accountWhole = false;
  /** Whether a function in it asks the scope. */
  readsScope = false;
  readonly needs = new NeedsCollector();
  /** Texts of the paths and of our functions' calls, whose values explain a decision; in order of the text. */
  readonly parts = new Set<string>();
  readonly measures: AskedMeasure[] = [];
  readonly #options: AnalysisOptions;
  readonly #asks: ExpressionAsks;
  readonly #elements = new MacroElements();

  constructor(root: AstNode, options: AnalysisOptions) {
    this.#options = options;
    this.#asks = new ExpressionAsks(options, this.needs, (...problem) => this.#report(...problem));
    this.#walk(root);
  }

  #walk(node: AstNode): void {
    switch (node.op) {
      case 'id':
        this.#variable(node);
        break;
      case '.':
      case '[]':
        this.#path(node);
        break;
      case 'call':
        this.#call(node);
        break;
      case 'rcall':
        this.#method(node);
        break;
      default:
        for (const child of childrenOf(node.args)) this.#walk(child);
    }
  }

  #variable(node: AstNode): void {
    const name = node.args as string;
    if (this.#elements.has(name)) return;
    if (!this.#options.variables.has(name)) {
      this.#unknownVariable(node, name);
      return;
    }
    if (this.#isRefused(node, name)) return;
    this.variables.add(name);
    if (name === 'profile') this.profileWhole = true;
    if (name === 'account') this.accountWhole = true;
    if (name === 'session') this.#report(node.start, 'a session is not a value', `ask for ${SESSION_HINT}`);
    if (name === 'now') this.parts.add('now');
  }

  #unknownVariable(node: AstNode, name: string): void {
    const { variables, elsewhere } = this.#options;
    if (LATER_VARIABLES.has(name)) {
      this.#unavailable(node.start, name);
      return;
    }
    if (name === 'session') {
      this.#report(node.start, '"session" is known in session rules only', 'when: { session: { gap: 30m, when: … } }');
      return;
    }
    const instead = elsewhere.get(name);
    if (instead !== undefined) {
      this.#report(node.start, `"${name}" is not known here`, instead);
      return;
    }
    const known = [...variables];
    const fallback = `known here: ${known.join(', ')}; text stands in quotes`;
    this.#report(node.start, `unknown name "${name}"`, didYouMean(name, known, fallback));
  }

  #path(node: AstNode): void {
    const root = rootOf(node);
    if (root === null || this.#elements.has(root.args as string)) {
      const [left, right] = node.args as [AstNode, AstNode | string];
      this.#walk(left);
      if (typeof right !== 'string') this.#walk(right);
      return;
    }
    const name = root.args as string;
    if (!this.#options.variables.has(name)) {
      this.#unknownVariable(root, name);
      return;
    }
    if (this.#isRefused(root, name)) return;
    this.variables.add(name);
    if (!this.#elements.isUsedIn(node)) this.parts.add(serialize(node as never));
    let step = node;
    for (;;) {
      const [left, right] = step.args as [AstNode, AstNode | string];
      if (typeof right !== 'string') this.#walk(right);
      if (left === root) {
        this.#firstStep(step, name);
        return;
      }
      step = left;
    }
  }

  /** The step right after a variable: `profile.x`, `event.x`. */
  #firstStep(step: AstNode, variable: string): void {
    const field = fieldOf(step);
    if (variable === 'profile') {
      if (field === null) this.profileWhole = true;
      else this.profileNames.add(field);
    } else if (variable === 'account') {
      if (field === null) this.accountWhole = true;
      else this.accountNames.add(field);
    } else if (variable === 'session') {
      if (field !== null && SESSION_FIELDS.includes(field)) return;
      this.#report(step.pos, `a session has no field "${field ?? ''}"`, `ask for ${SESSION_HINT}`);
    } else if (variable === 'flow') {
      if (field !== null && FLOW_FIELDS.includes(field)) return;
      this.#report(step.pos, `a flow has no field "${field ?? ''}"`, `its fields are ${FLOW_FIELDS.join(', ')}`);
    } else if (variable !== 'now' && field !== null && !Object.hasOwn(EVENT_FIELDS, field)) {
      const hint = didYouMean(field, Object.keys(EVENT_FIELDS));
      const also = `its fields are ${Object.keys(EVENT_FIELDS).join(', ')}; others are in ${variable}.properties`;
      this.#report(step.pos, `an event has no field "${field}"`, hint === null ? also : `${hint} ${also}`);
    }
  }

  #call(node: AstNode): void {
    const [name, values] = node.args as [string, AstNode[]];
    if (name === 'has') {
      this.#has(node, values);
      return;
    }
    if (Object.hasOwn(FUNCTIONS, name) && !this.#elements.isUsedIn(node)) this.parts.add(serialize(node as never));
    for (const value of values) this.#walk(value);
    if (LATER_FUNCTIONS.has(name)) {
      this.#unavailable(node.start, `${name}()`);
      return;
    }
    if (!Object.hasOwn(FUNCTIONS, name) && !CEL_FUNCTIONS.has(name)) {
      const known = [...Object.keys(FUNCTIONS), ...CEL_FUNCTIONS];
      this.#report(node.start, `unknown function ${name}()`, didYouMean(name, known));
      return;
    }
    if (SCOPED_FUNCTIONS.has(name)) {
      this.readsScope = true;
      (node.args as unknown[])[1] = [this.#options.scope(), ...values];
    }
    if (!this.#isRefused(node, name)) this.#asks.take(node, name, values);
    const literal = literalText(values[0]);
    if (name === 'duration' && literal !== null && parseDuration(literal.replace(/^-/, '')) === null) {
      this.#report(values[0]!.start, `"${literal}" is not a duration`, 'such as 90s, 5m, 24h, 7d or 2w');
    }
    if (REPLACED_FUNCTIONS.has(`${name}/${values.length}`)) (node.args as unknown[])[0] = `${name}_`;
  }

  /** An unset attribute is there, as null; `has` is to say that it is not. */
  #has(node: AstNode, values: AstNode[]): void {
    for (const value of values) this.#walk(value);
    const [value] = values;
    if (value?.op !== '.' || fieldOf(value) === null) return;
    const [left] = value.args as [AstNode];
    if (left.op !== 'id' || !['profile', 'account'].includes(left.args as string)) return;
    if (this.#elements.has(left.args as string)) return;
    node.setMeta('macro', undefined);
    (node.args as unknown[])[0] = 'has_';
  }

  /** Whether the name cannot be used here, which is then reported. */
  #isRefused(node: AstNode, name: string): boolean {
    const instead = this.#options.refused.get(name);
    if (instead === undefined) return false;
    this.#report(node.start, `"${name}" cannot be asked here`, instead);
    return true;
  }

  #method(node: AstNode): void {
    const [name, receiver, values] = node.args as [string, AstNode, AstNode[]];
    if (receiver.op === 'id' && receiver.args === 'cel') {
      this.#report(node.start, `cel.${name}() is not part of the rule language`, null);
      return;
    }
    if (receiver.op === 'id' && receiver.args === 'session' && !this.#elements.has('session')) {
      this.#session(node, name, values);
      return;
    }
    this.#walk(receiver);
    if (Object.hasOwn(MACROS, name) && MACROS[name]!.includes(values.length)) {
      this.#macro(node, receiver, values);
      return;
    }
    for (const value of values) this.#walk(value);
    if (name === 'matches' && values.length === 1) {
      const pattern = literalText(values[0]);
      const refusal = pattern === null ? 'the pattern of matches() must be written out as text' : refusalOf(pattern);
      if (refusal !== null)
        this.#report(values[0]!.start, refusal, 'patterns are bounded so that no text can stall the engine');
    }
    if (REPLACED_METHODS.has(`${name}/${values.length}`)) (node.args as unknown[])[0] = `${name}_`;
  }

  /** What is asked of the session; the argument of `distinct` and `max` is compiled by itself (compiler.ts). */
  #session(call: AstNode, name: string, values: AstNode[]): void {
    if (!this.#options.variables.has('session')) {
      this.#unknownVariable(call, 'session');
      return;
    }
    this.variables.add('session');
    const [argument] = values;
    if (!Object.hasOwn(SESSION_METHODS, name)) {
      this.#report(call.start, `a session has no ${name}()`, `ask for ${SESSION_HINT}`);
    } else if (argument === undefined || values.length !== 1) {
      this.#report(call.start, `session.${name}() takes one argument`, SESSION_METHODS[name]!);
    } else if (name === 'count') {
      const event = literalText(argument);
      const hint = 'what is kept must be known beforehand: session.count("click")';
      if (event === null) this.#report(argument.start, 'the name of session.count() must be written out as text', hint);
      else this.measures.push({ kind: 'count', event });
    } else if (!usesVariable(argument, 'event')) {
      this.#report(
        argument.start,
        `session.${name}() is asked of each event, and this reads none`,
        SESSION_METHODS[name]!,
      );
    } else {
      this.measures.push({ kind: name as 'distinct' | 'max', text: serialize(call as never), call, argument });
    }
    this.parts.add(serialize(call as never));
  }

  #macro(node: AstNode, range: AstNode, values: AstNode[]): void {
    const [element, ...bodies] = values;
    const problem = this.#elements.enter(String(element?.args), range);
    if (problem !== null) this.#report(node.start, problem.message, problem.hint);
    for (const body of bodies) this.#walk(body);
    this.#elements.leave();
  }

  #unavailable(offset: number, name: string): void {
    this.#report(offset, `${name} is part of the rule language but not available in this version`, null);
  }

  #report(offset: number, message: string, hint: string | null): void {
    this.problems.push({ offset, message, hint });
  }
}
