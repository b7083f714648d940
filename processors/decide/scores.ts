// Scores of models that are asked beside the task: asking for them, and knowing when a candidate can be decided.
//
// Owns: which answers are missing. Does not own: asking the model (connectors/models), keeping answers (facts.ts).
//
// Invariants:
//   S1. The answer comes back as a record of a topic that this task reads, so that a replay has the same answer (I1) and
//       calls nobody.
//   S2. While an answer is under way no second one is asked for.

import { utf8Text } from '../../lib/bytes.ts';
import { RecordError } from '../../lib/errors.ts';
import type { ExpressionFailed, Scope } from '../../rules/expressions/scope.ts';
import type { RemoteModel } from '../../rules/models/model.ts';
import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { RuleSet } from '../../rules/project/rule-set.ts';
import type { EntityRef } from '../../schemas/decision.ts';
import { isJsonObject, type JsonObject, jsonObjectOf } from '../../schemas/json.ts';
import { heldCandidates } from '../../state/entity/candidates.ts';
import type { EntityDocument } from '../../state/entity/document.ts';
import { scoreFacts } from '../../state/entity/facts.ts';
import { waitsOfKind } from '../../state/entity/waits.ts';

/** What is asked of a model; what answers it has the same entity, model and time. */
export interface ScoreRequest {
  readonly entity: EntityRef;
  readonly model: string;
  readonly features: JsonObject;
  readonly at: number;
}

/** The models whose answer the rule needs at `at` and that has not come. */
export function missingScores(
  rule: CompiledRule,
  rules: RuleSet,
  document: EntityDocument,
  at: number,
): readonly RemoteModel[] {
  const { models, withRemoteModels } = rules.context;
  if (rule.needs.models.size === 0 || !withRemoteModels) return [];
  const missing: RemoteModel[] = [];
  for (const id of rule.needs.models) {
    const model = models.get(id);
    if (model === undefined || model.kind === 'linear') continue;
    const known = document.sections.open(scoreFacts)?.find((one) => one.model === id);
    if (known === undefined || known.at < at - model.cacheMs) missing.push(model);
  }
  return missing;
}

/** Whether another candidate of the entity waits for the model's answer already (S2). */
export function isAsked(model: RemoteModel, rules: RuleSet, { sections }: EntityDocument): boolean {
  const waiting = waitsOfKind(sections, heldCandidates.score);
  return waiting.some((one) => rules.rule(one.rule)?.needs.models.has(model.id) === true);
}

/** Of the scope's event time. */
export function requestOf(model: RemoteModel, entity: EntityRef, scope: Scope, failed: ExpressionFailed): ScoreRequest {
  return { entity, model: model.id, features: model.features(scope, failed), at: scope.now };
}

/** As it travels to those who ask the model: JSON. */
export function encodeScoreRequest(request: ScoreRequest): Uint8Array {
  return Buffer.from(JSON.stringify(request));
}

/** Throws RecordError TRG_RECORD_UNREADABLE, TRG_RECORD_INVALID. */
export function decodeScoreRequest(bytes: Uint8Array): ScoreRequest {
  const request = jsonObjectOf(utf8Text(bytes));
  if (request === null) throw new RecordError('TRG_RECORD_UNREADABLE', 'not a request for a score');
  const { entity, model, features, at } = request;
  const { type, id } = isJsonObject(entity) ? entity : {};
  const isNamed = typeof type === 'string' && typeof id === 'string' && typeof model === 'string';
  if (isNamed && isJsonObject(features) && isTime(at)) return { entity: { type, id }, model, features, at };
  throw new RecordError(
    'TRG_RECORD_INVALID',
    'a request for a score has an entity, a model, its features and the time',
  );
}

/** What a Date can be made of. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= 8.64e15;
}
