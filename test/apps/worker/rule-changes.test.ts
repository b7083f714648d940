// A worker whose rules change while it runs.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { explain as explainCommand } from '../../../apps/cli/commands/explain.ts';
import { runWorker } from '../../../apps/worker/worker.ts';
import type { Decision } from '../../../schemas/decision.ts';
import { decisionCodec } from '../../../schemas/framed.ts';
import { loadConfig } from '../../../services/config/index.ts';
import type { Explanation } from '../../../services/explain/explanation.ts';
import { readTopic } from '../../../services/topics/read-topic.ts';
import { until } from '../../../testing/until.ts';
import type { Log } from '../../../topology/engine/ports.ts';
import { folderWith, run } from '../cli/kit.ts';

/** A running worker; stopped after the test. */
async function worker(t: TestContext, threads: number) {
  const folder = folderWith(t, {
    'tripline.yaml': `dataDir: ./data\nthreads: ${threads}\nlog: { partitions: 2 }\nsources: [{ topic: events, keyed: true }]\nrules: ./rules\n`,
    'rules/a.yaml': 'id: a\nwhen: { event: x }\n',
  });
  const { config } = loadConfig({ file: 'tripline.yaml', env: {}, folder });
  const lines: string[] = [];
  const keep = (fields: Readonly<Record<string, unknown>>, message: string): void => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  const stop = new AbortController();
  const running = Promise.withResolvers<Log>();
  let reload: () => void = () => {};
  const ran = runWorker(
    {
      config,
      logger: { info: keep, warn: keep, error: keep },
      onReload: (given) => {
        reload = given;
      },
      onRunning: running.resolve,
    },
    stop.signal,
  );
  ran.catch(running.reject);
  t.after(async () => {
    stop.abort();
    await ran;
  });
  const log = await running.promise;
  return { folder, log, lines, reload: () => reload() };
}

let sent = 0;

async function send(log: Log, user: string, partition: number): Promise<void> {
  const writer = await log.openWriter('test');
  const value = JSON.stringify({
    type: 'track',
    messageId: `m${sent++}`,
    userId: user,
    event: 'x',
    timestamp: new Date(),
  });
  const record = { topic: 'events', partition, timestamp: Date.now(), key: Buffer.from(user), headers: [] };
  writer.send([{ ...record, value: Buffer.from(value) }]);
  await writer.commit('test', []);
  await writer.close();
}

async function decided(log: Log): Promise<Decision[]> {
  const found: Decision[] = [];
  for await (const { value } of readTopic(log, 'tripline.decisions')) found.push(decisionCodec.decode(value!));
  return found;
}

for (const threads of [1, 2]) {
  test(`a folder that has changed comes into force in all tasks of ${threads} threads, without a restart`, async (t) => {
    const { folder, log, lines, reload } = await worker(t, threads);
    const both = async () => {
      await send(log, 'u1', 0);
      await send(log, 'u2', 1);
    };
    await both();
    await until(async () => (await decided(log)).length === 2, { seen: () => lines.join('\n') });
    writeFileSync(join(folder, 'rules', 'a.yaml'), 'id: a\nwhen: { event: x }\nenabled: false\n');
    reload();
    await until(
      async () => {
        await both();
        const made = await decided(log);
        const changed = made.filter(({ outcome }) => outcome === 'suppressed');
        return new Set(changed.map(({ entity }) => entity.id)).size === 2;
      },
      { message: 'the changed rule has decided in both partitions', seen: () => lines.join('\n') },
    );
    const made = await decided(log);
    const versions = new Set(made.map(({ ruleVersion }) => ruleVersion));
    const said = Map.groupBy(made, ({ ruleVersion }) => ruleVersion).values();
    // Both users under each version, and nothing but one outcome under either.
    assert.deepEqual(
      [...said].map((own) =>
        [...new Set(own.map(({ entity, outcome, reason }) => `${entity.id} ${outcome} ${reason}`))].sort(),
      ),
      [
        ['u1 fired null', 'u2 fired null'],
        ['u1 suppressed disabled', 'u2 suppressed disabled'],
      ],
    );
    const explained = await run(['explain', '--rule', 'a', '--user', 'u1', '--json'], [explainCommand], folder);
    assert.equal(explained.code, 0, explained.err);
    const { steps }: Explanation = JSON.parse(explained.out);
    const decisions = steps.filter((step) => step.kind === 'decision');
    assert.deepEqual(new Set(decisions.map(({ ruleVersion }) => ruleVersion)), versions);
    for (const { outcome, gates, recorded } of decisions) {
      const refusing = gates.find(({ verdict }) => verdict === 'refused')?.gate;
      assert.deepEqual([refusing, recorded], [outcome === 'fired' ? undefined : 'enabled', true]);
    }
  });
}

test('a folder with mistakes leaves the rules before in force, and the log says what is wrong', async (t) => {
  const { folder, log, lines, reload } = await worker(t, 1);
  writeFileSync(join(folder, 'rules', 'a.yaml'), 'id: a\nwhen: { evnt: x }\n');
  reload();
  const said = () => lines.some((line) => line.startsWith('the rules before stay in force'));
  await until(said, { message: 'it says that the rules stay', seen: () => lines.join('\n') });
  assert.ok(lines.some((line) => line.startsWith('mistake') && line.includes('"line":2')));
  await send(log, 'u1', 0);
  await until(async () => (await decided(log)).length === 1, { seen: () => lines.join('\n') });
  assert.deepEqual(
    (await decided(log)).map(({ rule, entity, outcome }) => [rule, entity.id, outcome]),
    [['a', 'u1', 'fired']],
  );
});
