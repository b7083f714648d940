// A real Kafka cluster of one or three brokers, without containers, for tests and for `make kafka-up`.
//
// Owns: ports, folders, waiting until it serves. Does not own: the programs (broker-files.ts), one process (broker.ts).
//
// Invariants:
//   Q1. When startKafka has resolved, every broker is known to every client; when it has thrown, no process is left.
//   Q2. A process of a test that ends takes its brokers along, unless they were started detached.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KafkaOptions, openKafkaLog } from '../../connectors/logs/kafka/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { until } from '../until.ts';
import { Broker, type BrokerPlace, type ListenerProtocol } from './broker.ts';
import { brokerLibraries } from './broker-files.ts';
import { KafkaProxy } from './proxy.ts';

export interface StartOptions {
  readonly brokers?: 1 | 3;
  /** Of the first broker; free ones are looked for when left out. */
  readonly port?: number;
  /** Settings over the default ones. */
  readonly properties?: Readonly<Record<string, string>>;
  /** For clients: the protocol of their listener, with what the harness itself needs to connect. */
  readonly protocol?: ListenerProtocol;
  readonly tls?: NonNullable<KafkaOptions['tls']>;
  readonly sasl?: NonNullable<KafkaOptions['sasl']>;
  /** Kept after stop, if given; otherwise a temporary one that stop removes. */
  readonly folder?: string;
  /** True: the brokers outlive this process. */
  readonly detached?: boolean;
  /** True: each broker also has a listener behind a proxy (`proxies`). */
  readonly proxied?: boolean;
  /** Further listeners for clients, by name: they find their settings in `properties` (`listener.name.<name>.…`). */
  readonly listeners?: Readonly<Record<string, ListenerProtocol>>;
}

export interface KafkaCluster {
  /** `host:port` of every broker. */
  readonly bootstrap: readonly string[];
  /** The same of the further listeners. */
  readonly listeners: Readonly<Record<string, readonly string[]>>;
  /** In the order of `bootstrap`: clients that begin with these ports never get past them. Empty unless `proxied`. */
  readonly proxies: readonly KafkaProxy[];
  readonly pids: readonly number[];
  /** SIGKILL; resolves once the process is gone. */
  kill(broker: number): Promise<void>;
  /** SIGTERM: leadership is handed over first. */
  shutDown(broker: number): Promise<void>;
  /** Starts it again if it was killed, else stops it first; resolves once the cluster has it back. */
  restart(broker: number): Promise<void>;
  stop(): Promise<void>;
}

/** Seconds on a machine that does nothing else, minutes on one that is busy. */
const READY_MS = 180_000;
const HOST = '127.0.0.1';

/** Throws when Java or Maven is missing, or when the cluster does not come up, with the end of its brokers' logs. */
export async function startKafka(options: StartOptions = {}): Promise<KafkaCluster> {
  const { brokers: count = 1, properties = {}, protocol = 'PLAINTEXT', detached = false } = options;
  const protocols = options.listeners ?? {};
  const libraries = await brokerLibraries();
  const root = options.folder ?? mkdtempSync(join(tmpdir(), 'tripline-kafka-'));
  const all = await placesFor(count, options.port, options.proxied === true, Object.keys(protocols));
  const clusterId = randomBytes(16).toString('base64url');
  const brokers = all.map((place) => {
    const folder = join(root, `broker-${place.id}`);
    return new Broker({ ...place, all, libraries, folder, clusterId, properties, protocol, protocols, detached });
  });
  const bootstrap = all.map(({ port }) => `${HOST}:${port}`);
  const proxies = await Promise.all(
    all.flatMap(({ behindProxy: at }) => (at === undefined ? [] : KafkaProxy.open(at.advertisedPort, at.port))),
  );
  const killAll = (): void => {
    for (const { pid, isRunning } of brokers) if (pid !== null && isRunning) process.kill(pid, 'SIGKILL');
  };
  if (!detached) process.once('exit', killAll);
  const ready = (): Promise<void> => untilReady(brokers, bootstrap, options);
  const cluster: KafkaCluster = {
    bootstrap,
    listeners: Object.fromEntries(
      Object.keys(protocols).map((name) => [name, all.map(({ listeners }) => `${HOST}:${listeners![name]}`)]),
    ),
    proxies,
    get pids() {
      return brokers.flatMap(({ pid }) => pid ?? []);
    },
    kill: (broker) => brokers[broker]!.kill(),
    shutDown: (broker) => brokers[broker]!.stop(),
    restart: async (broker) => {
      await brokers[broker]!.stop();
      brokers[broker]!.start();
      await ready();
    },
    stop: async () => {
      await Promise.all([...brokers.map((broker) => broker.kill()), ...proxies.map((proxy) => proxy.close())]);
      process.removeListener('exit', killAll);
      if (options.folder === undefined) rmSync(root, { recursive: true, force: true });
    },
  };
  try {
    for (const broker of brokers) broker.start();
    await ready();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

/** Asks until every running broker is in the metadata and topics can be listed. */
async function untilReady(
  brokers: readonly Broker[],
  bootstrap: readonly string[],
  options: StartOptions,
): Promise<void> {
  const started = brokers.filter(({ isRunning }) => isRunning);
  const { tls, sasl } = options;
  const log = openKafkaLog({
    brokers: bootstrap,
    clientId: 'kafka-ready',
    clock: systemClock,
    patienceMs: 0,
    ...(tls !== undefined && { tls }),
    ...(sasl !== undefined && { sasl }),
  });
  let last: unknown = 'not asked';
  const isReady = async (): Promise<boolean> => {
    const dead = started.find(({ isRunning }) => !isRunning);
    if (dead !== undefined) throw new Error(`a broker ended:\n${dead.logTail()}`);
    try {
      const up = await log.brokers();
      await log.admin.topics();
      last = `${up.length} of ${started.length} brokers are up`;
      return up.length >= started.length;
    } catch (error) {
      last = error;
      return false;
    }
  };
  const seen = (): string => [String(last), ...brokers.map((broker) => broker.logTail())].join('\n---\n');
  try {
    await until(isReady, { message: 'Kafka is ready', deadlineMs: READY_MS, seen });
  } finally {
    await log.close();
  }
}

async function placesFor(
  count: number,
  port: number | undefined,
  proxied: boolean,
  listeners: readonly string[],
): Promise<BrokerPlace[]> {
  const free = await freePorts(((proxied ? 4 : 2) + listeners.length) * count);
  const next = (): number => free.pop()!;
  return Array.from({ length: count }, (_, id) => ({
    id,
    port: port === undefined ? next() : port + id,
    controllerPort: next(),
    ...(proxied && { behindProxy: { port: next(), advertisedPort: next() } }),
    listeners: Object.fromEntries(listeners.map((name) => [name, next()])),
  }));
}

/** Ports that were free a moment ago: held together, so that they differ, then given back. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
