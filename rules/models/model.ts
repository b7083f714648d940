// What a model is once it is compiled: worked out in the task, or asked beside it.

import type { JsonObject } from '../../schemas/json.ts';
import type { Needs } from '../expressions/needs.ts';
import type { ExpressionFailed, Scope } from '../expressions/scope.ts';

/** A model whose score is worked out in the task, from what is remembered. */
export interface LocalModel {
  readonly id: string;
  readonly kind: 'linear';
  readonly needs: Needs;
  /** Throws what its features throw. */
  score(scope: Scope): number;
}

/** OAuth 2.0, client credentials. */
export interface ModelOAuth {
  readonly tokenUrl: string;
  readonly clientId: string;
  /** The environment variable that holds the client secret, where the model is asked. */
  readonly secretVariable: string;
  readonly scope?: string;
  readonly audience?: string;
}

/** A model that is asked beside the task; the answer comes back as a record (processors/decide/scores.ts). */
export interface RemoteModel {
  readonly id: string;
  readonly kind: 'http' | 'onnx';
  readonly needs: Needs;
  /** How long an answer is good for, ms. */
  readonly cacheMs: number;
  /** The score where there is no answer; null: asking for it then fails. */
  readonly byDefault: number | null;
  /** How long an answer may take, ms. */
  readonly timeoutMs: number;
  /** `http`: where it is asked. `onnx`: the file, relative to the folder of the project. */
  readonly target: string;
  /** How `http` is asked for with a token; null: without. */
  readonly oauth: ModelOAuth | null;
  readonly inputs: readonly string[];
  /** Values by name; one that fails is null, and reported. */
  features(scope: Scope, failed: ExpressionFailed): JsonObject;
}

export type CompiledModel = LocalModel | RemoteModel;
