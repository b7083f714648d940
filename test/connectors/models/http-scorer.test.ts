import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { httpScorer } from '../../../connectors/models/http-scorer.ts';
import type { RemoteModel } from '../../../rules/models/model.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { type ProviderAnswer, startHttpProvider } from '../../../testing/providers/http-provider.ts';
import { startTokenEndpoint } from '../../../testing/providers/token-endpoint.ts';
import { check } from '../../rules/kit.ts';

const NO_ABORT = new AbortController().signal;
const REQUEST = { entity: { type: 'user', id: 'u1' }, features: { amount: 8 }, at: 0 };
const RULE = '{ id: a, when: { event: e } }';

function checked(oauth: string, url = 'https://models.test/') {
  const text = `{ id: fraud, type: http, url: '${url}', oauth: ${oauth}, features: [{ name: amount, value: event.properties.amount }] }`;
  return check(RULE, { context: { models: [{ file: 'models/fraud.yaml', text }] } });
}

async function open(t: TestContext, env: Record<string, string> = { SECRET: 'xyz' }) {
  const tokens = await startTokenEndpoint({ clientId: 'tripline', clientSecret: 'xyz' });
  const model = await startHttpProvider(
    ({ headers }): ProviderAnswer =>
      tokens.accepts(headers.authorization) ? { status: 200, body: { score: 0.8 } } : { status: 401 },
  );
  t.after(() => Promise.all([tokens.close(), model.close()]));
  const oauth = `{ tokenUrl: '${tokens.tokenUrl}', clientId: tripline, clientSecret: '\${SECRET}' }`;
  const compiled = checked(oauth, model.url).ruleSet.context.models.get('fraud') as RemoteModel;
  const scorer = httpScorer(compiled, new FakeClock(), env);
  t.after(() => scorer.close());
  return { tokens, model, scorer };
}

test('a model is asked with a token, which is kept', async (t) => {
  const { tokens, scorer } = await open(t);
  assert.equal(await scorer.score(REQUEST, NO_ABORT), 0.8);
  assert.equal(await scorer.score(REQUEST, NO_ABORT), 0.8);
  assert.equal(tokens.asked.length, 1);
});

test('a token that is refused is renewed once, and the model asked again', async (t) => {
  const { tokens, model, scorer } = await open(t);
  await scorer.score(REQUEST, NO_ABORT);
  tokens.revoke();
  assert.equal(await scorer.score(REQUEST, NO_ABORT), 0.8);
  assert.equal(tokens.asked.length, 2);
  model.always({ status: 401 });
  await assert.rejects(scorer.score(REQUEST, NO_ABORT), /the model fraud answered with HTTP 401/);
});

test('without a token there is no score, and the reason says so', async (t) => {
  const { scorer } = await open(t, { SECRET: 'wrong' });
  await assert.rejects(scorer.score(REQUEST, NO_ABORT), {
    code: 'TRG_MODEL_FAILED',
    message: /^the model fraud is not asked: the token endpoint .* answered 401 \(invalid_client\)$/,
  });
});

test('a secret that the environment lacks is said at the start (H3)', async (t) => {
  await assert.rejects(open(t, {}), {
    code: 'TRG_MODEL_UNAVAILABLE',
    message: 'the model fraud needs its client secret in the environment variable SECRET',
  });
});

test('a secret written into the file is refused: models are published (H3)', () => {
  const { errors } = checked("{ tokenUrl: 'https://login.test/', clientId: a, clientSecret: hunter2 }");
  assert.deepEqual(
    errors.map(({ message }) => message),
    [`"clientSecret" must look like \${LEAD_CLIENT_SECRET}`],
  );
});

test('a redirect, and an answer of many megabytes, are failures (H2)', async (t) => {
  const { model, scorer } = await open(t);
  model.next({ status: 302, headers: { location: 'http://127.0.0.1:1/' } });
  await assert.rejects(scorer.score(REQUEST, NO_ABORT), /HTTP 302/);
  model.next({ status: 200, body: `{"score": 0.5, "more": "${'x'.repeat(1e7)}"}` });
  await assert.rejects(scorer.score(REQUEST, NO_ABORT), /not JSON/);
});
