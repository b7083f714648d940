// The demo: the shop example on the embedded log, with providers of its own to deliver to (providers.ts).
//
// Owns: feeding the sample, knowing when all is done. Does not own: how it is shown (narrator.ts), the worker itself.
//
// The sample is fed whole before the worker starts. Fed beside it, the worker would reach the end of its input again and
// again, time would go on to today, and the rest of the sample, two years old, would be late (docs/design.md, Time 2).
//
// Invariants:
//   D1. Everything shown was read from the log's topics, where any other program could read it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readEvents } from '../../connectors/sources/files/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logger.ts';
import { partitionOf } from '../../lib/murmur2.ts';
import { PACKAGE_FOLDER } from '../../lib/package-folder.ts';
import { actionCodec, decisionCodec, deliveryCodec } from '../../schemas/framed.ts';
import type { JsonObject } from '../../schemas/json.ts';
import type { NewRecord } from '../../schemas/record.ts';
import { type Config, loadConfig } from '../../services/config/index.ts';
import { TopicTail } from '../../services/topics/read-topic.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { actionsTopic, publicTopics } from '../../topology/topics.ts';
import { runWorker } from '../worker/worker.ts';
import { type DemoSummary, Narrator } from './narrator.ts';
import { type DemoProviders, startProviders, TWILIO } from './providers.ts';
import { vipConsent, vipEvents } from './vips.ts';

export interface DemoOptions {
  readonly clock: Clock;
  readonly write: (line: string) => void;
  /** Where the log and state go, and stay; null: a temporary folder that is removed. */
  readonly dataDir: string | null;
}

const EXAMPLE = fileURLToPath(new URL('examples/shop/', PACKAGE_FOLDER));

/** The secret of a webhook receiver that lives as long as the demo, on this machine alone. */
const WEBHOOK_SECRET = `whsec_${Buffer.from('tripline demo, not a secret').toString('base64')}`;
const CHANNELS = ['email', 'webhook', 'sms', 'push', 'inapp'] as const;
/** Nothing new for so long, with everything delivered, is the end: several commit intervals. */
const QUIET_MS = 700;
const TAIL_MS = 100;

/** Runs the demo to its summary; then calls `stay`, while everything is still up. */
export async function runDemo(
  options: DemoOptions,
  signal: AbortSignal,
  stay: (summary: DemoSummary) => Promise<void>,
): Promise<void> {
  const { clock, write } = options;
  const narrator = new Narrator(write);
  const providers = await startProviders(WEBHOOK_SECRET, narrator);
  const temporary = options.dataDir === null ? mkdtempSync(join(tmpdir(), 'tripline-demo-')) : null;
  const stop = new AbortController();
  const end = (): void => stop.abort();
  signal.addEventListener('abort', end, { once: true });
  try {
    const config = demoConfig(options.dataDir ?? temporary!, providers);
    const { mail, hooks, twilio, fcm } = providers;
    write(`mail server on ${mail.host}:${mail.port}, webhook receiver on ${hooks.url}`);
    write(`stand-ins of Twilio on ${twilio.url} and of Firebase on ${fcm.url}`);
    const started = Promise.withResolvers<Log>();
    const logger = createLogger('demo', { write: (line) => narrator.log(line) });
    const beforeRunning = (log: Log) => feed(log, config, clock, narrator);
    const worker = runWorker({ config, logger, clock, beforeRunning, onRunning: started.resolve }, stop.signal);
    await Promise.race([started.promise.then((log) => show(config, log, clock, narrator, stop.signal)), worker]);
    if (!signal.aborted) {
      narrator.received({ texts: twilio.messages.length, pushes: fcm.messages.length });
      await stay(narrator.summary());
    }
    end();
    await worker;
  } finally {
    end();
    await providers.close();
    if (temporary !== null) rmSync(temporary, { recursive: true, force: true });
  }
}

