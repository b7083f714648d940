// A model over HTTP: features are posted as JSON, the answer is `{"score": 0.7}` or the number alone.
//
// Invariants:
//   H1. An exchange takes no longer than the model's time-out, and reads no more than ANSWER_BYTES_MAX of the answer.
//   H2. A redirect is a failure: features are somebody's data and go where the file says.

import { Agent, request } from 'undici';
import type { Clock } from '../../lib/clock.ts';
import { RecordError } from '../../lib/errors.ts';
import { withinTime } from '../../lib/time-limit.ts';
import type { RemoteModel } from '../../rules/models/model.ts';
import type { Scorer } from './scorer.ts';

/** An answer is one number. */
const ANSWER_BYTES_MAX = 10_000;
/** A connection being made outlives an abandoned exchange, so it has a bound of its own. */
const CONNECT_MS = 10_000;

export function httpScorer(model: RemoteModel, clock: Clock): Scorer {
  const agent = new Agent({ connect: { timeout: CONNECT_MS }, headersTimeout: 0, bodyTimeout: 0, allowH2: false });
  return {
    score: ({ entity, features, at }, signal) =>
      withinTime(clock, model.timeoutMs, signal, async (bounded) => {
        const body = JSON.stringify({ model: model.id, entity, at: new Date(at).toISOString(), features });
        const headers = { 'content-type': 'application/json', accept: 'application/json', 'user-agent': 'tripline' };
        const answer = await request(model.target, {
          dispatcher: agent,
          method: 'POST',
          headers,
          body,
          signal: bounded,
        });
        const text = await readBounded(answer.body);
        if (answer.statusCode !== 200) throw failed(model, `answered with HTTP ${answer.statusCode}`);
        return scoreOf(model, text);
      }),
    close: async () => {
      if (!agent.destroyed) await agent.destroy();
    },
  };
}

async function readBounded(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > ANSWER_BYTES_MAX) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function scoreOf(model: RemoteModel, text: string): number {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw failed(model, 'answered with something that is not JSON');
  }
  const score = typeof answer === 'object' && answer !== null ? (answer as { score?: unknown }).score : answer;
  if (typeof score === 'number' && Number.isFinite(score)) return score;
  throw failed(model, 'answered without a number as its score');
}

function failed({ id }: RemoteModel, what: string): RecordError {
  return new RecordError('TRG_MODEL_FAILED', `the model ${id} ${what}`, { model: id });
}
