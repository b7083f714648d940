// Each operation gives the same whether it is answered in the asker's process or by a worker over its socket: the same data folder
// twice, one of them with a worker on it.

import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { runWorker } from '../../apps/worker/worker.ts';
import { systemClock } from '../../lib/clock.ts';
import type { EngineError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { DecisionJson } from '../../schemas/decision.ts';
import { type Config, loadConfig } from '../../services/config/index.ts';
import { plannedTopology } from '../../services/job/job.ts';
import { findWorker } from '../../services/live/client.ts';
import { OpenContext } from '../../services/open-context.ts';
import { resultOf } from '../../services/operation.ts';
import {
  type InputOf,
  OPERATIONS,
  type OperationName,
  type Services,
  servicesHere,
} from '../../services/operations.ts';
import { loadFlawlessProject } from '../../services/project/load-project.ts';
import { topicNeeds } from '../../services/topics/plan.ts';
import { readTopic } from '../../services/topics/read-topic.ts';
import type { TopicNeedsQuestion } from '../../services/topics/topics.ts';
import { until } from '../../testing/until.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { folderWith } from '../apps/cli/kit.ts';

/** A value as JSON carries it. */
function parsed<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value));
}

const NEVER = new AbortController().signal;
const QUIET: Logger = { info: () => {}, warn: () => {}, error: () => {} };
const START = Date.UTC(2026, 0, 1);

const base = folderWith({ after } as never as TestContext, {
  'tripline.yaml':
    'application: shop\ndataDir: ./data\nlog: { partitions: 2 }\nsources: [{ topic: events, keyed: true }]\nrules: ./rules\nchannels: { webhook: { url: "http://127.0.0.1:9/", allowPrivate: true } }\nvalidFor: { operational: forever, marketing: forever }\n',
  'rules/a.yaml':
    'id: a\nwhen: { event: x }\n---\nid: busy\nwhen: { count: { event: x, atLeast: 2, within: 400d } }\nif: event.properties.value > 1\n---\nid: slow\nwhen: { event: x }\nthen: [{ name: years, wait: 36500d }]\n',
});

/** With rules and folder of `base`, and a data folder of its own. */
function configOf(dataDir: string): Config {
  const { config } = loadConfig({ file: 'tripline.yaml', env: {}, folder: base });
  return { ...config, dataDir };
}

async function startWorker(config: Config): Promise<{ log: Log; stop: () => Promise<void> }> {
  const stopping = new AbortController();
  const running = Promise.withResolvers<Log>();
  const ran = runWorker({ config, logger: QUIET, onRunning: running.resolve }, stopping.signal);
  ran.catch(running.reject);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await ran;
  };
  after(stop);
  return { log: await running.promise, stop };
}

/** Three people's events, one of them in the wrong partition, and a record that cannot be used. */
async function feed(log: Log): Promise<void> {
  const writer = await log.openWriter('feed');
  const sent = [
    ['u1', 0, 0],
    ['u1', 0, 5],
    ['u2', 1, 2],
    ['u3', 0, 3],
    ['u3', 1, 4],
  ] as const;
  writer.send(
    sent.map(([user, partition, value], i) => {
      const timestamp = new Date(START + i * 1_000);
      const message = { type: 'track', messageId: `m${i}`, userId: user, event: 'x', timestamp, properties: { value } };
      const key = Buffer.from(user);
      return {
        topic: 'events',
        partition,
        timestamp: START,
        key,
        value: Buffer.from(JSON.stringify(message)),
        headers: [],
      };
    }),
  );
  writer.send([
    { topic: 'events', partition: 0, timestamp: START, key: null, value: Buffer.from('{ not json'), headers: [] },
  ]);
  await writer.commit('feed', []);
  await writer.close();
}

async function countOf(log: Log, topic: string): Promise<number> {
  let count = 0;
  for await (const { value } of readTopic(log, topic)) if (value !== null) count++;
  return count;
}

const first = await startWorker(configOf(join(base, 'data')));
await feed(first.log);
await until(
  async () => {
    const decisions = await countOf(first.log, 'tripline.decisions');
    return decisions === 11 && (await countOf(first.log, 'tripline.dead-letter')) === 1;
  },
  { message: 'events become decisions and a dead letter' },
);
await first.stop();
cpSync(join(base, 'data'), join(base, 'here'), { recursive: true });

const context = new OpenContext({ config: configOf(join(base, 'here')), clock: systemClock, folder: process.cwd() });
after(() => context.close());
const here = servicesHere(context);
const there = await startWorker(configOf(join(base, 'data')));
const found = await findWorker({ dataDir: join(base, 'data'), application: 'shop', clock: systemClock });
assert.ok(found !== null);
const worker: Services = found;

const project = loadFlawlessProject({
  paths: [context.config.rules],
  folder: process.cwd(),
  config: context.config,
  isLive: true,
});
const needs = topicNeeds(plannedTopology(context.config, project.rules.ruleSet), context.config) as TopicNeedsQuestion;
const more = [...project.files, { kind: 'rules' as const, file: 'more.yaml', text: 'id: more\nwhen: { event: y }\n' }];

