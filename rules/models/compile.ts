// From a model's file to a compiled one: linear models are worked out here, others are asked beside the task.

import { dirname, join } from 'node:path';
import type { Json, JsonObject } from '../../schemas/json.ts';
import type { Names } from '../expressions/compiler.ts';
import type { RuleBuilder } from '../expressions/rule-builder.ts';
import type { Expression, ExpressionFailed, Scope } from '../expressions/scope.ts';
import { jsonOfValue } from '../expressions/values.ts';
import { msOf } from '../patterns/definition.ts';
import type { CompiledModel, LocalModel, ModelOAuth, RemoteModel } from './model.ts';
import type { ModelBody } from './schema.ts';

interface Feature {
  readonly name: string;
  readonly expression: Expression;
  readonly weight: number;
  readonly byDefault: number | null;
}

const REFUSED = new Map([
  ['inSegment', 'a feature is over profile and behaviour'],
  ['score', 'a model cannot ask another one'],
  ['inFlow', 'a feature is over profile and behaviour'],
]);
const LOCAL: Names = {
  captures: [],
  insteadOfEvent: 'a linear model is over what is known of the entity: profile, account, count(), last()',
  refused: REFUSED,
};
const REMOTE: Names = { captures: [], insteadOfEvent: null, refused: REFUSED };

/** Fields by the types that have them, beside those of all. */
const FIELDS: Readonly<Record<'linear' | 'http' | 'onnx', readonly string[]>> = {
  linear: ['intercept', 'link'],
  http: ['url', 'oauth', 'timeout', 'cache', 'default'],
  onnx: ['file', 'timeout', 'cache', 'default'],
};
const TIMEOUT_MS = 500;
const CACHE_MS = 600_000;

/** Null: its type is missing. Mistakes go to the builder. */
export function compileModel(body: ModelBody, builder: RuleBuilder): CompiledModel | null {
  const { type } = body;
  if (type === undefined) return null;
  refuseFieldsOfOthers(body, type, builder);
  const features = featuresOf(body, type, builder);
  if (type === 'linear') return linear(body, features, builder);
  const target = type === 'http' ? body.url : body.file && join(dirname(builder.document.file), body.file);
  if (target === undefined) {
    const field = type === 'http' ? 'url' : 'file';
    if (builder.document.node([field]) === undefined) builder.error([], `a model of type ${type} needs "${field}"`);
  }
  return remote(body, type, target ?? '', features, builder);
}

function refuseFieldsOfOthers(body: ModelBody, type: keyof typeof FIELDS, builder: RuleBuilder): void {
  const others = Object.values(FIELDS)
    .flat()
    .filter((name) => !FIELDS[type].includes(name));
  for (const name of new Set(others)) {
    if (body[name as keyof ModelBody] === undefined) continue;
    builder.error([name], `"${name}" does not belong to a model of type ${type}`);
  }
}

function featuresOf(body: ModelBody, type: keyof typeof FIELDS, builder: RuleBuilder): Feature[] {
  const features: Feature[] = [];
  const names = new Set<string>();
  for (const [index, feature] of (body.features ?? []).entries()) {
    if (feature === undefined) continue;
    const { name = '', value, weight, default: byDefault = null } = feature;
    const path = ['features', index];
    if (names.has(name)) builder.error([...path, 'name'], `the feature "${name}" is named twice`);
    names.add(name);
    if (type === 'linear' && weight === undefined && builder.document.node([...path, 'weight']) === undefined) {
      builder.error(path, `the feature "${name}" needs "weight"`);
    }
    if (type !== 'linear' && weight !== undefined) {
      builder.error([...path, 'weight'], `a model of type ${type} has its weights itself`);
    }
    const expression = builder.expression([...path, 'value'], value, type === 'linear' ? LOCAL : REMOTE);
    if (expression !== null) features.push({ name, expression, weight: weight ?? 0, byDefault });
  }
  return features;
}

function linear(body: ModelBody, features: readonly Feature[], builder: RuleBuilder): LocalModel {
  const { intercept = 0, link = 'logistic' } = body;
  return {
    id: body.id ?? '',
    kind: 'linear',
    needs: builder.needs,
    score(scope) {
      let sum = intercept;
      for (const feature of features) sum += feature.weight * figure(feature, scope);
      return link === 'identity' ? sum : 1 / (1 + Math.exp(-sum));
    },
  };
}

/** Throws when the feature is no number and has no default. */
function figure({ name, expression, byDefault }: Feature, scope: Scope): number {
  let value: unknown;
  try {
    value = expression.evaluate(scope);
  } catch (error) {
    if (byDefault === null) throw error;
    return byDefault;
  }
  const number =
    typeof value === 'number' ? value : typeof value === 'boolean' || typeof value === 'bigint' ? Number(value) : null;
  if (number !== null && Number.isFinite(number)) return number;
  if (byDefault === null) throw new TypeError(`the feature ${name} is not a number`);
  return byDefault;
}

function remote(
  body: ModelBody,
  kind: 'http' | 'onnx',
  target: string,
  features: readonly Feature[],
  builder: RuleBuilder,
): RemoteModel {
  return {
    id: body.id ?? '',
    kind,
    needs: builder.needs,
    target,
    oauth: body.oauth === undefined ? null : oauthOf(body.oauth),
    cacheMs: body.cache === undefined ? CACHE_MS : msOf(body.cache),
    timeoutMs: body.timeout === undefined ? TIMEOUT_MS : msOf(body.timeout),
    byDefault: body.default ?? null,
    inputs: features.map(({ name }) => name),
    features: (scope, failed) => valuesOf(features, scope, failed),
  };
}

/** What is missing has been said. */
function oauthOf({
  tokenUrl = '',
  clientId = '',
  clientSecret = '',
  scope,
  audience,
}: NonNullable<ModelBody['oauth']>): ModelOAuth {
  return {
    tokenUrl,
    clientId,
    // The schema lets nothing pass but ${NAME}.
    secretVariable: clientSecret.slice(2, -1),
    ...(scope !== undefined && { scope }),
    ...(audience !== undefined && { audience }),
  };
}

function valuesOf(features: readonly Feature[], scope: Scope, failed: ExpressionFailed): JsonObject {
  const values: Record<string, Json> = {};
  for (const { name, expression, byDefault } of features) {
    let value: Json = null;
    try {
      value = jsonOfValue(expression.evaluate(scope));
    } catch (error) {
      if (byDefault === null) failed(expression.source, error);
    }
    values[name] = value ?? byDefault;
  }
  return values;
}
