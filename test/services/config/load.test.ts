import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { WebhookOptions } from '../../../connectors/channels/webhook/options.ts';
import { ProblemsError } from '../../../lib/problem.ts';
import { type Environment, type LoadedConfig, loadConfig, redact } from '../../../services/config/index.ts';

function folderWith(t: TestContext, text: string | null): string {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-config-'));
  t.after(() => rmSync(folder, { recursive: true }));
  if (text !== null) writeFileSync(join(folder, 'tripline.yaml'), text);
  return folder;
}

function load(t: TestContext, text: string | null, env: Environment = {}): LoadedConfig & { folder: string } {
  const folder = folderWith(t, text);
  return { ...loadConfig({ env, folder }), folder };
}

function problemsOf(t: TestContext, text: string, env: Environment = {}): string[] {
  const folder = folderWith(t, text);
  try {
    loadConfig({ env, folder });
  } catch (error) {
    assert.ok(error instanceof ProblemsError);
    assert.equal(error.code, 'TRG_CONFIG_INVALID');
    return error.message.split('\n').slice(1);
  }
  return [];
}

test('without a file everything has its default', (t) => {
  const { config, file, folder } = load(t, null);
  assert.equal(file, null);
  assert.equal(config.application, 'tripline');
  assert.equal(config.dataDir, join(folder, 'data'));
  assert.equal(config.kafka, null);
  assert.deepEqual(config.commitInterval, { minMs: 5, maxMs: 100 });
  assert.equal(config.outOfOrdernessMs, 5_000);
  assert.equal(config.dedupeWindowMs, 86_400_000);
  assert.equal(config.dedupeMax, 1_000);
  assert.equal(config.limits.recordBytes, 1_048_576);
  assert.equal(config.log.fsync, 'commit');
  assert.deepEqual(config.channels, {});
  assert.deepEqual(
    config.sources.map((source) => source.topic),
    ['events.tripline'],
  );
});

test('topics have documented defaults, and keep nothing shorter than it was told to', (t) => {
  const { config } = load(t, 'topics: { replicationFactor: 3, retention: { public: 7d, internal: forever } }\n');
  const day = 86_400_000;
  assert.deepEqual(config.topics, {
    prefix: 'tripline',
    replicationFactor: 3,
    minInSyncReplicas: null,
    retentionMs: { public: 7 * day, deadLetter: 90 * day, internal: null, messages: 30 * day },
    compression: { public: 'gzip', internal: 'lz4' },
  });
});

