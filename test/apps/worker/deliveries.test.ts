// A worker in this process with real channels: what is asked before each message, and what people see of deliveries and channels
// beside it.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { channels as channelsCommand } from '../../../apps/cli/commands/channels.ts';
import { deliveries as deliveriesCommand } from '../../../apps/cli/commands/deliveries.ts';
import { dlq as dlqCommand } from '../../../apps/cli/commands/dlq.ts';
import { explain as explainCommand } from '../../../apps/cli/commands/explain.ts';
import { runWorker } from '../../../apps/worker/worker.ts';
import type { Logger } from '../../../lib/logger.ts';
import { partitionOf } from '../../../lib/murmur2.ts';
import { loadConfig } from '../../../services/config/index.ts';
import { until } from '../../../testing/until.ts';
import type { Log } from '../../../topology/engine/ports.ts';
import { startSmtpServer } from '../../connectors/channels/email/smtp-server.ts';
import { type Receiver, startReceiver } from '../../connectors/channels/webhook/receiver.ts';
import { folderWith, run } from '../cli/kit.ts';
import { linesOf } from '../cli/shop-project.ts';

const PARTITIONS = 2;
const SLOW = { deadlineMs: 120_000 };
const COMMANDS = [channelsCommand, deliveriesCommand, dlqCommand, explainCommand];

interface Started {
  readonly folder: string;
  readonly log: Log;
  /** Lines of the worker's log, as `message field=…`. */
  readonly warnings: readonly Readonly<Record<string, unknown>>[];
  cli(...words: string[]): ReturnType<typeof run>;
}

async function startWorker(t: TestContext, config: string, rules: string): Promise<Started> {
  const folder = folderWith(t, {
    'tripline.yaml': `application: shop\ndataDir: ./data\nlog: { partitions: ${PARTITIONS} }\noutOfOrderness: 0s\nrules: ./rules\n${config}`,
    'rules/rules.yaml': rules,
    'rules/templates/hello/email.liquid': '---\nsubject: Hello {{ profile.name }}\n---\nYou bought something.\n',
  });
  const warnings: Readonly<Record<string, unknown>>[] = [];
  const logger: Logger = {
    info: () => {},
    warn: (fields, message) => warnings.push({ ...fields, message }),
    error: () => {},
  };
  const { config: loaded } = loadConfig({ file: 'tripline.yaml', env: {}, folder });
  const stopping = new AbortController();
  const running = Promise.withResolvers<Log>();
  const before = process.cwd();
  process.chdir(folder);
  const ran = runWorker({ config: loaded, logger, onRunning: running.resolve }, stopping.signal);
  ran.catch(running.reject);
  t.after(async () => {
    stopping.abort();
    await ran;
    process.chdir(before);
  });
  const log = await running.promise;
  return { folder, log, warnings, cli: (...words) => run(words, COMMANDS, folder) };
}

let sent = 0;

async function write(
  log: Log,
  topic: string,
  records: readonly (readonly [key: string, value: unknown])[],
): Promise<void> {
  const writer = await log.openWriter(`feed-${sent++}`);
  const count = (await log.admin.topics()).get(topic)!;
  writer.send(
    records.map(([name, value]) => {
      const key = Buffer.from(name);
      const bytes = value === null ? null : Buffer.from(JSON.stringify(value));
      return { topic, partition: partitionOf(key, count), timestamp: Date.now(), key, value: bytes, headers: [] };
    }),
  );
  await writer.commit('feed', []);
  await writer.close();
}

function purchases(log: Log, people: readonly string[]): Promise<void> {
  const timestamp = new Date().toISOString();
  return write(
    log,
    'events.shop',
    people.flatMap((userId): [string, unknown][] => [
      [
        userId,
        {
          type: 'identify',
          messageId: `i${sent}-${userId}`,
          userId,
          timestamp,
          traits: { email: `${userId}@shop.test`, name: userId },
        },
      ],
      [userId, { type: 'track', messageId: `m${sent}-${userId}`, userId, timestamp, event: 'purchase' }],
    ]),
  );
}

