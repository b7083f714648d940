// Scorers for the models of a project.

import type { Clock } from '../../lib/clock.ts';
import type { RemoteModel } from '../../rules/models/model.ts';
import { httpScorer } from './http-scorer.ts';
import { onnxScorer } from './onnx-scorer.ts';
import type { Scorer } from './scorer.ts';
import { supervisedScorer } from './supervised.ts';

/** By the model's id. Throws FatalError TRG_MODEL_UNAVAILABLE for what is not installed. */
export function openScorers(models: readonly RemoteModel[], clock: Clock): ReadonlyMap<string, Scorer> {
  return new Map(
    models.map((model) => {
      const scorer = model.kind === 'http' ? httpScorer(model, clock) : onnxScorer(model);
      return [model.id, supervisedScorer(scorer, model, clock)];
    }),
  );
}
