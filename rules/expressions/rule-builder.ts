// What compiling one rule needs at hand: its document, the expression compiler, and where mistakes go.
//
// Owns: turning mistakes into problems at their place, and what the rule's expressions need of the runtime taken
// together.

import type { Problem } from '../../lib/problem.ts';
import { didYouMean } from '../../lib/suggest.ts';
import type { Path, SourceDocument } from '../language/parse.ts';
import type { CompiledExpression } from './compiled-expression.ts';
import type { CompileResult, ExpressionCompiler, Names } from './compiler.ts';
import { isReservedName } from './names.ts';
import { NeedsCollector } from './needs.ts';
import { typeWords } from './problem-words.ts';
import type { Condition, Expression } from './scope.ts';
import { type SessionCondition, SessionMeasures } from './session-measures.ts';

/** CEL types that a value may have, beside those that are known only when it is there. */
const WANTED = {
  figure: { types: ['int', 'uint', 'double'], words: 'a number', hint: 'double(…) makes one of text' },
  moment: { types: ['google.protobuf.Timestamp', 'string'], words: 'a time', hint: 'timestamp(…) makes one' },
} as const;

function fitsKind(type: string, kind: keyof typeof WANTED): boolean {
  return type.startsWith('dyn') || (WANTED[kind].types as readonly string[]).includes(type);
}

/** An expression that must be a figure, a moment, or anything that tells things apart (its value is then text or null). */
export interface WantedValue {
  readonly is: 'figure' | 'moment' | 'key';
  readonly captures: readonly string[];
  /** Null when there is an event; else what to do where someone writes `event`. */
  readonly insteadOfEvent: string | null;
}

export class RuleBuilder {
  readonly document: SourceDocument;
  readonly problems: Problem[];
  /** Worth saying; the rule is good all the same. */
  readonly warnings: Problem[] = [];
  readonly needs = new NeedsCollector();
  readonly #expressions: ExpressionCompiler;

  constructor(document: SourceDocument, problems: Problem[], expressions: ExpressionCompiler) {
    this.document = document;
    this.problems = problems;
    this.#expressions = expressions;
  }

  error(path: Path, message: string, hint: string | null = null): void {
    this.problems.push(this.document.problem(path, message, hint));
  }

  warning(path: Path, message: string, hint: string | null = null): void {
    this.warnings.push(this.document.problem(path, message, hint));
  }

  /** Null when there is none, or it has a mistake, which is reported. */
  condition(path: Path, source: string | undefined, names: Names): Condition | null {
    if (source === undefined) return null;
    return this.#accept(path, this.#expressions.compileCondition(source, names));
  }

  expression(path: Path, source: string | undefined, names: Names): Expression | null {
    if (source === undefined) return null;
    return this.#accept(path, this.#expressions.compile(source, names));
  }

  /** A value of a wanted kind; null when there is none, or it has a mistake, which is reported. */
  value(path: Path, source: string | undefined, wanted: WantedValue): Expression | null {
    if (wanted.is === 'key') return this.key(path, source, wanted);
    if (source === undefined) return null;
    const compiled = this.#accept(path, this.#expressions.compile(source, wanted));
    if (compiled === null || fitsKind(compiled.type, wanted.is)) return compiled;
    const { words, hint } = WANTED[wanted.is];
    this.error(path, `the value must be ${words}, this is ${typeWords(compiled.type)}`, hint);
    return null;
  }

  /** The condition of a session, with the figures that it asks for; null when it has a mistake, which is reported. */
  sessionCondition(path: Path, source: string | undefined): SessionCondition | null {
    if (source === undefined) return null;
    const session = new SessionMeasures();
    const condition = this.condition(path, source, { captures: [], insteadOfEvent: null, session });
    return condition === null ? null : { condition, measures: session };
  }

  /** Reports a segment that there is not. */
  segment(path: Path, id: string): void {
    const known = [...this.#expressions.known.segments];
    this.needs.segments.add(id);
    if (known.includes(id)) return;
    const all = known.length === 0 ? 'there are no segments' : `known: ${known.join(', ')}`;
    this.error(path, `unknown segment "${id}"`, didYouMean(id, known, all));
  }

  readsProfile(): void {
    this.needs.profile = true;
  }

  /** For `by` and cooldown keys: the value as text, or null. */
  key(path: Path, source: string | undefined, names: Names): Expression | null {
    if (source === undefined) return null;
    return this.#accept(path, this.#expressions.compileKey(source, names));
  }

  /** The name that `as` gives; null when there is none, or it cannot be used, which is reported. */
  capture(path: Path, name: string | undefined): string | null {
    if (name === undefined) return null;
    if (!isReservedName(name)) return name;
    this.error(path, `"${name}" cannot be a name: it means something in expressions already`, `such as my_${name}`);
    return null;
  }

  #accept<Compiled extends CompiledExpression>(path: Path, result: CompileResult<Compiled>): Compiled | null {
    for (const { offset, message, hint } of result.problems) {
      this.problems.push(this.document.problem(path, message, hint, offset));
    }
    if (result.compiled === null) return null;
    this.needs.add(result.compiled.needs);
    return result.compiled;
  }
}