/** The example's own configuration, with this run's folder and providers. */
function demoConfig(dataDir: string, { mail, hooks, twilio, fcm }: DemoProviders): Config {
  const { config } = loadConfig({
    file: join(EXAMPLE, 'tripline.yaml'),
    folder: EXAMPLE,
    env: {
      WEBHOOK_SECRET,
      WRITE_KEY: 'demo',
      TRIPLINE_DATA_DIR: dataDir,
      TRIPLINE_CHANNELS_EMAIL_PORT: String(mail.port),
      TRIPLINE_CHANNELS_WEBHOOK_URL: hooks.url,
      TRIPLINE_CHANNELS_SMS: setting({ ...TWILIO, url: twilio.url, from: '+12025550100', allowPrivate: true }),
      TRIPLINE_CHANNELS_PUSH: setting({
        fcm: { serviceAccount: fcm.serviceAccount, url: fcm.url, allowPrivate: true },
      }),
      TRIPLINE_CHANNELS_INAPP: setting({ secret: 'demo, not a secret' }),
      TRIPLINE_DELIVERED_ELSEWHERE: '[]',
    },
  });
  // Its events come from the sample: no port of the machine is taken for others.
  return { ...config, http: null };
}

/** As the environment gives a mapping. */
function setting(value: object): string {
  return JSON.stringify(value);
}

/** Follows what comes of the sample until there is no more to come. */
async function show(config: Config, log: Log, clock: Clock, narrator: Narrator, signal: AbortSignal): Promise<void> {
  const { prefix } = config.topics;
  const topics = publicTopics(prefix);
  const tail = await TopicTail.open(log, [
    topics.decisions,
    topics.deliveries,
    ...CHANNELS.map((channel) => actionsTopic(prefix, channel)),
  ]);
  const { topic } = config.sources[0]!;
  try {
    let lastNews = clock.now();
    while (!signal.aborted) {
      const news = await tail.next(TAIL_MS);
      for (const { topic: from, record } of news) {
        if (from === topics.decisions) narrator.decision(decisionCodec.decode(record.value!));
        else if (from === topics.deliveries) narrator.delivery(deliveryCodec.decode(record.value!));
        else narrator.action(actionCodec.decode(record.value!));
      }
      if (news.length > 0) lastNews = clock.now();
      const quiet = clock.now() - lastNews >= QUIET_MS;
      if (quiet && narrator.allSettled && (await isRead(config, log, topic))) return;
    }
  } finally {
    await tail.close();
  }
}

async function feed(log: Log, config: Config, clock: Clock, narrator: Narrator): Promise<void> {
  const topics = await log.admin.topics();
  const recordOf = (topic: string, userId: string, json: object): NewRecord => {
    const key = Buffer.from(userId);
    const partition = partitionOf(key, topics.get(topic)!);
    return { topic, partition, timestamp: clock.now(), key, value: Buffer.from(JSON.stringify(json)), headers: [] };
  };
  const { topic } = config.sources[0]!;
  const eventsOf = (messages: readonly JsonObject[]): NewRecord[] =>
    messages.map((message) => recordOf(topic, String(message['userId']), message));
  const writer = await log.openWriter('demo-feed');
  const batches = readEvents(join(EXAMPLE, 'events.csv.gz'), { mapping: join(EXAMPLE, 'map.yaml') });
  for await (const batch of batches) {
    const messages = batch.flatMap(({ json }) => (json === undefined ? [] : [json]));
    writer.send(eventsOf(messages));
    await writer.commit('demo-feed', []);
    narrator.events(messages);
  }
  const { consentChanges } = publicTopics(config.topics.prefix);
  writer.send(vipConsent(clock.now()).map((change) => recordOf(consentChanges, change.userId, change)));
  writer.send(eventsOf(vipEvents(clock.now())));
  await writer.commit('demo-feed', []);
  await writer.close();
}

/** Whether the worker has read all that was fed. */
async function isRead(config: Config, log: Log, topic: string): Promise<boolean> {
  const count = (await log.admin.topics()).get(topic)!;
  const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }));
  const committed = await log.admin.committed(config.application, partitions);
  const ends = await Promise.all(partitions.map((partition) => log.admin.offsets(partition)));
  return ends.every(({ end }, i) => end === 0 || (committed[i]?.offset ?? 0) >= end);
}
