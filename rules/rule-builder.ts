// What compiling one rule needs at hand: its document, the expression compiler, and where mistakes go.
//
// Owns: turning mistakes into problems at their place, and what the rule's expressions need of the runtime taken
// together.

import type { Problem } from '../lib/problem.ts';
import type { Condition, Expression } from './api.ts';
import { isReservedName } from './expression-names.ts';
import type { CompiledExpression, CompileResult, ExpressionCompiler, Names } from './expressions.ts';
import type { Path, SourceDocument } from './parse.ts';

export class RuleBuilder {
  readonly document: SourceDocument;
  readonly problems: Problem[];
  sentHistoryMs = 0;
  usesProfile = false;
  readonly #expressions: ExpressionCompiler;

  constructor(document: SourceDocument, problems: Problem[], expressions: ExpressionCompiler) {
    this.document = document;
    this.problems = problems;
    this.#expressions = expressions;
  }

  error(path: Path, message: string, hint: string | null = null): void {
    this.problems.push(this.document.problem(path, message, hint));
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
    this.sentHistoryMs = Math.max(this.sentHistoryMs, result.compiled.sentHistoryMs);
    this.usesProfile ||= result.compiled.usesProfile;
    return result.compiled;
  }
}
