// The worker and the operator's commands on a cluster that guards everything: with the rights that `tripline topics acls`
// lists they work, without one of them the error says which. And what becomes of topics that are not as they should be.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AclOperations, AclPermissionTypes, ResourcePatternTypes, ResourceTypes } from '@platformatic/kafka';
import { backtest as backtestCommand } from '../../../apps/cli/commands/backtest.ts';
import { topics as topicsCommand } from '../../../apps/cli/commands/topics.ts';
import { verify as verifyCommand } from '../../../apps/cli/commands/verify.ts';
import { purgeRead } from '../../../apps/worker/purge.ts';
import { runWorker } from '../../../apps/worker/worker.ts';
import { systemClock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logger.ts';
import { deadLetterCodec, decisionCodec } from '../../../schemas/framed.ts';
import { type Config, loadConfig } from '../../../services/config/index.ts';
import { jobOf } from '../../../services/job/job.ts';
import { openKafka } from '../../../services/job/open-kafka.ts';
import { loadFlawlessProject } from '../../../services/project/load-project.ts';
import { type AclEntry, type AclRole, aclsOf } from '../../../services/topics/acls.ts';
import { readTopic } from '../../../services/topics/read-topic.ts';
import { until } from '../../../testing/until.ts';
import type { Log } from '../../../topology/engine/ports.ts';
import { openLog, untilVisible } from '../../connectors/logs/kafka/kit.ts';
import { securedCluster } from '../../connectors/logs/kafka/secured.ts';
import { folderWith, run } from '../cli/kit.ts';

const PASSWORD = 'engine-pass-phrase';
const PRINCIPAL = 'User:engine';
/** A worker with a log-in, a group and transactions is up in seconds, and waits for what it is refused. */
const DONE_MS = 60_000;
/** A process that hangs ends with its test. */
const BOUND = { timeout: 120_000 };
const LAUNCHER = fileURLToPath(new URL('../../../bin/tripline', import.meta.url));
const secured = await securedCluster({}, []);
const { admin, auth, authority, cluster } = secured;
await secured.addUser('engine', PASSWORD);

const QUIET: Logger = { info: () => {}, warn: () => {}, error: () => {} };
const RULE = `id: bought
when: { event: purchase }
then: [{ send: { channel: webhook, data: { note: 'has(event.properties.note) ? event.properties.note : ""' } } }]
`;

interface Place {
  readonly folder: string;
  readonly config: Config;
  readonly owner: Log;
}

/** A project with a source of its own, whose topics nobody made yet. */
async function place(t: TestContext, application: string, hook: string): Promise<Place> {
  const topic = `events.${application}`;
  const folder = folderWith(t, {
    'ca.pem': authority.ca,
    'rules/rule.yaml': RULE,
    'tripline.yaml': `
application: ${application}
kafka:
  brokers: ["${auth[0]}"]
  tls: { ca: ./ca.pem }
  sasl: { mechanism: scram-sha-512, username: engine, password: "\${KAFKA_PASSWORD}" }
sources: [{ topic: ${topic} }]
topics: { retention: { internal: 7d } }
channels: { webhook: { url: "${hook}", secret: whsec_c2VjcmV0, allowPrivate: true } }
`,
  });
  const { config } = loadConfig({ folder, env: { KAFKA_PASSWORD: PASSWORD } });
  const owner = openLog(t, cluster);
  await owner.admin.createTopics([{ topic, partitions: 2 }]);
  return { folder, config, owner };
}

/** The rights of the roles, as the command lists them. */
function entriesOf({ config }: Place, roles: readonly AclRole[]): readonly AclEntry[] {
  const project = loadFlawlessProject({ paths: [config.rules], folder: process.cwd(), config });
  const job = jobOf(config, project, systemClock);
  return aclsOf(job.topology, config).filter(({ role }) => roles.includes(role));
}

const constantOf = (text: string): string =>
  text
    .replace(/[a-z](?=[A-Z])/g, '$&_')
    .replaceAll('-', '_')
    .toUpperCase();

function bindings(entries: readonly AclEntry[]) {
  return entries.flatMap(({ resource, name, isPrefix, operations }) =>
    operations.map((operation) => ({
      resourceType: ResourceTypes[constantOf(resource) as 'TOPIC'],
      resourceName: name,
      resourcePatternType: isPrefix ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
      principal: PRINCIPAL,
      host: '*',
      operation: AclOperations[constantOf(operation) as 'READ'],
      permissionType: AclPermissionTypes.ALLOW,
    })),
  );
}

async function allow(entries: readonly AclEntry[]): Promise<void> {
  await admin.createAcls({ creations: bindings(entries) });
}

async function forbid(entries: readonly AclEntry[]): Promise<void> {
  await admin.deleteAcls({ filters: bindings(entries) as never });
}

/** Takes webhooks; says how many events have come, by their notes. Other applications' come too: the topics are shared. */
async function receiver(t: TestContext) {
  const bodies = new Set<string>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    bodies.add(Buffer.concat(chunks).toString('utf8'));
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  return { url, has: (note: string) => [...bodies].some((body) => body.includes(`"${note}"`)) };
}

let sent = 0;

function purchase(userId: string, note: string) {
  return { userId, event: 'purchase', properties: { note } };
}

async function send(log: Log, topic: string, values: readonly (object | string)[]): Promise<void> {
  const writer = await log.openWriter('test-feed');
  writer.send(
    values.map((value) => {
      const text =
        typeof value === 'string' ? value : JSON.stringify({ type: 'track', messageId: `m${sent++}`, ...value });
      return { topic, partition: 0, timestamp: systemClock.now(), key: null, value: Buffer.from(text), headers: [] };
    }),
  );
  await untilVisible(log, await writer.commit('test-feed', []));
  await writer.close();
}

/** Runs a worker until `enough`. Throws what it throws. */
async function work({ config }: Place, enough: () => boolean, logger: Logger = QUIET): Promise<void> {
  const stop = new AbortController();
  let hasEnded = false;
  const worker = runWorker({ config, logger }, stop.signal);
  const end = (): void => {
    hasEnded = true;
  };
  worker.then(end, end);
  try {
    await until(() => hasEnded || enough(), { message: `enough: ${enough}`, deadlineMs: DONE_MS });
  } finally {
    stop.abort();
    await worker.catch(() => {});
  }
  await worker;
}

test('with the rights that are listed, topics are made and compared, events become deliveries, and what was read is deleted', async (t) => {
  const hook = await receiver(t);
  const at = await place(t, 'allowed', hook.url);
  const roles = ['worker', 'topics'] as const;
  const rights = entriesOf(at, roles);
  await allow(rights);
  t.after(() => forbid(rights));
  const env = { KAFKA_PASSWORD: PASSWORD };
  const applied = await run(['topics', 'apply'], [topicsCommand], at.folder, env);
  assert.equal(applied.code, 0, applied.err);
  assert.match(applied.out, /\ncreated {3}allowed-entities-changelog {2}2 partitions {2}internal, compacted\n/);
  await forbid(rights.filter(({ role }) => role === 'topics'));

  await send(at.owner, 'events.allowed', [purchase('u1', 'one'), 'no JSON', purchase('u2', 'two')]);
  await work(at, () => hook.has('one') && hook.has('two'));
  const decisions: string[] = [];
  for await (const { value } of readTopic(at.owner, 'tripline.decisions'))
    decisions.push(decisionCodec.decode(value!).entity.id);
  assert.deepEqual(decisions.sort(), ['u1', 'u2']);
  const letters: unknown[] = [];
  for await (const { value } of readTopic(at.owner, 'tripline.dead-letter')) {
    const { topic, reason, value: record } = deadLetterCodec.decode(value!);
    letters.push([topic, reason, Buffer.from(record!).toString()]);
  }
  assert.deepEqual(letters, [['events.allowed', 'TRG_RECORD_UNREADABLE', 'no JSON']]);

  // Whoever only reads can tell whether all of it is as it should be.
  await forbid(rights);
  const reading = entriesOf(at, ['operator']);
  await allow(reading);
  const verified = await run(['verify'], [verifyCommand], at.folder, env);
  assert.equal(verified.code, 0, verified.out + verified.err);
  assert.match(verified.out, /\ntripline\.decisions: 2 as recorded\n/);
  assert.match(verified.out, /\nactions\.webhook: 2 as recorded\n/);
  await forbid(reading);
  await allow(rights);

  // As the worker itself, with its rights: the one reader has committed past all of it.
  const log = openKafka(at.config, systemClock);
  t.after(() => log.close());
  const topics = ['allowed-events-repartition'];
  const before = await at.owner.admin.offsets({ topic: topics[0]!, partition: 0 });
  await purgeRead({ admin: log.admin, group: 'allowed', topics });
  const after = await at.owner.admin.offsets({ topic: topics[0]!, partition: 0 });
  assert.equal(before.first, 0);
  assert.ok(after.first > 0 && after.first <= after.end, `${after.first} of ${after.end}`);
});

test('without one of the rights, the worker ends with an error that names the right and what it is on', async (t) => {
  const hook = await receiver(t);
  const at = await place(t, 'refused', hook.url);
  const rights = entriesOf(at, ['worker']);
  await allow([...rights, ...entriesOf(at, ['topics'])]);
  t.after(() => forbid(rights));
  assert.equal((await run(['topics', 'apply'], [topicsCommand], at.folder, { KAFKA_PASSWORD: PASSWORD })).code, 0);
  // Channels without a connector, late events, flows and commands: nothing is written there by these events.
  const used = rights.filter(({ name }) => !/late|commands|flows|cancellations|actions\.(?!webhook)/.test(name));
  assert.ok(used.length >= 10, `${used.length} rights`);
  for (const [i, right] of used.entries()) {
    await send(at.owner, 'events.refused', [purchase('u1', `refused ${i}`), 'no JSON']);
    await forbid([right]);
    const name = right.isPrefix ? `${right.name}[^ ]+` : right.name;
    await assert.rejects(
      work(at, () => false),
      (error: Error & { code?: string }) => {
        assert.deepEqual([error.name, error.code], ['FatalError', 'TRG_LOG_DENIED'], `${right.name}: ${error}`);
        const resource = right.resource === 'transactional-id' ? 'transactional id' : right.resource;
        assert.match(error.message, new RegExp(`lacks (Read|Write|Describe) on ${resource} ${name} `));
        return true;
      },
    );
    await allow([right]);
  }
  // Nothing was lost meanwhile.
  await work(at, () => used.every((_, i) => hook.has(`refused ${i}`)));
});

test('settings of a topic that someone changed are shown, and mended by apply', async (t) => {
  const at = await place(t, 'drifted', 'http://127.0.0.1:1/');
  const rights = entriesOf(at, ['topics']);
  await allow(rights);
  t.after(() => forbid(rights));
  const env = { KAFKA_PASSWORD: PASSWORD };
  const command = (...words: string[]) => run(['topics', ...words], [topicsCommand], at.folder, env);
  assert.equal((await command('apply')).code, 0);
  assert.match((await command('plan')).out, /: 0 missing, 0 with a wrong number/);
  await alter('drifted-journal', { 'retention.ms': '1000', 'max.message.bytes': '2000' });
  const plan = await command('plan');
  assert.equal(plan.code, 0);
  assert.match(
    plan.out,
    /exists {4}drifted-journal .*\n {10}retention.ms is 1000, wanted: 604800000\n {10}max.message.bytes is 2000/,
  );
  assert.match(plan.out, /1 with other settings/);
  assert.match(
    (await command('apply')).out,
    /changed {3}drifted-journal .*\n {10}retention.ms was 1000, wanted: 604800000/,
  );
  assert.doesNotMatch((await command('plan')).out, /wanted/);
  assert.deepEqual(await settings('drifted-entities-changelog', ['cleanup.policy', 'message.timestamp.type']), [
    'compact',
    'CreateTime',
  ]);
  assert.deepEqual(await settings('tripline.decisions', ['cleanup.policy', 'retention.ms', 'message.timestamp.type']), [
    'delete',
    '2592000000',
    'LogAppendTime',
  ]);
});

test('a backtest reads a topic with the right to read it alone, beside its worker, and leaves no group', async (t) => {
  const at = await place(t, 'looked-at', 'http://127.0.0.1:1/');
  const rights = entriesOf(at, ['backtest']);
  const topic = 'events.looked-at';
  assert.deepEqual(
    rights.map(({ name, operations }) => [name, ...operations]),
    [[topic, 'Read']],
  );
  await send(at.owner, topic, [{ ...purchase('u1', 'one'), timestamp: '2026-01-01T10:00:00Z' }, 'no JSON']);
  const words = ['--rules', 'rules', '--events', `kafka:${topic}`, '--out', 'out', '--json'];
  const backtest = () => run(['backtest', ...words], [backtestCommand], at.folder, { KAFKA_PASSWORD: PASSWORD });
  const refused = await backtest();
  assert.equal(refused.code, 1);
  assert.match(refused.err, /events\.looked-at/);
  await allow(rights);
  t.after(() => forbid(rights));
  const { code, out, err } = await backtest();
  assert.equal(code, 0, err);
  const { fired, input } = JSON.parse(out);
  assert.deepEqual([fired, input.lines, input.deadLetters], [1, 2, { TRG_RECORD_UNREADABLE: 1 }]);
  const groups = [...(await admin.listGroups()).keys()];
  assert.ok(!groups.some((group) => group.startsWith('looked-at')), groups.join());
});

async function alter(topic: string, values: Readonly<Record<string, string>>): Promise<void> {
  const configs = Object.entries(values).map(([name, value]) => ({ name, value, configOperation: 0 as const }));
  await admin.incrementalAlterConfigs({ resources: [{ resourceType: 2, resourceName: topic, configs }] });
}

async function settings(topic: string, names: string[]): Promise<(string | null | undefined)[]> {
  const resources = [{ resourceType: 2 as const, resourceName: topic, configurationKeys: names }];
  const [described] = await admin.describeConfigs({ resources });
  return names.map((name) => described!.configs.find((each) => each.name === name)?.value);
}

test('a record that a topic does not take ends the worker with the topic, the size and the setting; nothing is lost', async (t) => {
  const hook = await receiver(t);
  const at = await place(t, 'large', hook.url);
  const rights = entriesOf(at, ['worker', 'topics']);
  await allow(rights);
  t.after(() => forbid(rights));
  assert.equal((await run(['topics', 'apply'], [topicsCommand], at.folder, { KAFKA_PASSWORD: PASSWORD })).code, 0);
  await alter('large-events-repartition', { 'max.message.bytes': '2000' });
  const note = Array.from({ length: 3_000 }, (_, i) => (i * 7_919).toString(36)).join(' ');
  await send(at.owner, 'events.large', [purchase('u1', note)]);
  await assert.rejects(
    work(at, () => false),
    (error: Error & { code?: string }) => {
      assert.deepEqual([error.name, error.code], ['FatalError', 'TRG_RECORD_TOO_LARGE'], String(error));
      assert.match(error.message, /topic large-events-repartition .* \d{4,} bytes.*max\.message\.bytes/);
      return true;
    },
  );
  assert.match(
    (await run(['topics', 'apply'], [topicsCommand], at.folder, { KAFKA_PASSWORD: PASSWORD })).out,
    /max.message.bytes was 2000/,
  );
  await work(at, () => hook.has(note));
});

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

/** `tripline run` as a process of its own. */
function launch(t: TestContext, folder: string, env: Readonly<Record<string, string>>) {
  const child = spawn(LAUNCHER, ['run'], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk));
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, said })));
  return { child, ended, said: () => said };
}