const MAIL_RULE =
  'id: thanks\ncategory: promotions\nwhen: { event: purchase }\nthen: [{ send: { channel: email, template: hello } }]\n';
const HOOK_RULE = 'id: thanks\nwhen: { event: purchase }\nthen: [{ send: { channel: webhook } }]\n';
const hook = ({ url }: Receiver, more = '') => `channels: { webhook: { url: "${url}", allowPrivate: true ${more}} }\n`;

async function deliveriesOf(worker: Started, ...words: string[]) {
  const { code, out, err } = await worker.cli('deliveries', '--json', ...words);
  assert.equal(code, 0, err);
  return linesOf(out);
}

test('nothing begins after an opt-out was recorded, of messages that lay ready before it (I7)', async (t) => {
  const begun: number[] = [];
  const smtp = await startSmtpServer(
    t,
    {},
    {
      onMailFrom: (_address, _session, callback) => {
        begun.push(performance.now());
        callback(null);
      },
    },
  );
  const worker = await startWorker(
    t,
    `channels: { email: { host: 127.0.0.1, port: ${smtp.port}, from: "a@shop.test", rate: 40/s, concurrency: 4 } }\n`,
    MAIL_RULE,
  );
  const people = Array.from({ length: 200 }, (_, i) => `u${i}`);
  await purchases(worker.log, people);
  await until(() => begun.length >= 20, { message: 'some are sent', ...SLOW });
  await write(
    worker.log,
    'tripline.consent-changes',
    people.map((id) => [id, { userId: id, all: false, source: 'test' }]),
  );
  const recordedAt = performance.now();
  await until(async () => (await deliveriesOf(worker)).length >= people.length, {
    message: 'all are settled',
    ...SLOW,
  });
  const late = begun.filter((at) => at > recordedAt);
  // What had been begun, and was on its way to the server.
  assert.ok(late.length <= 4 * PARTITIONS, `${late.length} came after the opt-out`);
  const settled = await deliveriesOf(worker);
  const delivered = settled.filter(({ outcome }) => outcome === 'delivered');
  assert.equal(delivered.length, smtp.taken.length);
  assert.ok(delivered.length < people.length / 2, `${delivered.length} were delivered`);
  assert.ok(settled.every(({ outcome, reason }) => outcome === 'delivered' || reason === 'consent'));
});

test('a 410 stops the channel for all that comes, the list says why, and enabling it lets messages through again', async (t) => {
  let isGone = true;
  const receiver = await startReceiver(t, (response) => {
    response.statusCode = isGone ? 410 : 200;
    response.end();
  });
  const worker = await startWorker(t, hook(receiver), HOOK_RULE);
  await purchases(worker.log, ['u1']);
  await until(async () => (await deliveriesOf(worker)).length === 1, { message: 'the first is refused', ...SLOW });
  await purchases(worker.log, ['u2', 'u3']);
  await until(async () => (await deliveriesOf(worker)).length === 3, { message: 'the others are skipped', ...SLOW });
  assert.equal(receiver.received.length, 1);
  assert.deepEqual(
    (await deliveriesOf(worker)).map(({ outcome, reason }) => `${outcome} ${reason}`),
    ['failed HTTP 410', 'skipped channel-disabled', 'skipped channel-disabled'],
  );
  const [listed] = linesOf((await worker.cli('channels', 'list', '--json')).out);
  assert.deepEqual(
    [listed.channel, listed.type, listed.state, listed.reason, listed.by],
    ['webhook', 'webhook', 'disabled', 'HTTP 410', 'provider'],
  );
  // Once for the one that failed.
  assert.deepEqual(
    worker.warnings.filter(({ reason }) => reason === 'HTTP 410').map(({ message }) => message),
    ['a delivery failed'],
  );
  isGone = false;
  assert.match((await worker.cli('channels', 'enable', 'webhook')).out, /^webhook {2}enabled/);
  await purchases(worker.log, ['u4']);
  await until(() => receiver.received.length === 2, { message: 'it is sent again', ...SLOW });
  // What failed meanwhile is sent again by its channel and time.
  const replayed = await worker.cli('dlq', 'replay', '--channel', 'webhook', '--since', '2020-01-01T00:00:00Z');
  assert.equal(replayed.out, 'dead letters replayed: 1\n', replayed.err);
  await until(() => receiver.received.length === 3, { message: 'the failed one is sent', ...SLOW });
  const keys = receiver.received.map(({ headers }) => headers['webhook-id']);
  assert.equal(keys[2], keys[0]);
});

