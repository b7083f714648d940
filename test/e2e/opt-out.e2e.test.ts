// An opt-out that is recorded while thousands of messages lie ready, on Kafka with three workers: none begins after it (I7).

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import { deliveryCodec } from '../../schemas/framed.ts';
import { readTopic } from '../../services/topics/read-topic.ts';
import { until } from '../../testing/until.ts';
import { WorkerProcess } from '../../testing/worker-process.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { startSmtpServer } from '../connectors/channels/email/smtp-server.ts';
import { clusterOfFile, openLog } from '../connectors/logs/kafka/kit.ts';

const cluster = await clusterOfFile();
/** So many as are asked for; `OPT_OUT_PEOPLE=10000` is what was measured. */
const PEOPLE = Number(process.env['OPT_OUT_PEOPLE'] ?? 3_000);
const PARTITIONS = 6;
const WORKERS = 3;
const CONCURRENCY = 2;
const SLOW = { deadlineMs: 400_000 };
const RULE =
  'id: thanks\ncategory: promotions\nwhen: { event: purchase }\nthen: [{ send: { channel: email, template: hello } }]\n';

async function write(log: Log, topic: string, records: readonly (readonly [string, object])[]): Promise<void> {
  const writer = await log.openWriter(`feed-${topic}`);
  for (let from = 0; from < records.length; from += 2_000) {
    writer.send(
      records.slice(from, from + 2_000).map(([name, value]) => {
        const key = Buffer.from(name);
        const partition = partitionOf(key, PARTITIONS);
        return { topic, partition, timestamp: Date.now(), key, value: Buffer.from(JSON.stringify(value)), headers: [] };
      }),
    );
  }
  await writer.commit('feed', []);
  await writer.close();
}

async function endOf(log: Log, topic: string): Promise<number> {
  const places = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }));
  const ends = await Promise.all(places.map((place) => log.admin.offsets(place)));
  return ends.reduce((sum, { end }) => sum + end, 0);
}

test('of thousands of messages that lie ready none begins after the opt-outs were recorded, on three workers', async (t) => {
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
  const log = openLog(t, cluster, { clock: systemClock });
  await log.admin.createTopics([{ topic: 'events.shop', partitions: PARTITIONS }]);
  const people = Array.from({ length: PEOPLE }, (_, i) => `u${i}`);
  const timestamp = new Date().toISOString();
  await write(
    log,
    'events.shop',
    people.flatMap((userId): [string, object][] => [
      [
        userId,
        { type: 'identify', messageId: `i-${userId}`, userId, timestamp, traits: { email: `${userId}@shop.test` } },
      ],
      [userId, { type: 'track', messageId: `m-${userId}`, userId, timestamp, event: 'purchase' }],
    ]),
  );
  const workers = Array.from({ length: WORKERS }, (_, number) => {
    const folder = mkdtempSync(join(tmpdir(), 'tripline-opt-out-'));
    mkdirSync(join(folder, 'rules/templates/hello'), { recursive: true });
    writeFileSync(join(folder, 'rules/rule.yaml'), RULE);
    writeFileSync(join(folder, 'rules/templates/hello/email.liquid'), '---\nsubject: Hello\n---\nThank you.\n');
    const config = `application: shop
dataDir: ./data
kafka: { brokers: ["${cluster.bootstrap[0]}"] }
sources: [{ topic: events.shop, keyed: true }]
outOfOrderness: 0s
rules: ./rules
archive: off
channels:
  email: { host: 127.0.0.1, port: ${smtp.port}, from: "a@shop.test", rate: 30/s, concurrency: ${CONCURRENCY} }
`;
    const worker = new WorkerProcess({ number, folder, config });
    t.after(async () => {
      await worker.kill();
      rmSync(folder, { recursive: true, force: true });
    });
    return worker;
  });
  for (const worker of workers) worker.start();
  const seen = (): string => workers.map((worker) => worker.logTail()).join('\n');
  for (const worker of workers) await worker.untilRunning(SLOW.deadlineMs);
  // Each transaction takes an offset in each of its partitions besides.
  await until(async () => (await endOf(log, 'actions.email')) >= PEOPLE && begun.length >= 60, {
    message: 'all messages lie ready, and some are sent',
    ...SLOW,
    seen,
  });
  await write(
    log,
    'tripline.consent-changes',
    people.map((id) => [id, { userId: id, all: false, source: 'test' }]),
  );
  const recordedAt = performance.now();
  const counts = async (): Promise<Map<string, number>> => {
    const found = new Map<string, number>();
    for await (const { value } of readTopic(log, 'tripline.deliveries')) {
      if (value === null) continue;
      const { outcome, reason } = deliveryCodec.decode(value);
      const name = reason === null ? outcome : `${outcome} ${reason}`;
      found.set(name, (found.get(name) ?? 0) + 1);
    }
    return found;
  };
  const total = async (): Promise<number> => [...(await counts()).values()].reduce((sum, count) => sum + count, 0);
  await until(async () => (await total()) >= PEOPLE, { message: 'all are settled', ...SLOW, seen });
  const late = begun.filter((at) => at > recordedAt).length;
  const settled = await counts();
  t.diagnostic(`${begun.length} begun, ${late} of them on their way when the opt-outs were recorded`);
  assert.ok(late <= CONCURRENCY * PARTITIONS, `${late} messages came after the opt-outs`);
  assert.deepEqual([...settled.keys()].sort(), ['delivered', 'skipped consent']);
  assert.equal(settled.get('delivered'), smtp.taken.length);
  assert.equal(settled.get('delivered')! + settled.get('skipped consent')!, PEOPLE);
  for (const worker of workers) await worker.stop();
  assert.deepEqual(
    workers.flatMap(({ failures }) => failures),
    [],
  );
});