test('a log-in has what its mechanism needs, and nothing of another', (t) => {
  const kafka = (sasl: string) => `kafka: { brokers: ["b:9092"], sasl: { mechanism: ${sasl} } }\n`;
  assert.deepEqual(problemsOf(t, kafka(`plain, username: u, password: "\${P}"`), { P: 'p' }), []);
  assert.deepEqual(problemsOf(t, kafka('oauthbearer, tokenPath: ./token')), []);
  const client = `tokenUrl: "https://id/token", clientId: c, clientSecret: "\${P}"`;
  assert.deepEqual(problemsOf(t, kafka(`oauthbearer, ${client}, scope: kafka`), { P: 'p' }), []);
  for (const sasl of ['plain, username: u', 'oauthbearer', `oauthbearer, tokenPath: t, ${client}`]) {
    assert.match(problemsOf(t, kafka(sasl), { P: 'p' }).join(), /(plain|oauthbearer) needs "/);
  }
  assert.match(problemsOf(t, 'kafka: { brokers: ["b:1"], tls: { cert: c } }\n').join(), /"cert" and "key" go together/);
});

test('files of certificates and tokens are found beside the configuration', (t) => {
  const { config, folder } = load(
    t,
    `kafka: { brokers: ["b:1"], tls: { ca: ca.pem, passphrase: "\${P}" }, sasl: { mechanism: oauthbearer, tokenPath: t } }\n`,
    { P: 'secret' },
  );
  assert.deepEqual(config.kafka!.tls, { ca: join(folder, 'ca.pem'), passphrase: 'secret' });
  assert.equal(config.kafka!.sasl!.tokenPath, join(folder, 't'));
  const shown = JSON.stringify(redact(config));
  assert.doesNotMatch(shown, /"secret"/);
});

test('the example of the interface page is accepted', (t) => {
  const text = `
application: shop                      # consumer group
dataDir: ./data
kafka:
  brokers: [127.0.0.1:9092]
  tls: { ca: ./ca.pem, cert: ./cert.pem, key: ./key.pem }
  sasl: { mechanism: scram-sha-512, username: me, password: "\${SASL_PASSWORD}" }
registry: { url: http://127.0.0.1:8081, allowPrivate: true }
threads: 2
guarantee: exactly_once
commitInterval: { min: 5ms, max: 100ms }
standbyReplicas: 0
outOfOrderness: 5s
maxClockSkew: 5m
dedupeWindow: 24h
sources:
  - { topic: events.shop, format: segment, keyed: true }
  - { topic: sensors, format: json, entity: device, id: deviceId, event: type, timestamp: ts }
rules: ./rules
segments: ./segments
models: ./models
templates: ./templates
caps: ./caps.yaml
holdouts: ./holdouts.yaml
channels:
  email: { provider: smtp, host: 127.0.0.1, port: 1025, from: "Shop <hello@shop.test>" }
  webhook: { url: "http://127.0.0.1:9000/hook", secret: "\${WEBHOOK_SECRET}", allowPrivate: true }
http: { host: 127.0.0.1, port: 8080, writeKeys: ["\${WRITE_KEY}"] }
`;
  const env = { SASL_PASSWORD: 'pass', WEBHOOK_SECRET: 'whsec_abc', WRITE_KEY: 'key' };
  const { config, warnings, folder } = load(t, text, env);
  assert.equal(config.kafka?.tls?.ca, join(folder, 'ca.pem'));
  assert.equal((config.channels['webhook'] as WebhookOptions).secret, 'whsec_abc');
  assert.deepEqual(config.http?.writeKeys, ['key']);
  assert.equal(config.caps, join(folder, 'caps.yaml'));
  assert.equal(config.holdouts, join(folder, 'holdouts.yaml'));
  assert.deepEqual(warnings, []);
});

test('all mistakes are reported at once, each where it is', (t) => {
  const text = `aplication: shop
threads: two
guarantee: exactly_onse
outOfOrderness: 5 seconds
channels:
  email: { host: 127.0.0.1, prt: 25, from: me }
  partner: {}
http: { port: 99999 }
`;
  assert.deepEqual(problemsOf(t, text), [
    '  tripline.yaml:1:1: unknown field "aplication" (did you mean "application"?)',
    '  tripline.yaml:2:10: "threads" must be a whole number, not text',
    '  tripline.yaml:3:12: "guarantee" must be one of exactly_once, at_least_once (did you mean "exactly_once"?)',
    '  tripline.yaml:4:17: "outOfOrderness" must be a duration such as 5s, 10m, 24h or 7d',
    '  tripline.yaml:6:29: unknown field "prt" (did you mean "port"?)',
    '  tripline.yaml:7:12: missing field "type"',
    '  tripline.yaml:8:15: "http.port" must be at most 65535',
  ]);
});

test('a file that is not YAML is an error with its place', (t) => {
  const problems = problemsOf(t, 'threads: [1\nrules: x');
  assert.match(problems[0] ?? '', /^ {2}tripline\.yaml:2:\d+: /);
});

test('a named file that is missing is an error, not the defaults', (t) => {
  const folder = folderWith(t, null);
  assert.throws(() => loadConfig({ file: 'other.yaml', env: {}, folder }), { code: 'TRG_CONFIG_INVALID' });
});

test('variables set fields of every type, over the file', (t) => {
  const { config } = load(t, 'threads: 2\nchannels: { webhook: { url: "http://a.test" } }', {
    TRIPLINE_THREADS: '3',
    TRIPLINE_KAFKA_BROKERS: 'a:1, b:2',
    TRIPLINE_COMMIT_INTERVAL_MAX: '1s',
    TRIPLINE_CHANNELS_WEBHOOK_ALLOW_PRIVATE: 'true',
    TRIPLINE_SOURCES: '[{"topic":"x"}]',
    TRIPLINE_ENTITIES: '{"device":{"id":"properties.deviceId"}}',
  });
  assert.equal(config.threads, 3);
  assert.deepEqual(config.kafka?.brokers, ['a:1', 'b:2']);
  assert.equal(config.commitInterval.maxMs, 1_000);
  assert.deepEqual(config.channels.webhook, {
    url: 'http://a.test',
    allowPrivate: true,
    concurrency: 32,
  });
  assert.deepEqual(config.sources, [{ topic: 'x', format: 'segment', keyed: false }]);
  assert.equal(config.entities['device']?.id, 'properties.deviceId');
});

test('a wrong variable is named in the error', (t) => {
  assert.deepEqual(problemsOf(t, '', { TRIPLINE_THREADS: 'many' }), [
    '  TRIPLINE_THREADS: "threads" must be a whole number, not text',
  ]);
});

test('a variable that sets nothing is a warning with what was meant', (t) => {
  const { warnings } = load(t, null, { TRIPLINE_THREAD: '2', TRIPLINE_SERVICE_PORT_8080_TCP_ADDR: '1' });
  assert.equal(warnings[0], 'TRIPLINE_THREAD sets nothing: did you mean "TRIPLINE_THREADS"?');
  assert.equal(warnings.length, 2);
});

test('a variable in a string that is not set is an error where it stands', (t) => {
  const [problem] = problemsOf(t, `dataDir: "/tmp/\${NOWHERE}"`);
  assert.match(problem ?? '', /tripline\.yaml:1:10: the environment variable NOWHERE is not set/);
});

test('a doubled dollar keeps the text as it is', (t) => {
  assert.match(load(t, `dataDir: "/tmp/$\${NOWHERE}"`).config.dataDir, /\$\{NOWHERE\}$/);
});

test('a secret can come from a file of its own', (t) => {
  const folder = folderWith(t, 'channels: { webhook: { url: "http://a.test" } }');
  writeFileSync(join(folder, 'secret'), 'whsec_file\n');
  const env = { TRIPLINE_CHANNELS_WEBHOOK_SECRET_FILE: join(folder, 'secret') };
  const { config } = loadConfig({ env, folder });
  assert.equal((config.channels['webhook'] as WebhookOptions).secret, 'whsec_file');
});

test('a secret written into the file is warned about, without showing it', (t) => {
  const { warnings } = load(t, 'channels:\n  webhook: { url: "http://a.test", secret: whsec_plain }');
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /^tripline\.yaml:2:44: channels\.webhook\.secret is a secret written in the file/);
  assert.doesNotMatch(warnings[0] ?? '', /whsec_plain/);
});

