// A job small enough to see through: every record names a key, its time and when it is due; what comes due goes out.

import { RecordError } from '../../../lib/errors.ts';
import type { LogRecord } from '../../../schemas/record.ts';
import type { Message, Processor, ProcessorContext, SourceRecord } from '../../../state/processor.ts';
import type { DocumentSpec, DocumentStore } from '../../../state/store/api.ts';
import { Topology } from '../../../topology/engine/builder.ts';
import { deadLetterSink } from '../../../topology/topology.ts';

export interface Reminder {
  /** Infinity: handed out. */
  due: number;
}

/** What a record says. Without `key` it is refused, with `fails` its processor has a bug. */
export interface Wish {
  readonly key?: string;
  readonly time: number;
  readonly due?: number;
  readonly fails?: boolean;
}

const reminders: DocumentSpec<Reminder> = {
  dueBy: 'stream-time',
  dueAt: (reminder) => reminder.due,
  encode: ({ due }, out) => out.text(String(due)),
  decode: (input) => ({ due: Number(input.text()) }),
};

class Remind implements Processor<SourceRecord> {
  #context!: ProcessorContext;
  #store!: DocumentStore<Reminder>;

  init(context: ProcessorContext): void {
    this.#context = context;
    this.#store = context.store('reminders');
  }

  process({ value: { record } }: Message<SourceRecord>): void {
    const wish = JSON.parse(Buffer.from(record.value!).toString()) as Wish;
    if (wish.fails === true) throw new TypeError('a bug');
    if (wish.key === undefined) throw new RecordError('TRG_RECORD_INVALID', 'no key');
    this.#context.observeTime(wish.time);
    if (wish.due !== undefined) this.#store.put(wish.key, { due: wish.due });
    else this.#out(wish.key, `saw ${wish.key}`, wish.time);
  }

  due(key: string, at: number): void {
    this.#store.put(key, { due: Infinity });
    this.#out(key, `due ${key}@${at}`, at);
  }

  #out(key: string, value: string, timestamp: number): void {
    this.#context.forward({ key, value, timestamp, headers: [] }, 'out');
  }
}

export function reminderTopology(sources: readonly string[] = ['wishes'], takesRefused = true): Topology {
  const topology = new Topology();
  for (const topic of sources) topology.addSource(`in ${topic}`, { topic });
  const parents = sources.map((topic) => `in ${topic}`);
  topology
    .addProcessor('remind', () => new Remind(), parents)
    .addStateStore('reminders', { documents: reminders, cacheBytes: 1_000_000 }, 'remind')
    .addSink<string>('out', { topic: 'out', topics: ['out'], encode: (text) => Buffer.from(text) }, ['remind']);
  if (takesRefused) topology.addSink('dead-letter', deadLetterSink('dead', {}), ['remind']);
  return topology;
}

export function wishRecord(offset: number, wish: Wish): LogRecord {
  return { offset, timestamp: wish.time, key: null, value: Buffer.from(JSON.stringify(wish)), headers: [] };
}