interface Case<Name extends OperationName = OperationName> {
  readonly name: Name;
  readonly input: InputOf<Name>;
  /** What of a result is compared; left out: all of it. */
  readonly of?: (result: never) => unknown;
}

function given<Name extends OperationName>(name: Name, input: InputOf<Name>, of?: (result: never) => unknown): Case {
  return { name, input, ...(of !== undefined && { of }) } as unknown as Case;
}

/** Of which there may be nothing. */
const MAY_BE_NOTHING = /\.(list|message|undelivered)$/;

const withoutTime = ({ at: _, ...rest }: { readonly at: unknown }): unknown => rest;

/** Reads come first: they compare what the two have in common. */
const CASES: readonly Case[] = [
  given('decisions.query', {}),
  given('decisions.query', { rule: 'busy', user: 'u1', outcome: 'fired', limit: 1 }),
  given('decisions.query', { from: START + 1_000, to: START + 3_000 }),
  given('decisions.page', { limit: 2 }),
  given('decisions.page', { rule: 'a', limit: 500 }),
  given('explain', { rule: 'busy', id: 'u1' }),
  given('explain', { rule: 'a', id: 'u2', type: 'user', at: START }),
  given('explain', { rule: 'a', id: 'nobody' }),
  given('state.tasks', {}),
  given('state.entity', { type: 'user', id: 'u1' }),
  given('state.entity', { type: 'user', id: 'u3' }),
  given('state.entity', { type: 'user', id: 'nobody' }),
  given('inbox.read', { user: 'u1' }),
  given('state.export', {}),
  given('deliveries.undelivered', {}),
  given('deliveries.undelivered', { rule: 'a', user: 'u1' }),
  given('events.learn', {}),
  given('deliveries.query', {}),
  given('deliveries.query', { user: 'u1', outcome: 'failed', limit: 1 }),
  given('deliveries.message', { action: 'none' }),
  given('preview.last', { rule: 'a', id: 'u1', type: 'user' }),
  given('channels.list', {}),
  given('flows.list', { rule: 'slow' }),
  given('flows.list', { entity: { type: 'user', id: 'u1' }, waiting: true }),
  given('reviews.list', {}),
  given('reviews.list', { rule: 'a', limit: 1 }),
  given('consent.show', { user: 'u1' }),
  given('dead-letters.list', {}),
  given('dead-letters.list', { channel: 'webhook', since: START }),
  given('dead-letters.list', { reason: 'TRG_RECORD_INVALID', withReplayed: true }),
  given('rules.status', { files: [...project.files] }, ({ inForce: _, ...rest }: { inForce: unknown }) => rest),
  given('rules.diff', { files: more }),
  given('topics.plan', needs),
  given('topics.apply', { ...needs, sources: [...needs.sources, 'events.more'] }),
  given('rules.publish', { files: more, note: 'one more' }),
  given('rules.publish', { files: more }),
  given('rules.diff', { from: 1, to: 2 }),
  given('rules.rollback', { version: 1 }),
  given('dead-letters.replay', { reason: 'TRG_RECORD_UNREADABLE' }),
  given('channels.change', { channel: 'webhook', change: 'disable', reason: 'for now' }, withoutTime),
  given('channels.change', { channel: 'webhook', change: 'retry' }, withoutTime),
  given('channels.list', {}, (all: { at: unknown }[]) => all.map(withoutTime)),
  given(
    'channels.test',
    { channel: 'webhook', user: 'u1' },
    ({ action: _, message: __, ...rest }: { action: unknown; message: unknown }) => rest,
  ),
  given('consent.change', {
    changes: [{ userId: 'u1', all: false, timestamp: new Date(START).toISOString(), source: 'phone' }],
    suppressions: [{ kind: 'email', address: 'a@b.test', reason: 'bounce', at: START }],
  }),
  given('consent.show', { user: 'u1' }),
  given('flows.cancel', { rule: 'slow', entity: { type: 'user', id: 'u2' }, by: 'ann' }),
  // Wrong questions.
  given('flows.list', { rule: 'slo' }),
  given('flows.cancel', { rule: 'slow', by: 'ann' }),
  given('flows.cancel', { rule: 'slo', all: true, by: 'ann' }),
  given('reviews.list', { rule: 'buzy' }),
  given('reviews.answer', { id: 'none', verdict: 'approve', by: 'ann' }),
  given('reviews.answer', { id: 'none', verdict: 'edit', by: 'ann' }),
  given('reviews.assign', { id: 'none', to: 'bob', by: 'ann' }),
  given('consent.change', { changes: [{ userId: 'u1' }], suppressions: [] }),
  given('channels.change', { channel: 'webhok', change: 'enable' }),
  given('dead-letters.list', { channel: 'webhok' }),
  given('decisions.query', { rule: 'buzy' }),
  given('explain', { rule: 'buzy', id: 'u1' }),
  given('explain', { rule: 'a', id: 'u1', type: 'usr' }),
  given('state.entity', { type: 'device', id: 'd1' }),
  given('decisions.page', { cursor: 'none of ours' }),
  given('rules.rollback', { version: 99 }),
  given('rules.publish', { files: [{ kind: 'rules', file: 'bad.yaml', text: 'id: bad\nwhen: { evnt: x }\n' }] }),
];

