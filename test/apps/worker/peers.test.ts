// Two workers of one application on a real cluster: each answers for the entities of the other.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { request } from 'undici';
import { runWorker } from '../../../apps/worker/worker.ts';
import { systemClock } from '../../../lib/clock.ts';
import { partitionOf } from '../../../lib/murmur2.ts';
import { loadConfig } from '../../../services/config/index.ts';
import { createKey } from '../../../services/keys/keys.ts';
import { findWorker } from '../../../services/live/client.ts';
import { resultOf } from '../../../services/operation.ts';
import { until } from '../../../testing/until.ts';
import { clusterOfFile, openLog } from '../../connectors/logs/kafka/kit.ts';
import { folderWith } from '../cli/kit.ts';

const cluster = await clusterOfFile();
const PARTITIONS = 4;
const USERS = Array.from({ length: 12 }, (_, i) => `u${i}`);
const KEY = createKey('test', ['viewer'], null);
const NEVER = new AbortController().signal;

async function started(t: TestContext, threads: number) {
  const { name, hash, roles } = KEY;
  const folder = folderWith(t, {
    'tripline.yaml': `application: shop
dataDir: ./data
kafka: { brokers: ["${cluster.bootstrap[0]}"] }
sources: [{ topic: events.shop, keyed: true }]
threads: ${threads}
rules: ./rules
http: { port: 0, keys: [{ name: ${name}, hash: "${hash}", roles: [${roles}] }] }
`,
    'rules/a.yaml': 'id: a\nwhen: { count: { event: x, atLeast: 2, within: 400d } }\n',
  });
  const { config } = loadConfig({ file: 'tripline.yaml', env: {}, folder });
  const running = Promise.withResolvers<void>();
  const serving = Promise.withResolvers<string>();
  const note = (fields: Readonly<Record<string, unknown>>): void => {
    if (typeof fields['url'] === 'string') serving.resolve(fields['url']);
  };
  const stopping = new AbortController();
  const logger = { info: note, warn: () => {}, error: () => {} };
  const ran = runWorker({ config, logger, onRunning: () => running.resolve() }, stopping.signal);
  ran.catch(running.reject);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await ran;
  };
  t.after(stop);
  await running.promise;
  const url = await serving.promise;
  const get = async (path: string, key = KEY.key) => {
    const { statusCode, body } = await request(`${url}${path}`, { headers: { authorization: `Bearer ${key}` } });
    return { status: statusCode, json: JSON.parse(await body.text()) };
  };
  const socket = await findWorker({ dataDir: join(folder, 'data'), application: 'shop', clock: systemClock });
  assert.ok(socket !== null);
  const entity = (id: string) => resultOf(socket.ask('state.entity', { type: 'user', id }, NEVER));
  const tasks = async (): Promise<string[]> => {
    return Object.keys((await resultOf(socket.ask('rules.status', {}, NEVER))).inForce!);
  };
  return { url, get, entity, tasks, stop };
}

test('whichever worker is asked, by socket or over HTTP, answers for everybody, also while tasks move', {
  timeout: 240_000,
}, async (t) => {
  const log = openLog(t, cluster);
  await log.admin.createTopics([{ topic: 'events.shop', partitions: PARTITIONS }]);
  const writer = await log.openWriter('feed');
  writer.send(
    USERS.map((user, i) => {
      const key = Buffer.from(user);
      const timestamp = new Date(systemClock.now() - 60_000).toISOString();
      const message = { type: 'track', messageId: `m${i}`, userId: user, event: 'x', timestamp };
      const value = Buffer.from(JSON.stringify(message));
      // The last one's sender has a partitioner of its own.
      const partition = (partitionOf(key, PARTITIONS) + (i === USERS.length - 1 ? 1 : 0)) % PARTITIONS;
      return { topic: 'events.shop', partition, timestamp: systemClock.now(), key, value, headers: [] };
    }),
  );
  await writer.commit('feed', []);
  await writer.close();
  const first = await started(t, 1);
  for (const user of USERS) {
    await until(async () => (await first.entity(user)).documents.length === 1, { message: `${user} is known` });
  }
  const second = await started(t, 2);
  await until(
    async () => {
      const shared = [await first.tasks(), await second.tasks()];
      return shared.every(({ length }) => length > 0) && shared.flat().length === PARTITIONS;
    },
    { message: 'both have tasks' },
  );
  for (const worker of [first, second]) {
    for (const user of USERS) {
      const { documents, hasTask } = await worker.entity(user);
      assert.deepEqual([documents.length, hasTask], [1, true], user);
      assert.deepEqual(documents[0]!['entity'], { type: 'user', id: user });
      const { status, json } = await worker.get(`/api/people/${user}`);
      assert.deepEqual([status, json], [200, documents[0]]);
    }
    const nobody = await worker.get('/api/people/nobody');
    assert.deepEqual([nobody.status, nobody.json.code], [404, 'TRG_HTTP_NOT_FOUND']);
    assert.deepEqual((await worker.entity('nobody')).documents, []);
  }
  const { json } = await second.get('/api/decisions?limit=5');
  assert.deepEqual(json, { decisions: [], next: null });

  // Nobody who is no member may ask as one.
  const { statusCode, body } = await request(`${first.url}/internal/ask`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY.key}` },
    body: '{}',
  });
  assert.deepEqual([statusCode, JSON.parse(await body.text()).code], [401, 'TRG_HTTP_UNAUTHORIZED']);

  // While the group deals out its tasks anew, an answer may have to be asked for again, but it is never a wrong one.
  const stopped = second.stop();
  let retries = 0;
  for (const user of USERS) {
    await until(
      async () => {
        try {
          assert.equal((await first.entity(user)).documents.length, 1);
          return true;
        } catch (error) {
          const { code } = error as { code: string };
          assert.ok(code === 'TRG_TASK_MOVING' || code === 'TRG_PEER_UNREACHABLE', String(error));
          retries++;
          return false;
        }
      },
      { message: `${user} is known to the one that is left` },
    );
  }
  await stopped;
  t.diagnostic(`asked again: ${retries}`);
  assert.equal((await first.tasks()).length, PARTITIONS);
});
