import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counters } from '../../../lib/counters.ts';
import { RetryableError } from '../../../lib/errors.ts';
import type { DeadLetter } from '../../../schemas/dead-letter.ts';
import type { Message, Processor, ProcessorContext, SourceRecord } from '../../../state/processor.ts';
import type { DocumentSpec, DocumentStore } from '../../../state/store/api.ts';
import { CachedDocumentStore } from '../../../state/store/document-store.ts';
import { MemoryStore } from '../../../state/store/memory-store.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { Topology } from '../../../topology/engine/builder.ts';
import { Caution } from '../../../topology/engine/caution.ts';
import { Task } from '../../../topology/engine/task.ts';
import { deadLetterSink } from '../../../topology/topology.ts';
import { recordingLogger } from '../../connectors/logs/embedded/kit.ts';

interface Tally {
  seen: string[];
  due: number;
}

const spec: DocumentSpec<Tally> = {
  dueBy: 'stream-time',
  dueAt: ({ due }) => due,
  encode: ({ seen, due }, out) => out.text(JSON.stringify([seen, due === Infinity ? null : due])),
  decode: (input) => {
    const [seen, due] = JSON.parse(input.text()) as [string[], number | null];
    return { seen, due: due ?? Infinity };
  },
};

/** Fails in the middle of what it does, after it has written and forwarded. */
class HalfWay implements Processor<SourceRecord> {
  #context!: ProcessorContext;
  #store!: DocumentStore<Tally>;

  init(context: ProcessorContext): void {
    this.#context = context;
    this.#store = context.store('tally');
  }

  process({ value: { record }, timestamp }: Message<SourceRecord>): void {
    const text = Buffer.from(record.value!).toString();
    this.#context.observeTime(timestamp);
    const tally = this.#store.get('all') ?? { seen: [], due: Infinity };
    tally.seen.push(text);
    if (text.startsWith('in')) tally.due = timestamp + Number(text.slice(2));
    this.#store.put('all', tally);
    this.#context.forward({ key: 'all', value: text, timestamp, headers: [] }, 'out');
    if (text === 'fails') throw new TypeError('a bug that quotes somebody@example.com');
  }

  due(key: string): void {
    this.#store.get(key)!.seen.push('due');
    throw new RangeError('another');
  }
}

function task({ isOn }: { isOn: boolean }) {
  const out: string[] = [];
  const dead: DeadLetter[] = [];
  const topology = new Topology()
    .addSource('in', { topic: 'texts' })
    .addProcessor('half', () => new HalfWay(), ['in'])
    .addStateStore('tally', { documents: spec, cacheBytes: 1_000_000 }, 'half')
    .addSink<string>('out', { topic: 'out', topics: ['out'], encode: (text) => Buffer.from(text) }, ['half'])
    .addSink('dead-letter', deadLetterSink('dead', {}), ['half']);
  const [part] = topology.subTopologies();
  const clock = new FakeClock();
  const { notices, logger } = recordingLogger();
  const caution = new Caution(clock, logger);
  if (isOn) caution.turnOn();
  const counters = new Counters();
  let marked = 0;
  const documents = new CachedDocumentStore(new MemoryStore(), spec, { cacheBytes: 1_000_000 });
  const made = new Task({
    id: 'half_0',
    partition: 0,
    part: part!,
    inputs: [{ topic: 'texts', partition: 0, upstream: null }],
    outOfOrdernessMs: 0,
    documents,
    counters,
    caution,
    emit: (sink, { value }) => void (sink.name === 'out' ? out.push(value as string) : dead.push(value as DeadLetter)),
    mark: () => (marked = out.length),
    undo: () => (out.length = marked),
  });
  let offset = 0;
  const read = async (text: string, timestamp: number): Promise<void> => {
    const record = { offset: offset++, timestamp, key: null, value: Buffer.from(text), headers: [] };
    if (made.read(0, record)) await made.settle();
  };
  const advance = async (): Promise<void> => {
    if (made.advanceWall(1_000_000)) await made.settle();
  };
  return { advance, read, out, dead, documents, caution, notices, counters, clock };
}

test('the first bug costs a restart of the engine, which is careful from then on (X4)', async () => {
  const { read, caution } = task({ isOn: false });
  await read('one', 1);
  await assert.rejects(read('fails', 2), (error) => error instanceof RetryableError && error.code === 'TRG_INTERNAL');
  assert.equal(caution.isOn, true);
});

test('a record whose processing fails by a bug is a dead letter and leaves nothing else (X4)', async () => {
  const { read, out, dead, documents, notices, clock, counters } = task({ isOn: true });
  await read('one', 1);
  await read('fails', 2);
  await read('two', 3);
  assert.deepEqual(out, ['one', 'two']);
  assert.deepEqual(documents.get('all')?.seen, ['one', 'two']);
  assert.deepEqual(
    dead.map(({ offset, reason }) => [offset, reason]),
    [[1, 'TRG_INTERNAL']],
  );
  assert.deepEqual(counters.toJSON(), { 'dead-letter{reason=TRG_INTERNAL}': 1 });
  assert.doesNotMatch(dead[0]!.message + JSON.stringify(notices), /somebody@example/);
  await read('fails', 4);
  assert.equal(notices.length, 1, 'once a minute');
  await clock.advance(60_000);
  await read('fails', 5);
  assert.deepEqual(
    notices.map(({ level, fields }) => [level, fields['unreported']]),
    [
      ['error', 0],
      ['error', 1],
    ],
  );
});

test('a deadline that fails by a bug is passed over, and its document is as before (X4)', async () => {
  const { read, out, documents, counters, advance } = task({ isOn: true });
  await advance();
  await read('in5', 1);
  await read('two', 7);
  await read('three', 8);
  assert.deepEqual(out, ['in5', 'two', 'three']);
  assert.deepEqual(documents.get('all')?.seen, ['in5', 'two', 'three']);
  assert.ok(Object.keys(counters.toJSON()).some((name) => name.startsWith('deadline-failed')));
});
