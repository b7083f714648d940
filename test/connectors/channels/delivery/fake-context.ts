// One connector task without a runtime: real documents over a store in memory, a clock that tests move, I/O that tests
// wait for. A crash forgets everything that was not committed.

import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { Breaker } from '../../../../connectors/channels/delivery/breaker.ts';
import { Deliver, type DeliverOptions } from '../../../../connectors/channels/delivery/deliver.ts';
import type { DeliveryDesk } from '../../../../connectors/channels/delivery/desk.ts';
import { type Outbox, outboxSpec } from '../../../../connectors/channels/delivery/outbox.ts';
import { seededRng } from '../../../../lib/rng.ts';
import type { Action } from '../../../../schemas/action.ts';
import { avroCodec } from '../../../../schemas/codec.ts';
import type { DeadLetter } from '../../../../schemas/dead-letter.ts';
import type { Delivery } from '../../../../schemas/delivery.ts';
import type { RecordHeader } from '../../../../schemas/record.ts';
import type { Message, ProcessorContext } from '../../../../state/processor.ts';
import type { DocumentStore, KeyValueStore } from '../../../../state/store/api.ts';
import { CachedDocumentStore } from '../../../../state/store/document-store.ts';
import { MemoryStore } from '../../../../state/store/memory-store.ts';
import { FakeClock } from '../../../../testing/fake-clock.ts';
import { testDesk, type WrittenFacts, writtenFacts } from './test-desk.ts';

const STORE = 'webhook-outbox';
export const actionCodec = avroCodec<Action>('actions/action');

export { makeAction } from '../../../../testing/sample-action.ts';

type Options = Omit<DeliverOptions, 'rng' | 'decode' | 'store' | 'desk'> & { readonly desk?: Partial<DeliveryDesk> };

export class ConnectorTask implements ProcessorContext {
  readonly taskId = 'connector_0';
  readonly partition = 0;
  readonly clock: FakeClock;
  readonly deliveries: Delivery[] = [];
  readonly deadLetters: DeadLetter[] = [];
  readonly messages: Message<unknown>[] = [];
  readonly counts = new Map<string, number>();
  readonly forwarded = new Map<string, unknown[]>();
  deliver!: Deliver;
  /** How often due() was called. */
  dueCalls = 0;
  /** What is known outside of the task: what the task wrote of it is there once it is committed. */
  readonly facts: WrittenFacts = writtenFacts();
  breaker!: Breaker;
  readonly #options: Options;
  readonly #noted = new Map<string, number>();
  #uncommitted: (() => void)[] = [];
  readonly #disk: KeyValueStore = new MemoryStore();
  #documents!: CachedDocumentStore<Outbox>;
  #running = new Set<Promise<void>>();
  #life = new AbortController();
  #nextOffset = 0;

  constructor(options: Options, clock = new FakeClock()) {
    this.#options = options;
    this.clock = clock;
    this.#start();
  }

  #start(): void {
    this.#life = new AbortController();
    this.#documents = new CachedDocumentStore(this.#disk, outboxSpec, { cacheBytes: 64 * 1024 });
    this.breaker = new Breaker(this.clock, seededRng(2));
    const { clock, breaker } = this;
    const { channel } = this.#options;
    const desk = testDesk({ channel, clock, breaker, facts: this.facts, noted: this.#noted, ...this.#options.desk });
    this.deliver = new Deliver({ store: STORE, rng: seededRng(1), decode: actionCodec.decode, ...this.#options, desk });
    this.deliver.init(this);
  }

  /** Hands the action over as the record at the next offset; returns that offset. */
  read(action: Action, offset = this.#nextOffset++): number {
    this.readBytes(action.entity.id, actionCodec.encode(action), offset);
    return offset;
  }

  readBytes(
    key: string | null,
    value: Uint8Array,
    offset = this.#nextOffset++,
    more: readonly RecordHeader[] = [],
  ): void {
    const headers = [['traceparent', Buffer.from('00-1')] as const, ...more];
    const record = { offset, timestamp: this.clock.now(), key: key === null ? null : Buffer.from(key), value, headers };
    // As the runtime does, which leaves keys to the first processor.
    this.deliver.process({
      key: '',
      value: { topic: 'actions.webhook', partition: 0, record },
      timestamp: record.timestamp,
      headers,
    });
  }

  /** Moves the clock, waking sleepers, then hands over what is due. */
  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await this.callDue();
  }

  async callDue(): Promise<void> {
    for (let calls = 0; ; calls++) {
      assert.ok(calls < 10_000, 'the due index spins');
      const first = this.#documents.peekDue(this.clock.now());
      if (first === null) return;
      if (first === undefined) await this.#documents.loadDue();
      else {
        this.dueCalls++;
        this.deliver.due(first.key, first.due);
      }
    }
  }

  /** What was forwarded to that child. */
  sentTo<Value>(child: string): Value[] {
    return (this.forwarded.get(child) ?? []) as Value[];
  }

  /** Lets attempts begin that may: each asks first whether it may. */
  async begin(): Promise<void> {
    for (let turn = 0; turn < 3; turn++) await setImmediate();
  }

  /** Waits until no send is under way. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Returns how many documents had changed. */
  async commit(): Promise<number> {
    this.deliver.beforeCommit();
    for (const write of this.#uncommitted.splice(0)) write();
    const changed = [...this.#documents.changes()].length;
    this.#documents.committed();
    await this.#documents.writeBack();
    return changed;
  }

  /** The process dies and starts again from the last commit. */
  async crash(): Promise<void> {
    this.#life.abort();
    this.deliver.close();
    this.#running = new Set();
    this.#uncommitted = [];
    this.#start();
    await setImmediate();
  }

  close(): void {
    this.#life.abort();
  }

  outbox(key: string): Outbox | undefined {
    return this.#documents.get(key);
  }

  streamTime(): number {
    return this.clock.now();
  }

  inputTime(): number {
    return this.clock.now();
  }

  wallTime(): number {
    return this.clock.now();
  }

  observeTime(): void {
    throw new Error('a connector has no event time to observe');
  }

  observeWatermark(): void {
    throw new Error('a connector has no upstream task to observe');
  }

  forward(message: Message<unknown>, to?: string): void {
    this.messages.push(message);
    this.forwarded.set(to ?? '', [...(this.forwarded.get(to ?? '') ?? []), message.value]);
    if (to === 'deliveries') this.deliveries.push(message.value as Delivery);
    else if (to === 'dead-letter') this.deadLetters.push(message.value as DeadLetter);
    else if (to === 'channels' || to === 'suppressions') {
      const { key, value, timestamp } = message;
      this.#uncommitted.push(() => this.facts.write(`tripline.${to}`, key, value, timestamp));
    } else if (!['commands', 'messages', 'alerts'].includes(to ?? '')) throw new Error(`no child ${to}`);
  }

  store<Doc>(name: string): DocumentStore<Doc> {
    assert.equal(name, STORE);
    return this.#documents as unknown as DocumentStore<Doc>;
  }

  count(metric: string, labels: Readonly<Record<string, string>> = {}): void {
    const name = [metric, ...Object.values(labels)].join(' ');
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  measure(): void {
    throw new Error('a connector measures its sends beside its task');
  }

  run<Result>(work: (signal: AbortSignal) => Promise<Result>, then: (result: Result) => void): void {
    const { signal } = this.#life;
    const running = this.#running;
    const done: Promise<void> = work(signal).then((result) => {
      running.delete(done);
      if (!signal.aborted) then(result);
    });
    running.add(done);
  }
}
