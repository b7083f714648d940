// Worker processes on an embedded log, and commands beside them: what once needed the worker stopped, what a kill leaves, and a
// worker that hangs.

import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { request } from 'undici';
import { COMMANDS } from '../../../apps/cli/commands/index.ts';
import { createKey } from '../../../services/keys/keys.ts';
import { socketFile } from '../../../services/live/socket-path.ts';
import { until } from '../../../testing/until.ts';
import { WorkerProcess } from '../../../testing/worker-process.ts';
import { folderWith, run } from '../cli/kit.ts';
import { linesOf } from '../cli/shop-project.ts';

const START_MS = 60_000;
const KEY = createKey('test', ['viewer'], null);
const RULES = 'id: cart\nwhen: { absence: { after: { event: add_to_cart }, of: purchase, within: 24h } }\n';

/** A worker that takes events, and commands in its folder. */
async function started(t: TestContext, threads: number) {
  const folder = folderWith(t, { 'rules/cart.yaml': RULES });
  const config = `application: shop\ndataDir: ./data\nthreads: ${threads}\nlog: { partitions: 2 }\nhttp: { port: 0, writeKeys: ["k1"], keys: [{ name: test, hash: "${KEY.hash}", roles: [viewer] }] }\nrules: ./rules\n`;
  const worker = new WorkerProcess({ number: 1, folder, config });
  t.after(() => worker.kill());
  worker.start();
  await worker.untilRunning(START_MS);
  const command = (...words: string[]) => run(words, COMMANDS, folder);
  const urlOf = (): string => worker.log().findLast((line) => line.msg === 'taking events over HTTP')!['url'] as string;
  const get = async (path: string) => {
    const { body } = await request(`${urlOf()}/api${path}`, { headers: { authorization: `Bearer ${KEY.key}` } });
    return JSON.parse(await body.text());
  };
  const track = async (userId: string, event: string): Promise<void> => {
    const url = urlOf();
    const body = JSON.stringify({ userId, event });
    const { statusCode, body: answer } = await request(`${url}/v1/track`, {
      method: 'POST',
      headers: { authorization: 'Bearer k1' },
      body,
    });
    await answer.dump();
    assert.equal(statusCode, 200);
  };
  return { folder, worker, command, get, track };
}

for (const threads of [1, 2]) {
  test(`beside a worker of ${threads} threads, its log locked, all commands work`, { timeout: 180_000 }, async (t) => {
    const { folder, worker, command, get, track } = await started(t, threads);
    for (const user of ['u1', 'u2', 'u3', 'u4']) await track(user, 'add_to_cart');
    for (const user of ['u1', 'u2', 'u3', 'u4']) {
      await until(async () => (await command('state', 'inspect', '--user', user, '--json')).code === 0, {
        message: `the state of ${user} is known`,
      });
    }
    // Its event waits some seconds for earlier ones, and is then with the rule.
    await until(
      async () => {
        const [document] = linesOf((await command('state', 'inspect', '--user', 'u3', '--json')).out);
        assert.deepEqual(document.entity, { type: 'user', id: 'u3' });
        return document.rules[0]?.rule === 'cart' && document.rules[0].known;
      },
      { message: 'the rule waits' },
    );

    writeFileSync(join(folder, 'rules', 'more.yaml'), 'id: more\nwhen: { event: view }\n');
    assert.match((await command('rules', 'status')).out, /folder {3}has changed since/);
    assert.equal((await command('rules', 'publish', '--note', 'more')).out, 'version 2 published: 2 rules\n');
    await until(() => worker.log().some(({ msg }) => msg === 'rules change'), {
      message: 'the worker has taken them over',
    });
    await track('u1', 'view');
    await until(async () => (await command('decisions', '--rule', 'more')).out !== '', {
      message: 'a new rule has decided',
    });
    await track('u2', 'view');
    await until(async () => (await get('/decisions')).decisions.length === 2, {
      message: 'the other one is decided, too',
    });
    const newest = await get('/decisions?limit=1');
    const older = await get(`/decisions?limit=1&cursor=${newest.next}`);
    const ids = [...newest.decisions, ...older.decisions].map(({ rule, entity }) => `${rule} ${entity.id}`);
    assert.deepEqual([ids, older.next], [['more u2', 'more u1'], null]);
    assert.deepEqual((await get('/people/u2')).entity, { type: 'user', id: 'u2' });
    assert.match((await command('rules', 'status')).out, /running {2}.*version 2: /);
    const explained = await command('explain', '--rule', 'more', '--user', 'u1');
    assert.match(explained.out, /1 decision, 1 fired/);
    assert.equal((await command('rules', 'rollback', '1')).out, 'version 3 published: version 1 again\n');
    assert.match((await command('rules', 'list')).out, /\n3 .*rollback .*version 1 again\n$/);

    assert.equal((await command('topics', 'plan')).code, 0);
    assert.match((await command('topics', 'apply')).out, /topics: 0 missing/);
    assert.equal((await command('dlq', 'list')).code, 0);
    assert.equal((await command('dlq', 'replay')).out, 'dead letters replayed: 0\n');
    assert.match((await command('state', 'inspect')).out, /entities_1/);
    assert.match((await command('state', 'export', '--out', 'state.jsonl')).out, /: 4\n$/);

    const unknown = await command('decisions', '--rule', 'crat');
    assert.deepEqual([unknown.code, unknown.out], [1, '']);
    assert.match(unknown.err, /TRG_NAME_UNKNOWN there is no rule "crat"\n {2}did you mean "cart"/);
    // What needs the worker stopped says so.
    assert.match((await command('state', 'inspect', '--local')).err, /TRG_LOG_LOCKED/);
    await worker.stop();
    assert.deepEqual(worker.failures, []);
    assert.equal(existsSync(socketFile(join(folder, 'data'))), false);
  });
}

test('a worker that was killed leaves its socket: commands work without it, and the next worker replaces it', {
  timeout: 180_000,
}, async (t) => {
  const { folder, worker, command, track } = await started(t, 1);
  await track('u1', 'add_to_cart');
  await until(
    async () => {
      return (await command('state', 'inspect', '--user', 'u1')).code === 0;
    },
    { message: 'the state of u1 is known' },
  );
  await worker.kill();
  assert.ok(existsSync(socketFile(join(folder, 'data'))));
  const [document] = linesOf((await command('state', 'inspect', '--user', 'u1', '--json')).out);
  assert.equal(document.entity.id, 'u1');
  assert.equal((await command('rules', 'rollback', '1')).code, 0);
  worker.start();
  await worker.untilRunning(START_MS);
  assert.match((await command('rules', 'status')).out, /running {2}.*version|nothing evaluated/);
  await worker.stop();
  assert.deepEqual(worker.failures, []);
});

test('a worker that hangs is said to, with its process, and is waited for no longer than some seconds', {
  timeout: 180_000,
}, async (t) => {
  const { worker, command } = await started(t, 1);
  worker.freeze();
  const { code, out, err } = await command('decisions');
  worker.thaw();
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, new RegExp(`TRG_WORKER_SILENT the worker \\(process ${worker.pid}\\) on .* does not answer`));
  await worker.stop();
});
