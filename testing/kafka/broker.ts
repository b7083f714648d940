// One broker process: its settings, start, kill and stop.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface BrokerPlace {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  /** A second listener for clients, which they are told to reach elsewhere: through a proxy. */
  readonly behindProxy?: { readonly port: number; readonly advertisedPort: number };
  /** Ports of further listeners for clients, by name. */
  readonly listeners?: Readonly<Record<string, number>>;
}

export type ListenerProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_SSL' | 'SASL_PLAINTEXT';

export interface BrokerOptions extends BrokerPlace {
  readonly libraries: string;
  readonly folder: string;
  readonly clusterId: string;
  readonly all: readonly BrokerPlace[];
  /** Settings over the default ones. */
  readonly properties: Readonly<Record<string, string>>;
  /** Listener name and protocol for clients. */
  readonly protocol: ListenerProtocol;
  /** Of the further listeners. */
  readonly protocols: Readonly<Record<string, ListenerProtocol>>;
  readonly detached: boolean;
}

/** Enough for tests, and three of them fit beside a test. */
const HEAP = '384m';
const LOG_TAIL_LINES = 40;

export class Broker {
  readonly #options: BrokerOptions;
  readonly #settings: string;
  readonly logFile: string;
  #child: ChildProcess | null = null;

  /** Writes the settings and formats the folder. Throws when the format tool refuses. */
  constructor(options: BrokerOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true });
    this.#settings = join(options.folder, 'server.properties');
    this.logFile = join(options.folder, 'broker.log');
    writeFileSync(this.#settings, propertiesOf(options));
    // Joined by =: an id may begin with a dash.
    const format = ['format', `--cluster-id=${options.clusterId}`, '-c', this.#settings];
    const args = [...this.#java('kafka.tools.StorageTool'), ...format];
    const { status, stdout, stderr } = spawnSync('java', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`the broker's folder could not be formatted:\n${stdout}${stderr}`);
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  start(): void {
    if (this.isRunning) return;
    const log = openSync(this.logFile, 'a');
    const { detached } = this.#options;
    const args = [...this.#java('kafka.Kafka'), this.#settings];
    this.#child = spawn('java', args, { stdio: ['ignore', log, log], detached });
    if (detached) this.#child.unref();
    closeSync(log);
  }

  /** SIGKILL: nothing is flushed, no leadership handed over. Resolves once the process is gone. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** SIGTERM: a controlled shutdown. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** The end of the broker's own log. */
  logTail(): string {
    return readFileSync(this.logFile, 'utf8').split('\n').slice(-LOG_TAIL_LINES).join('\n');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === null || !this.isRunning) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  #java(main: string): string[] {
    const { libraries } = this.#options;
    const quiet = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-Dorg.slf4j.simpleLogger.showDateTime=true'];
    return [`-Xmx${HEAP}`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=4', ...quiet, '-cp', `${libraries}/*`, main];
  }
}

function propertiesOf(options: BrokerOptions): string {
  const {
    id,
    folder,
    port,
    controllerPort,
    behindProxy,
    listeners = {},
    all,
    protocol,
    protocols,
    properties,
  } = options;
  const more = Object.entries(listeners)
    .map(([name, at]) => `,${name}://127.0.0.1:${at}`)
    .join('');
  const moreProtocols = Object.entries(protocols)
    .map(([name, each]) => `,${name}:${each}`)
    .join('');
  const proxied = (at: number | undefined): string => (at === undefined ? '' : `,PROXIED://127.0.0.1:${at}`);
  const replicas = String(all.length);
  const inSync = String(Math.max(1, all.length - 1));
  const settings: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'controller.quorum.voters': all.map((each) => `${each.id}@127.0.0.1:${each.controllerPort}`).join(','),
    listeners: `CLIENT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}${proxied(behindProxy?.port)}${more}`,
    'advertised.listeners': `CLIENT://127.0.0.1:${port}${proxied(behindProxy?.advertisedPort)}${more}`,
    'listener.security.protocol.map': `CLIENT:${protocol},PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT${moreProtocols}`,
    'inter.broker.listener.name': 'CLIENT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(folder, 'data'),
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'num.partitions': '1',
    'offsets.topic.replication.factor': replicas,
    // Few partitions of the internal topics: a broker is up the sooner.
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    'group.initial.rebalance.delay.ms': '0',
    // A dead broker is noticed in seconds: tests wait for it.
    'broker.heartbeat.interval.ms': '500',
    'broker.session.timeout.ms': '3000',
    // Tests are full of old events, which retention by record time would delete minutes later.
    'log.retention.ms': '-1',
    'log.cleaner.dedupe.buffer.size': String(16 * 1024 * 1024),
    ...properties,
  };
  return `${Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`;
}