interface Given {
  readonly items: readonly unknown[];
  readonly result?: unknown;
  readonly error?: unknown;
}

async function ask(services: Services, { name, input, of = (result) => result }: Case): Promise<Given> {
  const items: unknown[] = [];
  try {
    const result = await resultOf(services.ask(name, input as never, NEVER), (item) => items.push(item));
    return { items, result: of(result as never) };
  } catch (error) {
    const { code, message, fields, name } = error as EngineError;
    return { items, error: [name, code, message, fields['hint'] ?? null] };
  }
}

for (const [place, each] of CASES.entries()) {
  test(`${each.name} gives the same here and over the socket (${place + 1})`, async () => {
    const asked = await ask(worker, each);
    const local = await ask(here, each);
    assert.deepEqual(asked, parsed(local));
    assert.ok('error' in local || local.items.length > 0 || local.result !== null || MAY_BE_NOTHING.test(each.name));
  });
}

test('the cases are all operations but the one without end', () => {
  const cases = new Set<string>(CASES.map(({ name }) => name));
  assert.deepEqual(
    Object.keys(OPERATIONS).filter((name) => !cases.has(name)),
    ['decisions.follow', 'deliveries.follow'],
  );
});

test('a worker says by which version each of its tasks evaluates, and an asker without one knows nothing of it', async () => {
  const { inForce } = await resultOf(worker.ask('rules.status', {}, NEVER));
  assert.deepEqual(Object.keys(inForce!), ['entities_0', 'entities_1']);
  assert.equal((await resultOf(here.ask('rules.status', {}, NEVER))).inForce, null);
});

test('a worker ends the flows that are cancelled, of one entity and of all, and says by whom', async () => {
  const ends = async () => {
    const all: [string, string, string | null][] = [];
    for await (const flow of worker.ask('flows.list', { rule: 'slow' }, NEVER)) {
      const { entity, ended } = flow;
      if (ended !== null) all.push([entity.id, ended.reason, ended.by]);
    }
    return all.sort();
  };
  await until(async () => (await ends()).length === 1, { message: 'the one that was cancelled above ends' });
  assert.deepEqual(await ends(), [['u2', 'cancelled', 'ann']]);
  const { cancelled } = await resultOf(worker.ask('flows.cancel', { rule: 'slow', all: true, by: 'bob' }, NEVER));
  // u3 has one in each task, and only one of them is where its id belongs.
  assert.equal(cancelled, 3);
  await until(async () => (await ends()).length === 3, { message: 'those of all end' });
  assert.deepEqual(await ends(), [
    ['u1', 'cancelled', 'bob'],
    ['u2', 'cancelled', 'ann'],
    ['u3', 'cancelled', 'bob'],
  ]);
});

test('decisions are followed as they are made, those before first, until the asker has enough', async () => {
  const enough = new AbortController();
  const answer = worker.ask('decisions.follow', { rule: 'a', limit: 1 }, enough.signal);
  const before = await answer.next();
  assert.equal((before.value as DecisionJson).events[0], 'm4');
  const next = answer.next();
  await feedOne(there.log, 'u9', 'm9');
  const made = (await next).value as DecisionJson;
  assert.deepEqual([made.rule, made.entity.id], ['a', 'u9']);
  enough.abort();
  await assert.rejects(resultOf(answer), { name: 'AbortError' });
});

test('an operation that is not there, or an input it does not take, is a mismatch of versions', async () => {
  const odd = (name: string, input: object) => resultOf(worker.ask(name as 'state.tasks', input as never, NEVER));
  await assert.rejects(odd('state.delete', {}), {
    code: 'TRG_WORKER_MISMATCH',
    message: /does not answer "state.delete"/,
  });
  await assert.rejects(odd('state.tasks', { all: true }), {
    code: 'TRG_WORKER_MISMATCH',
    message: /unknown field "all"/,
  });
});

async function feedOne(log: Log, user: string, messageId: string): Promise<void> {
  const writer = await log.openWriter('feed');
  const message = {
    type: 'track',
    messageId,
    userId: user,
    event: 'x',
    timestamp: new Date(),
    properties: { value: 1 },
  };
  const key = Buffer.from(user);
  const value = Buffer.from(JSON.stringify(message));
  writer.send([{ topic: 'events', partition: 1, timestamp: Date.now(), key, value, headers: [] }]);
  await writer.commit('feed', []);
  await writer.close();
}
