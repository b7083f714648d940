// Runs a topology on a log in memory with a clock of the test's: pipe input, let it process, read output, advance time,
// look into stores, crash and restart at any await. In the manner of Kafka Streams' TopologyTestDriver, on the production
// runtime.

import { Counters } from '../lib/counters.ts';
import { FencedError, RetryableError } from '../lib/errors.ts';
import { partitionOf } from '../lib/murmur2.ts';
import type { LogRecord, NewRecord, RecordHeader } from '../schemas/record.ts';
import type { KeyValueStore } from '../state/store/api.ts';
import { documentKey } from '../state/store/key-codec.ts';
import { MemoryStore } from '../state/store/memory-store.ts';
import type { Topology } from '../topology/engine/builder.ts';
import { Caution } from '../topology/engine/caution.ts';
import type { CommitInterval } from '../topology/engine/committer.ts';
import type { EngineThread } from '../topology/engine/engine-thread.ts';
import { openEngine } from '../topology/engine/open-engine.ts';
import type { Log, TopicPartition } from '../topology/engine/ports.ts';
import { requiredTopics } from '../topology/topics.ts';
import { CrashError, CrashPoints } from './crash-points.ts';
import { FakeClock } from './fake-clock.ts';
import { MemoryLog } from './memory-log.ts';

export interface TestDriverOptions {
  readonly topology: () => Topology;
  readonly application?: string;
  /** Partitions of every topic. */
  readonly partitions?: number;
  readonly clock?: FakeClock;
  readonly outOfOrdernessMs?: number;
  readonly commitInterval?: CommitInterval;
  readonly fetchBytesMax?: number;
  readonly dirtyBytesMax?: number;
  /**
   * As in a worker: the first bug and each fault that time may mend costs a restart, told here, and processing goes on with care.
   * Left out: they are thrown.
   */
  readonly onFault?: (error: unknown) => void;
  /** Left out: stores are brought up to date at each commit. */
  readonly writeBackMs?: number;
  /** Left out: a log in memory. */
  readonly log?: Log;
  /** Left out: stores in memory, which outlive crashes. */
  readonly openStore?: (taskId: string) => Promise<KeyValueStore>;
}

export interface PipedRecord {
  readonly key: string | null;
  readonly value: Uint8Array | string | null;
  /** Left out: the clock's now. */
  readonly timestamp?: number;
  readonly headers?: readonly RecordHeader[];
  /** Left out: by key. */
  readonly partition?: number;
}

export class TestDriver {
  readonly clock: FakeClock;
  readonly log: Log;
  readonly crashes = new CrashPoints();
  counters = new Counters();
  /** Lives so far: 1 and one more for each crash. */
  lives = 0;
  readonly #options: { topology: () => Topology } & Required<
    Omit<TestDriverOptions, 'log' | 'openStore' | 'clock' | 'topology' | 'onFault'>
  >;
  readonly #openStore: (taskId: string) => Promise<KeyValueStore>;
  readonly #stores = new Map<string, KeyValueStore>();
  readonly #positions = new Map<string, number>();
  readonly #onFault: TestDriverOptions['onFault'];
  readonly #caution: Caution;
  #engine: EngineThread | null = null;
  #piped = 0;