test('the secrets of channels with names of their own are hidden and warned about as well', (t) => {
  const text = `channels:
  oncall: { type: slack, token: xoxb-topsecret, channel: C1 }
  partner:
    type: webhook
    url: https://a.test/
    oauth: { tokenUrl: "https://b.test/", clientId: me, clientSecret: "\${S}" }
`;
  const { config, warnings } = load(t, text, { S: 'topsecret' });
  const shown = JSON.stringify(redact(config));
  assert.doesNotMatch(shown, /topsecret/);
  assert.match(shown, /"clientId":"me"/);
  assert.deepEqual(warnings, [
    `tripline.yaml:2:33: channels.oncall.token is a secret written in the file: use \${NAME}`,
  ]);
});

test('redact hides every secret and keeps the rest', (t) => {
  const text = `
channels:
  webhook: { url: "http://a.test/x", secret: "\${S}" }
  email: { host: h, from: me@shop.test, username: u, password: "\${S}" }
http: { writeKeys: ["\${S}", "\${S}"], keys: [{ name: ci, hash: "\${H}", roles: [viewer] }] }
telemetry: { otlp: { url: "http://me:hunter2@a.test" } }
kafka: { brokers: [b], sasl: { mechanism: plain, username: u, password: "\${S}" } }
`;
  const shown = JSON.stringify(redact(load(t, text, { S: 'topsecret', H: `sha256:${'abcd'.repeat(16)}` }).config));
  assert.doesNotMatch(shown, /topsecret|hunter2|abcd/);
  assert.match(shown, /"host":"h"/);
});

test('an entity without a path to its id and a topic named twice are errors', (t) => {
  const problems = problemsOf(t, 'sources:\n  - { topic: a, entity: device }\n  - { topic: a }\n');
  assert.deepEqual(problems, [
    '  tripline.yaml:2:25: the entity "device" has no path to its id (add `id:` here or under `entities:`)',
    '  tripline.yaml:3:14: the topic "a" is named twice',
  ]);
});

test('the configuration cannot be changed afterwards', (t) => {
  const { config } = load(t, null);
  assert.throws(() => Object.assign(config.commitInterval, { minMs: 1 }), TypeError);
});

test('what the channel itself finds wrong is an error where it stands', (t) => {
  assert.deepEqual(
    problemsOf(t, 'channels:\n  webhook: { url: "http://127.0.0.1/x" }\n  email: { host: h, from: nobody }'),
    [
      '  tripline.yaml:2:19: "url" is a private address (public ones only, unless `allowPrivate: true`)',
      '  tripline.yaml:3:27: "from" is not one email address (such as `Shop <hello@shop.test>`)',
    ],
  );
});