test('a wrong password ends the process soon with exit code 1, and no secret is in what it says', BOUND, async (t) => {
  const at = await place(t, 'mistaken', 'http://127.0.0.1:1/');
  const { code, said } = await launch(t, at.folder, { KAFKA_PASSWORD: 'not-the-pass-phrase' }).ended;
  assert.equal(code, 1, said);
  assert.match(said, /TRG_LOG_DENIED/);
  assert.match(said, /log-in/);
  assert.doesNotMatch(said, /pass-phrase|c2VjcmV0/);
});

test('a worker without a broker says so, is live but not ready, and ends well when told to', BOUND, async (t) => {
  const folder = folderWith(t, {
    'rules/rule.yaml': RULE,
    'tripline.yaml': `kafka: { brokers: ["127.0.0.1:1"] }\ndeliveredElsewhere: [webhook]\nsources: [{ topic: e }]\nhttp: { writeKeys: ["\${K}"] }\n`,
  });
  const port = await freePort();
  const { child, ended, said } = launch(t, folder, { K: 'k', TRIPLINE_HTTP_PORT: `${port}` });
  const get = async (path: string): Promise<number> => {
    const { status } = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => ({ status: 0 }));
    return status;
  };
  await until(async () => (await get('/health/live')) === 200, { message: 'it answers', seen: said });
  assert.match(said(), /waiting for the log/);
  assert.equal(await get('/health/ready'), 503);
  assert.equal(await get('/v1/track'), 503);
  child.kill('SIGTERM');
  const { code, said: all } = await ended;
  assert.equal(code, 0, all);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
