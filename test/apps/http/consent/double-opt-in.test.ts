import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fastify from 'fastify';
import type { CommandWriter } from '../../../../apps/http/command-writer.ts';
import { addConsentRoutes, type SaidSoFar } from '../../../../apps/http/consent/routes.ts';
import { Links } from '../../../../connectors/channels/links/links.ts';
import type { JsonObject } from '../../../../schemas/json.ts';
import { FAKE_START, FakeClock } from '../../../../testing/fake-clock.ts';

const DAY_MS = 86_400_000;
const URL_OF_WORLD = 'https://shop.test';

function served(t: TestContext, said: Readonly<Record<string, SaidSoFar>> | null = {}) {
  const clock = new FakeClock();
  const links = new Links(URL_OF_WORLD, 'secret of the links');
  const written: JsonObject[] = [];
  const writer = {
    append: async (_topic: string, _key: string, value: Uint8Array) => {
      written.push(JSON.parse(Buffer.from(value).toString()));
    },
  };
  const app = fastify({ routerOptions: { maxParamLength: 8_192 } });
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  t.after(() => app.close());
  addConsentRoutes(app, {
    writer: writer as unknown as CommandWriter,
    topic: 'tripline.consent-changes',
    links,
    clock,
    categories: () => ['letters', 'news'],
    channels: ['email', 'sms'],
    terms: { optIn: new Set(), doubleOptIn: new Set(['letters', 'channel:sms']), always: new Set() },
    confirmWithinMs: DAY_MS,
    saidBy: async () => {
      if (said === null) throw new Error('the worker that has the person does not answer');
      return (about) => said[about];
    },
  });
  const ask = async (method: 'GET' | 'POST', url: string, form = '') => {
    const headers = { 'content-type': 'application/octet-stream' };
    const answer = await app.inject({ method, url, ...(method === 'POST' && { payload: form, headers }) });
    return { status: answer.statusCode, html: answer.body };
  };
  const preferences = new URL(links.urlOf('preferences', REFERENCE)).pathname;
  return { clock, links, written, ask, preferences };
}

const REFERENCE = {
  action: 'a1',
  decision: 'd1',
  rule: 'r',
  ruleVersion: 'v',
  entity: { type: 'user', id: 'u1' },
  channel: 'email',
  category: null,
  attempt: 1,
  flow: null,
  step: 0,
  variant: null,
  address: null,
};

/** Names of what is ticked, with `?` where it waits to be confirmed. */
const ticked = (html: string): string[] =>
  [...html.matchAll(/name="([^"]+)" checked> [^<]+(<small>)?/g)].map(([, name, note]) => `${name}${note ? '?' : ''}`);

test('the preference page ticks what is pending and says so, and what must be confirmed and was never said is not ticked', async (t) => {
  const { ask, preferences } = served(t, { letters: { isAllowed: false, isPending: true } });
  assert.deepEqual(ticked((await ask('GET', preferences)).html), [
    'category:letters?',
    'category:news',
    'channel:email',
  ]);
});

test('a choice on the preference page waits to be confirmed, unless it was confirmed before', async (t) => {
  const { ask, preferences, written } = served(t, { 'channel:sms': { isAllowed: true, isPending: false } });
  const { html } = await ask('POST', preferences, 'category:letters=on&channel:sms=on&save=choice');
  assert.deepEqual(ticked(html), ['category:letters?', 'channel:sms']);
  assert.deepEqual(
    written.map(({ categories, channels, requestedAt }) => [categories, channels, requestedAt]),
    [[{ letters: true, news: false }, { email: false, sms: true }, undefined]],
  );
});

test('a no is recorded also where nobody can tell what was said before', async (t) => {
  const { ask, preferences, written } = served(t, null);
  const { status, html } = await ask('POST', preferences, 'save=none');
  assert.deepEqual([status, ticked(html)], [200, []]);
  assert.deepEqual(
    written.map(({ all }) => all),
    [false],
  );
});

test('after a no to everything, what was confirmed waits to be confirmed anew', async (t) => {
  const confirmed = { isAllowed: true, isPending: false };
  const { ask, preferences } = served(t, {
    '*': { isAllowed: false, isPending: false },
    'channel:sms': confirmed,
  });
  const { html } = await ask('POST', preferences, 'channel:sms=on&save=choice');
  assert.deepEqual(ticked(html), ['channel:sms?']);
});

test('a link is good until its time is over; a record has both times, and none is left by a link that is not', async (t) => {
  const { ask, clock, links, written } = served(t);
  const request = { userId: 'u1', categories: ['letters'], channels: ['sms'], at: FAKE_START };
  const path = new URL(links.confirmationUrl(request)).pathname;
  await clock.advance(DAY_MS);
  assert.match((await ask('GET', path)).html, /Do you want to receive letters, messages by sms\?/);
  assert.deepEqual(written, []);
  assert.equal((await ask('POST', path)).status, 200);
  await clock.advance(1);
  assert.deepEqual([(await ask('GET', path)).status, (await ask('POST', path)).status], [410, 410]);
  assert.equal((await ask('POST', `${path}x`)).status, 404);
  assert.deepEqual(written, [
    {
      userId: 'u1',
      categories: { letters: true },
      channels: { sms: true },
      requestedAt: new Date(FAKE_START).toISOString(),
      source: 'confirmation link',
      text: 'Do you want to receive letters, messages by sms?',
      timestamp: new Date(FAKE_START + DAY_MS).toISOString(),
    },
  ]);
});