test('the address of the registry is checked as those of channels are', (t) => {
  assert.deepEqual(problemsOf(t, 'registry: { url: "http://10.1.2.3:8081" }\n'), [
    '  tripline.yaml:1:18: "registry.url" is a private address (public ones only, unless `allowPrivate: true`)',
  ]);
  assert.deepEqual(problemsOf(t, 'registry: { url: "https://me:pw@registry.example.com" }\n'), [
    '  tripline.yaml:1:18: "registry.url" holds a user or password (use `registry.auth`)',
  ]);
  const { config } = load(t, 'registry: { url: "http://localhost:8081", allowPrivate: true }\n');
  assert.equal(config.registry?.allowPrivate, true);
});

test('without secrets a variable that is not set is no error, but everything else still is', (t) => {
  const folder = folderWith(t, `channels:\n  webhook: { url: "\${URL}", secret: "\${SECRET}" }\nthreads: 0`);
  assert.throws(
    () => loadConfig({ env: {}, folder, withoutSecrets: true }),
    (error: Error) => {
      assert.deepEqual(error.message.split('\n').slice(1), ['  tripline.yaml:3:10: "threads" must be at least 1']);
      return true;
    },
  );
});

test('a configuration that is no UTF-8 is refused with its place, and one in UTF-16 with a byte order mark is read', (t) => {
  const folder = folderWith(t, null);
  const file = join(folder, 'tripline.yaml');
  writeFileSync(file, Buffer.from('application: shop\nrules: ./regeln-f\xfcr-alle\n', 'latin1'));
  assert.throws(() => loadConfig({ env: {}, folder }), {
    code: 'TRG_CONFIG_INVALID',
    message: /tripline\.yaml:2:18: byte 36 of the file is not UTF-8: fc 72 2d/,
  });
  writeFileSync(file, Buffer.from('\ufeffapplication: shop\n', 'utf16le'));
  assert.equal(loadConfig({ env: {}, folder }).config.application, 'shop');
});

test('a secret file that is no UTF-8 is refused, and nothing of it is shown', (t) => {
  const folder = folderWith(t, null);
  const file = join(folder, 'secret');
  writeFileSync(file, Buffer.from('whsec_gr\xfcn', 'latin1'));
  const env = { TRIPLINE_CHANNELS_WEBHOOK_SECRET_FILE: file };
  assert.throws(
    () => loadConfig({ env, folder }),
    (error) => {
      assert.match(
        (error as Error).message,
        /TRIPLINE_CHANNELS_WEBHOOK_SECRET_FILE: is not UTF-8 \(line 1, byte 9 of it\)/,
      );
      assert.doesNotMatch((error as Error).message, /fc|gr/);
      return true;
    },
  );
});

test('what waits for a person is told in a channel of type slack, and answered over HTTP: without either it is refused by name', (t) => {
  const reviews = 'reviews: { slack: { signingSecret: 8f742231b10e8888abcd99 } }\n';
  const slack = 'channels: { slack: { url: "https://hooks.slack.com/services/x" } }\n';
  const http = 'http: { port: 0, writeKeys: [k1] }\n';
  assert.match(problemsOf(t, reviews + http).join(), /told in the channel "slack", which is not configured/);
  const team = 'reviews: { slack: { channel: team, signingSecret: 8f742231b10e8888abcd99 } }\n';
  const webhook = 'channels: { team: { type: webhook, url: "https://example.com" } }\n';
  assert.match(problemsOf(t, team + http + webhook).join(), /told in the channel "team", which is of type webhook/);
  assert.deepEqual(problemsOf(t, team + http + slack.replace('slack: {', 'team: { type: slack,')), []);
  assert.match(problemsOf(t, reviews + slack).join(), /answers from Slack come over HTTP, which is not configured/);
  assert.match(problemsOf(t, `reviews: {}\n${slack}${http}`).join(), /missing field "slack"/);
  assert.deepEqual(problemsOf(t, reviews + slack + http), []);
});

