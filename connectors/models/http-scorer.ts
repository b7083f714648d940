// A model over HTTP: features are posted as JSON, the answer is `{"score": 0.7}` or the number alone.
//
// Owns: the request, the client secret, what an answer says. Does not own: the exchange and its bounds (connectors/http).
//
// Invariants:
//   H1. An exchange ends when its signal aborts: the model's time-out is kept by whoever asks (supervised.ts).
//   H2. A redirect is a failure: features are somebody's data and go where the file says.
//   H3. A client secret is in the environment of whoever asks, never in the rules, which are published.

import type { Clock } from '../../lib/clock.ts';
import { FatalError, RecordError } from '../../lib/errors.ts';
import type { RemoteModel } from '../../rules/models/model.ts';
import { ClientCredentialsTokens, TokenError } from '../http/client-credentials.ts';
import { HttpClient } from '../http/http-client.ts';
import type { Scorer } from './scorer.ts';

/** Throws FatalError TRG_MODEL_UNAVAILABLE where the variable with the client secret is not set. */
export function httpScorer(
  model: RemoteModel,
  clock: Clock,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Scorer {
  // Models are usually one's own, on the inside.
  const client = new HttpClient({ clock, allowPrivate: true });
  const tokens = tokensOf(model, client, clock, env);
  return {
    async score({ entity, features, at }, signal) {
      const body = JSON.stringify({ model: model.id, entity, at: new Date(at).toISOString(), features });
      const post = (authorization: Readonly<Record<string, string>>) => {
        const headers = { 'content-type': 'application/json', accept: 'application/json', ...authorization };
        return client.post({ url: model.target, headers, body }, signal);
      };
      const answer = await (tokens?.authorized(post) ?? post({})).catch((error: unknown) => {
        throw error instanceof TokenError ? failed(model, `is not asked: ${error.message}`) : error;
      });
      if (answer.status !== 200) throw failed(model, `answered with HTTP ${answer.status}`);
      return scoreOf(model, answer.text);
    },
    close: () => client.close(),
  };
}

function tokensOf(
  { id, oauth }: RemoteModel,
  client: HttpClient,
  clock: Clock,
  env: Readonly<Record<string, string | undefined>>,
): ClientCredentialsTokens | null {
  if (oauth === null) return null;
  const { secretVariable, ...credentials } = oauth;
  const clientSecret = env[secretVariable];
  if (clientSecret === undefined || clientSecret === '') {
    const message = `the model ${id} needs its client secret in the environment variable ${secretVariable}`;
    throw new FatalError('TRG_MODEL_UNAVAILABLE', message, { model: id });
  }
  return new ClientCredentialsTokens({ ...credentials, clientSecret }, client, clock);
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
