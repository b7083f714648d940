// Values as rules write them: constants, CEL expressions, durations, and mappings and lists of these.

import { parseDuration } from '../../lib/duration.ts';
import { isJsonObject, type Json } from '../../schemas/json.ts';
import type { Names } from '../expressions/compiler.ts';
import type { RuleBuilder } from '../expressions/rule-builder.ts';
import type { ExpressionFailed, Scope } from '../expressions/scope.ts';
import { jsonOfValue } from '../expressions/values.ts';
import type { Path } from '../language/parse.ts';

export type DataBody = Readonly<Record<string, unknown>>;

/** The values by name; one that fails is null and reported. */
export type CompiledData = (scope: Scope, failed: ExpressionFailed) => { readonly [name: string]: Json };

/** One value: a constant, an expression, or a mapping or list of values. */
type DataValue = (scope: Scope, failed: ExpressionFailed) => Json;

/** Mistakes go to the builder. */
export function compileData(body: DataBody, path: Path, names: Names, builder: RuleBuilder): CompiledData {
  const values = Object.entries(body).map(
    ([name, value]) => [name, compileValue(value as Json, [...path, name], names, builder)] as const,
  );
  return (scope, failed) => Object.fromEntries(values.map(([name, value]) => [name, value(scope, failed)]));
}

function compileValue(value: Json, path: Path, names: Names, builder: RuleBuilder): DataValue {
  if (typeof value === 'string') return compileText(value, path, names, builder);
  if (Array.isArray(value)) {
    const items = value.map((item, index) => compileValue(item, [...path, index], names, builder));
    return (scope, failed) => items.map((item) => item(scope, failed));
  }
  if (isJsonObject(value)) return compileData(value, path, names, builder);
  return () => value;
}

function compileText(text: string, path: Path, names: Names, builder: RuleBuilder): DataValue {
  if (parseDuration(text) !== null) return () => text;
  const expression = builder.expression(path, text, names);
  if (expression === null) return () => null;
  return (scope, failed) => {
    try {
      return jsonOfValue(expression.evaluate(scope));
    } catch (error) {
      failed(text, error);
      return null;
    }
  };
}