test('rates, warm-up, fallbackAfter, alerts and archive are checked, each in its place', (t) => {
  const webhook = (options: string) => `channels: { webhook: { url: "http://h.test/", ${options} } }\n`;
  assert.deepEqual(problemsOf(t, webhook('rate: 100/s, fallbackAfter: 5m')), []);
  const steps = 'steps: [{ for: 1d, rate: 50/h }, { for: 2d, rate: 200/h }]';
  assert.deepEqual(problemsOf(t, webhook(`warmUp: { from: "2026-12-01T00:00:00Z", ${steps} }`)), []);
  assert.match(problemsOf(t, webhook('rate: fast')).join(), /rate/);
  assert.match(problemsOf(t, webhook('rates: 100/s')).join(), /unknown field "rates"/);
  assert.match(problemsOf(t, webhook('warmUp: { from: soon, steps: [] }')).join(), /warmUp/);
  assert.match(problemsOf(t, 'alerts: { channel: slack }\n').join(), /alerts go to the channel "slack", which is not/);
  assert.match(problemsOf(t, 'mode: quiet\n').join(), /mode/);
  assert.match(problemsOf(t, 'archive: yes\n').join(), /archive/);
  const { config } = load(t, 'mode: sandbox\narchive: off\nfallbackAfter: 20m\n');
  assert.deepEqual([config.mode, config.archiveMs, config.fallbackAfterMs], ['sandbox', null, 1_200_000]);
});

test('a further channel by name takes the options of all channels too', (t) => {
  const partner = (options: string) => `channels: { partner: { type: webhook, url: "http://h.test/", ${options} } }\n`;
  assert.deepEqual(problemsOf(t, partner('rate: 2/s')), []);
  assert.match(problemsOf(t, partner('rate: 2/w')).join(), /rate/);
});

test('events that say consent are told what of them would have no effect', (t) => {
  const of = (events: string, more = '') =>
    problemsOf(t, `${more}consent:\n  always: [receipts]\n  events: ${events}\n`);
  const segment = 'event: Segment Consent Preference Updated';
  const right = `[{ ${segment}, preferences: { Ads: { category: news }, C5: { channel: sms } } }, { event: Left, all: true, allowed: false }]`;
  assert.deepEqual(of(right), []);
  for (const [events, expected] of [
    ['[{ event: $consent, category: news, allowed: true }]', /no event that comes from outside.*"\$"/],
    ['[{ event: Left, category: news }]', /missing field "allowed"/],
    ['[{ event: Left, allowed: false }]', /it says nothing.*one of category, channel, all/s],
    ['[{ event: Left, category: news, channel: sms, allowed: false }]', /it says category and channel/],
    ['[{ event: Left, category: receipts, allowed: false }]', /"receipts" asks nobody/],
    ['[{ event: Left, channel: webhook, allowed: false }]', /"webhook" asks no consent/],
    ['[{ event: Left, channel: smss, allowed: false }]', /there is no channel "smss".*did you mean "?sms/is],
    ['[{ event: Left, all: true, allowed: false, path: properties }]', /"path" is where/],
    [`[{ ${segment}, allowed: true, preferences: { Ads: { category: news } } }]`, /"allowed" has no effect beside/],
    [`[{ ${segment}, preferences: { Ads: {} } }]`, /it says nothing/],
    [`[{ ${segment}, preferences: {} }]`, /preferences/],
    [`[{ ${segment}, path: body, preferences: { Ads: { category: news } } }]`, /path/],
    [
      '[{ event: Left, all: true, allowed: false }, { event: Left, all: true, allowed: true }]',
      /to say the same twice/,
    ],
  ] as const) {
    const problems = of(events);
    assert.equal(problems.length > 0, true, events);
    assert.match(problems.join('\n'), expected);
  }
  const devices =
    'entities: { device: { id: deviceId } }\nsources: [{ topic: t, format: json, entity: device, event: kind }]\n';
  assert.match(
    of('[{ event: Left, all: true, allowed: false }]', devices).join('\n'),
    /no source has events of people/,
  );
});

test('double opt-in is told what of it would have no effect', (t) => {
  const http = 'http: { publicUrl: "https://shop.test" }\n';
  const of = (doubleOptIn: string, more = http) =>
    problemsOf(t, `${more}consent: { always: [receipts], doubleOptIn: ${doubleOptIn} }\n`).join('\n');
  assert.equal(of('{ categories: [news], channels: [sms], within: 2d }'), '');
  assert.match(of('{ categories: [news] }', ''), /nobody could follow a link.*set http\.publicUrl/);
  assert.match(of('{}'), /nothing is to be confirmed/);
  assert.match(of('{ categories: [receipts] }'), /"receipts" asks nobody/);
  assert.match(of('{ channels: [webhook] }'), /"webhook" asks no consent/);
  assert.match(of('{ channels: [smss] }'), /there is no channel "smss"/);
});