test('a channel is turned off by hand within two seconds, and what waits is tried at once on request', async (t) => {
  let isUp = false;
  const receiver = await startReceiver(t, (response) => {
    response.statusCode = isUp ? 200 : 503;
    response.setHeader('retry-after', '3600');
    response.end();
  });
  const worker = await startWorker(t, hook(receiver), HOOK_RULE);
  await purchases(worker.log, ['u1']);
  await until(() => receiver.received.length === 1, { message: 'it is tried', ...SLOW });
  assert.match(
    (await worker.cli('channels', 'disable', 'webhook', '--reason', 'maintenance')).out,
    /disabled .*: maintenance/,
  );
  await purchases(worker.log, ['u2']);
  await until(async () => (await deliveriesOf(worker)).length === 1, { message: 'it is skipped', ...SLOW });
  assert.equal(receiver.received.length, 1);
  isUp = true;
  await worker.cli('channels', 'enable', 'webhook');
  const { code, out } = await worker.cli('channels', 'retry', 'webhook');
  assert.equal(code, 0);
  assert.match(out, /enabled/);
  await until(async () => (await deliveriesOf(worker)).length === 2, { message: 'what was to wait is sent', ...SLOW });
  assert.deepEqual(
    (await deliveriesOf(worker)).map(({ outcome, attempts, entity }) => [entity.id, outcome, attempts]),
    [
      ['u2', 'skipped', 0],
      ['u1', 'delivered', 2],
    ],
  );
  const wrong = await worker.cli('channels', 'enable', 'webhok');
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /there is no channel "webhok"/);
});

test('people see what was sent, to whom and why not, beside a worker', async (t) => {
  const smtp = await startSmtpServer(t);
  const worker = await startWorker(
    t,
    `channels: { email: { host: 127.0.0.1, port: ${smtp.port}, from: "a@shop.test" } }\n`,
    MAIL_RULE,
  );
  await write(worker.log, 'tripline.suppressions', [
    [
      'email:u2@shop.test',
      { kind: 'email', address: 'u2@shop.test', reason: 'bounce', at: 1, source: 'email', entities: [] },
    ],
  ]);
  await purchases(worker.log, ['u1', 'u2']);
  await until(async () => (await deliveriesOf(worker)).length === 2, { message: 'both are settled', ...SLOW });
  const [to1] = await deliveriesOf(worker, '--user', 'u1');
  assert.deepEqual(Object.keys(to1).slice(0, 6), ['action', 'decision', 'rule', 'ruleVersion', 'entity', 'channel']);
  assert.deepEqual([to1.outcome, to1.attempts, to1.reason], ['delivered', 1, null]);
  const [to2] = await deliveriesOf(worker, '--outcome', 'skipped', '--rule', 'thanks', '--channel', 'email');
  assert.deepEqual([to2.entity.id, to2.reason, to2.address], ['u2', 'suppressed', to2.address]);
  assert.match(to2.address, /^email:[0-9a-f]{32}$/);
  assert.deepEqual(await deliveriesOf(worker, '--user', 'nobody'), []);
  const shown = await worker.cli('deliveries', '--show', to1.action);
  assert.match(shown.out, /email {2}delivered to u1@shop\.test {2}thanks {2}user\/u1\n/);
  assert.match(shown.out, /subject: Hello u1\n/);
  assert.match(shown.out, /You bought something\./);
  const none = await worker.cli('deliveries', '--show', to2.action);
  assert.equal(none.code, 1);
  assert.match(none.err, /no message is kept/);
  assert.match(
    (await worker.cli('deliveries', '--user', 'u2')).out,
    /thanks {2}user\/u2 {2}email {2}skipped \(suppressed\)/,
  );
  assert.match(
    (await worker.cli('explain', '--rule', 'thanks', '--user', 'u1')).out,
    /\n {4}\S+ {2}email: delivered\n/,
  );
});

