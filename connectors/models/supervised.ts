// A scorer whose faults are no score.
//
// Invariants:
//   S1. A score is a finite number, there within the model's time-out, whatever asks the model; else there is none.
//
// Edge `model`: a model is asked for a score, over HTTP or in this process.
//   throws: no score: its default stands; `score-failed`
//   rejects: as a throw
//   hangs: given up after the model's `timeout`: no score
//   too large: of an answer over HTTP 64 KiB are read, and what is then no number is no score
//   behind: connectors/models/, connectors/http/
//   only in connectors/models/open-scorers.ts: onnxScorer(model)

import type { Clock } from '../../lib/clock.ts';
import { RecordError } from '../../lib/errors.ts';
import { withinTime } from '../../lib/time-limit.ts';
import type { RemoteModel } from '../../rules/models/model.ts';
import type { Scorer } from './scorer.ts';

export function supervisedScorer(
  scorer: Scorer,
  { id, timeoutMs }: Pick<RemoteModel, 'id' | 'timeoutMs'>,
  clock: Clock,
): Scorer {
  return {
    async score(request, signal) {
      const score = await withinTime(clock, timeoutMs, signal, async (bounded) => scorer.score(request, bounded));
      if (Number.isFinite(score)) return score;
      throw new RecordError('TRG_MODEL_FAILED', `the model ${id} gave no number`, { model: id });
    },
    close: () => scorer.close(),
  };
}
