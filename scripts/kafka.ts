// `make kafka-up` and `make kafka-down`: the broker of the tests, for a developer, without containers.
//
// Owns: the pid file. What runs is testing/kafka; its data is made anew at each start.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openKafkaLog } from '../connectors/logs/kafka/index.ts';
import { systemClock } from '../lib/clock.ts';
import { KAFKA_CACHE } from '../testing/kafka/broker-files.ts';
import { startKafka } from '../testing/kafka/cluster.ts';

const PORT = 9092;
const PID_FILE = join(KAFKA_CACHE, 'up.json');
const FOLDER = join(KAFKA_CACHE, 'up');
const STOP_MS = 30_000;
/** Of examples/shop: a worker makes no topics that others fill. */
const EXAMPLE_TOPIC = { topic: 'events.shop', partitions: 4 };

interface Up {
  readonly bootstrap: readonly string[];
  readonly pids: readonly number[];
}

async function up(): Promise<void> {
  const running = readUp();
  if (running?.pids.some(isBroker) === true) {
    console.log(`Kafka is up at ${running.bootstrap.join(',')}`);
    return;
  }
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const { bootstrap, pids } = await startKafka({ port: PORT, folder: FOLDER, detached: true });
  writeFileSync(PID_FILE, JSON.stringify({ bootstrap, pids } satisfies Up));
  const log = openKafkaLog({ brokers: bootstrap, clientId: 'kafka-up', clock: systemClock });
  await log.admin.createTopics([EXAMPLE_TOPIC]);
  await log.close();
  console.log(
    `Kafka is up at ${bootstrap.join(',')}, with the topic ${EXAMPLE_TOPIC.topic}; stop it with: make kafka-down`,
  );
}

async function down(): Promise<void> {
  const pids = readUp()?.pids.filter(isBroker) ?? [];
  for (const pid of pids) process.kill(pid, 'SIGTERM');
  const until = systemClock.now() + STOP_MS;
  while (pids.some(isBroker)) {
    if (systemClock.now() >= until) for (const pid of pids.filter(isBroker)) process.kill(pid, 'SIGKILL');
    await systemClock.sleep(100);
  }
  rmSync(PID_FILE, { force: true });
  console.log(pids.length === 0 ? 'Kafka was not up' : 'Kafka is down');
}

function readUp(): Up | null {
  try {
    return JSON.parse(readFileSync(PID_FILE, 'utf8')) as Up;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Process ids are used again: only a process that runs a broker from our folder is ours to end. */
function isBroker(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(FOLDER);
  } catch {
    // No /proc here: the pid file is all there is to go by.
    return process.platform !== 'linux';
  }
}

const [command] = process.argv.slice(2);
if (command === 'up') await up();
else if (command === 'down') await down();
else {
  console.error('usage: node scripts/kafka.ts up|down');
  process.exitCode = 2;
}