test('a test message goes to the person as any other would, and not to who has opted out', async (t) => {
  const smtp = await startSmtpServer(t);
  const worker = await startWorker(
    t,
    `channels: { email: { host: 127.0.0.1, port: ${smtp.port}, from: "a@shop.test" } }\n`,
    'id: never\nwhen: { event: x }\nif: profile.email != "" && profile.name != ""\n',
  );
  await purchases(worker.log, ['u1']);
  await write(worker.log, 'events.shop', [
    ['u1', { type: 'track', messageId: 'x1', userId: 'u1', timestamp: new Date().toISOString(), event: 'x' }],
  ]);
  const tested = async () => worker.cli('channels', 'test', 'email', '--user', 'u1', '--json');
  await until(async () => (await tested()).code === 0, { message: 'the test message is sent', ...SLOW });
  assert.equal(smtp.taken[0]!.to[0], 'u1@shop.test');
  assert.equal(smtp.taken[0]!.email.subject, 'Test of shop');
  const before = smtp.taken.length;
  await write(worker.log, 'tripline.consent-changes', [['u1', { userId: 'u1', channels: { email: false } }]]);
  const refused = await tested();
  assert.equal(refused.code, 1);
  assert.deepEqual([linesOf(refused.out)[0].outcome, linesOf(refused.out)[0].reason], ['skipped', 'consent']);
  const nobody = await worker.cli('channels', 'test', 'email', '--user', 'nobody', '--json');
  assert.equal(linesOf(nobody.out)[0].reason, 'no-address');
  assert.equal(smtp.taken.length, before);
});

test('in sandbox everything is rendered and recorded, and nothing is sent', async (t) => {
  const smtp = await startSmtpServer(t);
  const worker = await startWorker(
    t,
    `mode: sandbox\nchannels: { email: { host: 127.0.0.1, port: ${smtp.port}, from: "a@shop.test" } }\n`,
    MAIL_RULE,
  );
  await purchases(worker.log, ['u1']);
  await until(async () => (await deliveriesOf(worker)).length === 1, { message: 'it is settled', ...SLOW });
  const [delivery] = await deliveriesOf(worker);
  assert.deepEqual([delivery.outcome, delivery.reason], ['skipped', 'sandbox']);
  assert.match(
    (await worker.cli('deliveries', '--show', delivery.action)).out,
    /sandbox to u1@shop\.test.*\n(.*\n)*subject: Hello u1/,
  );
  assert.equal(smtp.connections(), 0);
});

test('what fails for good without a further channel becomes an action of the channel for alerts', async (t) => {
  const receiver = await startReceiver(t, (response, { path }) => {
    response.statusCode = path === '/alerts' ? 200 : 410;
    response.end();
  });
  const alertsUrl = receiver.url.replace('/hook', '/alerts');
  const worker = await startWorker(
    t,
    `alerts: { channel: ops }
channels:
  webhook: { url: "${receiver.url}", allowPrivate: true }
  ops: { type: webhook, url: "${alertsUrl}", allowPrivate: true }
`,
    HOOK_RULE,
  );
  await purchases(worker.log, ['u1']);
  const alerts = () =>
    receiver.received.filter(({ path }) => path === '/alerts').map(({ body }) => JSON.parse(body).data);
  await until(() => alerts().length === 2, { message: 'both alerts come', ...SLOW });
  assert.deepEqual(
    alerts()
      .map(({ event, channel, reason }) => [event, channel, reason])
      .sort(),
    [
      ['channel_disabled', 'webhook', 'HTTP 410'],
      ['delivery_failed', 'webhook', 'HTTP 410'],
    ],
  );
});
