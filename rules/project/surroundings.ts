// What stands around the rules and belongs to none of them: segments, models, caps, and what is known of channels and
// consent. Compiled once, read by gates and expressions.

import { CHANNELS } from '../../schemas/action.ts';
import type { JsonObject } from '../../schemas/json.ts';
import type { Condition, ExpressionFailed, Scope } from '../api.ts';
import type { Needs } from '../expressions/needs.ts';
import type { Zone } from '../language/zone.ts';

export interface CompiledSegment {
  readonly id: string;
  readonly entity: string;
  readonly condition: Condition;
  readonly needs: Needs;
}

/** A model whose score is worked out in the task, from what is remembered. */
export interface LocalModel {
  readonly id: string;
  readonly kind: 'linear';
  readonly needs: Needs;
  /** Throws what its features throw. */
  score(scope: Scope): number;
}

/** A model that is asked beside the task; the answer comes back as a record (processors/evaluate/scores.ts). */
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
  readonly inputs: readonly string[];
  /** Values by name; one that fails is null, and reported. */
  features(scope: Scope, failed: ExpressionFailed): JsonObject;
}

export type CompiledModel = LocalModel | RemoteModel;

/** At most `max` fired decisions of a kind for each entity. */
export interface CompiledCap {
  readonly max: number;
  /** A sliding window (t - per, t] in ms, or the calendar day or week (from Monday) in `zone`. */
  readonly per: number | 'day' | 'week';
  /** Null: whatever is sent, and decisions of rules that send nothing. */
  readonly channel: string | null;
  /** Null: every category, and none. */
  readonly category: string | null;
  readonly zone: Zone;
}

export interface Surroundings {
  readonly segments: ReadonlyMap<string, CompiledSegment>;
  readonly models: ReadonlyMap<string, CompiledModel>;
  readonly caps: readonly CompiledCap[];
  /** All that rules may send to. */
  readonly channels: readonly string[];
  /** Channels with a connector here that needs to know the person's address; the others count as reachable. */
  readonly connected: ReadonlySet<string>;
  /** Categories for which the person must have said yes. */
  readonly optIn: ReadonlySet<string>;
  /** False in inline tests: nobody is held out. */
  readonly withHoldouts: boolean;
  /** Whether models can be asked beside the task; where not, their default stands. */
  readonly withRemoteModels: boolean;
}

export const NO_SURROUNDINGS: Surroundings = {
  segments: new Map(),
  models: new Map(),
  caps: [],
  channels: CHANNELS,
  connected: new Set(),
  optIn: new Set(),
  withHoldouts: true,
  withRemoteModels: false,
};