  private constructor(options: TestDriverOptions) {
    this.clock = options.clock ?? new FakeClock();
    this.log = options.log ?? new MemoryLog(this.clock);
    this.#onFault = options.onFault;
    this.#caution = new Caution(this.clock, null);
    this.#openStore = options.openStore ?? (async () => new MemoryStore());
    this.#options = {
      topology: options.topology,
      application: options.application ?? 'test',
      partitions: options.partitions ?? 1,
      outOfOrdernessMs: options.outOfOrdernessMs ?? 5_000,
      commitInterval: options.commitInterval ?? { minMs: 0, maxMs: 0 },
      fetchBytesMax: options.fetchBytesMax ?? 1_000_000,
      dirtyBytesMax: options.dirtyBytesMax ?? 10_000_000,
      writeBackMs: options.writeBackMs ?? 0,
    };
  }

  /** Makes the topics and starts the first life. */
  static async open(options: TestDriverOptions): Promise<TestDriver> {
    const driver = new TestDriver(options);
    const parts = options.topology().subTopologies();
    const { application, partitions } = driver.#options;
    const sources = parts.flatMap((part) => part.sources.map(({ topic }) => ({ topic, partitions })));
    await driver.log.admin.createTopics([...sources, ...requiredTopics(application, parts, partitions)]);
    return driver;
  }

  /** Writes records to a topic, in one transaction. */
  async pipe(topic: string, ...records: readonly PipedRecord[]): Promise<void> {
    const { partitions } = this.#options;
    const writer = await this.log.openWriter(`pipe-${this.#piped++}`);
    writer.send(
      records.map((record): NewRecord => {
        const key = record.key === null ? null : Buffer.from(record.key);
        return {
          topic,
          partition: record.partition ?? (key === null ? 0 : partitionOf(key, partitions)),
          timestamp: record.timestamp ?? this.clock.now(),
          key,
          value: typeof record.value === 'string' ? Buffer.from(record.value) : record.value,
          headers: record.headers ?? [],
        };
      }),
    );
    await writer.commit('pipe', []);
    await writer.close();
  }

  /** Processes and commits until nothing is left to do. After a crash, the next life goes on from what is committed. */
  async run(): Promise<void> {
    for (;;) {
      try {
        const engine = await this.#alive();
        while (await engine.poll(0));
        await engine.commit();
        return;
      } catch (error) {
        await this.#recover(error);
      }
    }
  }

  /** Commits, and brings the stores up to date, as a worker does that is told to stop. */
  async drain(): Promise<void> {
    await (await this.#alive()).drain(0);
  }

  /** One poll; false when there was nothing to do. A crash ends it early. */
  async poll(): Promise<boolean> {
    try {
      return await (await this.#alive()).poll(0);
    } catch (error) {
      await this.#recover(error);
      return true;
    }
  }

  /** What ended a life: the next one begins. Throws what would end a worker. */
  async #recover(error: unknown): Promise<void> {
    if (!(error instanceof CrashError)) {
      const mends = error instanceof RetryableError || error instanceof FencedError;
      if (!mends || this.#onFault === undefined) throw error;
      this.#onFault(error);
    }
    await this.crash();
  }

  /** Drops the running engine as kill -9 would: what was not committed is gone. */
  async crash(): Promise<void> {
    for (const task of this.#engine?.tasks ?? []) task.close();
    this.#engine = null;
    this.crashes.restart();
  }

  /** Loses all state folders; to be called after crash(). */
  loseStores(): void {
    this.#stores.clear();
  }

  /** The next life runs another topology. */
  use(topology: () => Topology): void {
    this.#options.topology = topology;
  }

  async advanceWallClock(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await this.run();
  }

  /** The committed records of a topic, of all partitions, that were not read by this method before. */
  async read(topic: string): Promise<readonly LogRecord[]> {
    const found: LogRecord[] = [];
    for (let partition = 0; partition < this.#options.partitions; partition++) {
      found.push(...(await this.#readPartition({ topic, partition })));
    }
    return found;
  }

  /** The stored bytes of a document, due time included; undefined if there is none. */
  async stored(taskId: string, key: string): Promise<Uint8Array | undefined> {
    return this.#stores.get(taskId)?.get(documentKey(key));
  }

  get streamTime(): number {
    return this.#engine?.tasks[0]?.streamTime ?? -1;
  }

  async close(): Promise<void> {
    await this.#engine?.close();
    await this.log.close();
    for (const store of this.#stores.values()) await store.close();
  }

  async #alive(): Promise<EngineThread> {
    if (this.#engine !== null) return this.#engine;
    this.lives++;
    const { partitions: _partitions, topology, ...options } = this.#options;
    this.#engine = await openEngine({
      ...options,
      log: this.crashes.wrapLog(this.log),
      topology: topology(),
      clock: this.clock,
      counters: this.counters,
      ...(this.#onFault !== undefined && { caution: this.#caution }),
      transactionalId: `${options.application}-0`,
      openStore: async (taskId) => {
        const store = this.#stores.get(taskId) ?? (await this.#openStore(taskId));
        this.#stores.set(taskId, store);
        return this.crashes.wrapStore(store);
      },
    });
    return this.#engine;
  }

  async #readPartition(from: TopicPartition): Promise<readonly LogRecord[]> {
    const name = `${from.topic}/${from.partition}`;
    const { end, first } = await this.log.admin.offsets(from);
    const reader = this.log.openReader();
    const found: LogRecord[] = [];
    let offset = Math.max(this.#positions.get(name) ?? 0, first);
    reader.assign([{ ...from, offset }]);
    while (offset < end) {
      const [fetched] = await reader.read({ maxBytes: 1_000_000, waitMs: 0 });
      found.push(...fetched!.records);
      offset = fetched!.nextOffset;
    }
    await reader.close();
    this.#positions.set(name, offset);
    return found;
  }
}
