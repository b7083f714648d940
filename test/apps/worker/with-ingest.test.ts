import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { request } from 'undici';
import { withIngest } from '../../../apps/worker/with-ingest.ts';
import { openEmbeddedLog } from '../../../connectors/logs/embedded/index.ts';
import { systemClock } from '../../../lib/clock.ts';
import { FatalError } from '../../../lib/errors.ts';
import { until } from '../../../testing/until.ts';
import { basic, configWith, silent, TestedLog, TOPIC } from '../http/ingest/kit.ts';

const HTTP = 'http: { port: 0, writeKeys: [k1] }';

async function setUp(t: TestContext, http: string) {
  const config = configWith(t, `application: shop\n${http}\n`);
  const log = new TestedLog(await openEmbeddedLog({ dir: join(config.dataDir, 'log'), clock: systemClock }));
  t.after(() => log.close());
  await log.admin.createTopics([{ topic: TOPIC, partitions: 1 }]);
  const url = Promise.withResolvers<string>();
  const logger = { ...silent, info: (fields: Record<string, unknown>) => url.resolve(String(fields['url'])) };
  return { options: { config, log, clock: systemClock, logger }, log, url: url.promise };
}

async function statusOf(url: string): Promise<number | undefined> {
  try {
    const { statusCode, body } = await request(url);
    await body.dump();
    return statusCode;
  } catch {
    return undefined;
  }
}

async function post(url: string): Promise<number> {
  const { statusCode, body } = await request(`${url}/v1/track`, {
    method: 'POST',
    headers: { authorization: basic('k1') },
    body: '{"userId":"u1","event":"x"}',
  });
  await body.dump();
  return statusCode;
}

test('events are taken before the engine runs, and the process is ready once it does', async (t) => {
  const { options, url } = await setUp(t, HTTP);
  const stop = new AbortController();
  const running = Promise.withResolvers<void>();
  const ran = withIngest(options, stop.signal, async (signal, onRunning) => {
    await running.promise;
    onRunning();
    if (!signal.aborted) await once(signal, 'abort');
  });
  assert.equal(await post(await url), 200);
  assert.equal(await statusOf(`${await url}/health/ready`), 503);
  running.resolve();
  const ready = `${await url}/health/ready`;
  await until(async () => (await statusOf(ready)) === 200, { message: 'it is ready' });
  stop.abort();
  await ran;
});

test('on a stop the API has ended before the engine is told to', async (t) => {
  const { options, url } = await setUp(t, HTTP);
  const stop = new AbortController();
  let seen: number | undefined = 200;
  const ran = withIngest(options, stop.signal, async (signal) => {
    await once(signal, 'abort');
    seen = await statusOf(`${await url}/health/live`);
  });
  assert.equal(await statusOf(`${await url}/health/live`), 200);
  stop.abort();
  await ran;
  assert.equal(seen, undefined);
});

test('an engine that fails for good takes the API with it', async (t) => {
  const { options, url } = await setUp(t, HTTP);
  const failed = new FatalError('TRG_STATE_CORRUPT', 'damaged');
  const ran = withIngest(options, new AbortController().signal, () => Promise.reject(failed));
  await assert.rejects(ran, failed);
  assert.equal(await statusOf(`${await url}/health/live`), undefined);
});

test('a log that fails for good stops the engine, and its error is thrown', async (t) => {
  const { options, log, url } = await setUp(t, HTTP);
  const failed = new FatalError('TRG_LOG_CORRUPT', 'damaged');
  log.commitErrors.push(failed);
  let stopped = false;
  const ran = withIngest(options, new AbortController().signal, async (signal) => {
    await once(signal, 'abort');
    stopped = true;
  });
  const thrown = assert.rejects(ran, failed);
  assert.equal(await post(await url), 503);
  await thrown;
  assert.equal(stopped, true);
});

test('without http the engine runs alone', async (t) => {
  const { options, log } = await setUp(t, '');
  const said: unknown[] = [];
  const logger = { ...silent, info: (fields: object) => said.push(fields) };
  let ran = false;
  await withIngest({ ...options, logger }, new AbortController().signal, async () => {
    ran = true;
  });
  assert.equal(ran, true);
  assert.deepEqual([said, log.writers], [[], 0]);
});
