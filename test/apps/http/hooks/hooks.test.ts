import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { redact } from '../../../../services/config/index.ts';
import { clockAt, configWith, KEY, type Kit, startKit } from '../ingest/kit.ts';

const NOW = '2026-03-01T12:00:00.000Z';
const NOW_S = Date.parse(NOW) / 1_000;
const SECRET = `whsec_${Buffer.from('a secret of twenty-four b').toString('base64')}`;
const HOOKS = `
    std: { scheme: standard-webhooks, secret: "${SECRET}", userId: data.user, timestamp: timestamp, properties: data }
    stripe: { scheme: stripe, secret: stripe-secret, userId: data.object.customer, timestamp: created, properties: data.object }
    github: { scheme: github, secret: github-secret, userId: sender.id }
    shopify: { scheme: shopify, secret: shopify-secret, userId: customer.id, event: "=order", messageId: id }`;
const YAML = `application: shop\nhttp:\n  port: 0\n  writeKeys: [${KEY}]\n  hooks:${HOOKS}\n`;

const hmac = (secret: string | Buffer, text: string) => createHmac('sha256', secret).update(text);

function standard(body: string, time = NOW_S): Record<string, string> {
  const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64');
  const signature = hmac(key, `msg_1.${time}.${body}`).digest('base64');
  return {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(time),
    // A second secret, such as an old one, may sign beside it.
    'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')} v1,${signature}`,
  };
}

function stripe(body: string, time = NOW_S): Record<string, string> {
  return { 'stripe-signature': `t=${time},v1=${hmac('stripe-secret', `${time}.${body}`).digest('hex')},v0=00` };
}

const github = (body: string) => ({
  'x-hub-signature-256': `sha256=${hmac('github-secret', body).digest('hex')}`,
  'x-github-event': 'issues',
  'x-github-delivery': 'd-1',
});

const shopify = (body: string) => ({ 'x-shopify-hmac-sha256': hmac('shopify-secret', body).digest('base64') });

function start(t: TestContext): Promise<Kit> {
  return startKit(t, { yaml: YAML, clock: clockAt(NOW) });
}

test('a signed call of each scheme becomes an event of the person that the mapping names', async (t) => {
  const kit = await start(t);
  const bodies = {
    std: '{"type":"invoice.paid","timestamp":"2026-03-01T11:00:00Z","data":{"user":"u1","total":5}}',
    stripe: `{"id":"evt_1","type":"invoice.paid","created":${NOW_S - 60},"data":{"object":{"customer":"cus_1","total":7}}}`,
    github: '{"action":"opened","sender":{"id":9007199254740993}}',
    shopify: '{"id":12345678901234567891,"customer":{"id":77}}',
  };
  const headers = {
    std: standard(bodies.std),
    stripe: stripe(bodies.stripe),
    github: github(bodies.github),
    shopify: shopify(bodies.shopify),
  };
  for (const name of ['std', 'stripe', 'github', 'shopify'] as const) {
    const { status, json } = await kit.post(`/v1/hooks/${name}`, bodies[name], { headers: headers[name], key: null });
    assert.deepEqual([status, json], [200, { success: true }], name);
  }
  const seen = (await kit.events()).map(({ event, userId, messageId, timestamp, context }) => [
    String(userId),
    event,
    messageId,
    timestamp,
    (context as { hook: string }).hook,
  ]);
  assert.deepEqual(seen.toSorted(), [
    ['77', 'order', 'shopify 12345678901234567891', NOW, 'shopify'],
    ['9007199254740993', 'issues', 'github d-1', NOW, 'github'],
    ['cus_1', 'invoice.paid', 'stripe evt_1', '2026-03-01T11:59:00.000Z', 'stripe'],
    ['u1', 'invoice.paid', 'std msg_1', '2026-03-01T11:00:00.000Z', 'std'],
  ]);
  const paid = (await kit.events()).find(({ userId }) => userId === 'u1')!;
  assert.deepEqual(paid['properties'], { user: 'u1', total: 5 });
});

test('a wrong signature, another body, another secret and an old call are refused with 401, and nothing is kept', async (t) => {
  const kit = await start(t);
  const body =
    '{"type":"invoice.paid","data":{"user":"u1","object":{"customer":"c1"}},"sender":{"id":1},"customer":{"id":1}}';
  const sent: readonly (readonly [string, Record<string, string>])[] = [
    ['std', {}],
    ['std', standard(`${body} `)],
    ['std', standard(body, NOW_S - 301)],
    ['std', standard(body, NOW_S + 301)],
    ['stripe', stripe(body, NOW_S - 301)],
    ['stripe', stripe(`${body} `)],
    ['stripe', { 'stripe-signature': `t=${NOW_S},v1=` }],
    ['github', github(`${body} `)],
    ['github', { 'x-hub-signature-256': 'sha256=' }],
    ['shopify', shopify(`${body} `)],
    ['shopify', { 'x-shopify-hmac-sha256': '' }],
    ['github', shopify(body)],
  ];
  for (const [name, headers] of sent) {
    // A write key does not stand in for a signature.
    const { status, json } = await kit.post(`/v1/hooks/${name}`, body, { headers });
    assert.deepEqual([status, json['code']], [401, 'TRG_HTTP_UNAUTHORIZED'], name);
  }
  assert.equal((await kit.post('/v1/hooks/other', body, { headers: standard(body) })).status, 404);
  assert.deepEqual(await kit.records(), []);
});

test('a genuine call about nobody is answered with 200, so that it is not sent for days, and named', async (t) => {
  const kit = await start(t);
  const body = '{"type":"invoice.paid","data":{}}';
  const { status, json } = await kit.post('/v1/hooks/std', body, { headers: standard(body), key: null });
  assert.equal(status, 200);
  const [rejected] = json['rejected'] as { code: string; message: string }[];
  assert.equal(rejected!.code, 'TRG_RECORD_INVALID');
  assert.deepEqual(await kit.records(), []);
});

test('a topic that is no source of people is an error at start, and secrets are not shown', (t) => {
  const hook = 'x: { scheme: github, secret: geheim, userId: a, topic: elsewhere }';
  assert.throws(() => configWith(t, `http: { hooks: { ${hook} } }\n`), { code: 'TRG_CONFIG_INVALID' });
  const config = configWith(t, `http: { hooks: { x: { scheme: github, secret: geheim, userId: a } } }\n`);
  assert.doesNotMatch(JSON.stringify(redact(config)), /geheim/);
});
