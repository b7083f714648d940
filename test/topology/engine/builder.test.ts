import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FatalError } from '../../../lib/errors.ts';
import type { Processor } from '../../../state/processor.ts';
import type { DocumentSpec } from '../../../state/store/api.ts';
import { Topology } from '../../../topology/engine/builder.ts';

const nothing = (): Processor => ({ process: () => {} });

function store(dueBy: DocumentSpec<unknown>['dueBy'] = 'stream-time') {
  const documents: DocumentSpec<unknown> = {
    dueBy,
    dueAt: () => Infinity,
    encode: () => new Uint8Array(0),
    decode: () => ({}),
  };
  return { documents, cacheBytes: 1_000 };
}

function sink(topic: string) {
  return { topic, topics: [topic], encode: () => new Uint8Array(0) };
}

function pipe(topology: Topology, name: string): Topology {
  return topology.addSource(`in ${name}`, { topic: name }).addProcessor(name, nothing, [`in ${name}`]);
}

function refused(build: () => unknown, message: RegExp): void {
  assert.throws(build, (error) => {
    assert.ok(error instanceof FatalError);
    assert.equal(error.code, 'TRG_TOPOLOGY_INVALID');
    assert.match(error.message, message);
    return true;
  });
}

test('a name is used once, whatever it names (B1)', () => {
  const twice = /the name "a" is used twice/;
  refused(() => pipe(new Topology(), 'a').addSource('a', { topic: 't' }), twice);
  refused(() => pipe(new Topology(), 'a').addProcessor('a', nothing, ['in a']), twice);
  refused(() => pipe(new Topology(), 'a').addSink('a', sink('t'), ['a']), twice);
  const stored = pipe(pipe(new Topology(), 'x'), 'y').addStateStore('a', store(), 'x');
  refused(() => stored.addStateStore('a', store(), 'y'), twice);
});

test('a parent must exist and must not be a sink', () => {
  refused(() => new Topology().addProcessor('p', nothing, ['q']), /"p" names the parent "q", which does not exist/);
  refused(() => new Topology().addProcessor('p', nothing, []), /"p" has no parent/);
  const ended = pipe(new Topology(), 'a').addSink('out', sink('t'), ['a']);
  refused(() => ended.addProcessor('b', nothing, ['out']), /"b" names the sink "out" as its parent/);
});

test('a store is given to a processor, and a sub-topology has one (B2)', () => {
  refused(() => pipe(new Topology(), 'a').addStateStore('s', store(), 'in a'), /"in a", which is no processor/);
  refused(() => pipe(new Topology(), 'a').addStateStore('s', store(), 'gone'), /"gone", which is no processor/);
  const two = pipe(new Topology(), 'a').addProcessor('b', nothing, ['a']);
  two.addStateStore('s1', store(), 'a').addStateStore('s2', store(), 'b');
  refused(() => two.subTopologies(), /"s1" and "s2" are in one sub-topology, which has one store/);
});

test('a source must lead to a processor', () => {
  refused(() => new Topology().addSource('a', { topic: 't' }).subTopologies(), /source "a" leads to no processor/);
});

test('what shares a source or a processor is one sub-topology, what shares only a sink’s topic is another', () => {
  const topology = pipe(pipe(pipe(new Topology(), 'a'), 'b'), 'c')
    .addProcessor('both', nothing, ['a', 'b'])
    .addSink('out', sink('t'), ['both'])
    .addSink('other', sink('t'), ['c']);
  const parts = topology.subTopologies();
  assert.deepEqual(
    parts.map((part) => ({
      name: part.name,
      sources: part.sources.map(({ name }) => name),
      processors: part.processors.map(({ name }) => name),
      sinks: part.sinks.map(({ name }) => name),
    })),
    [
      { name: 'a', sources: ['in a', 'in b'], processors: ['a', 'b', 'both'], sinks: ['out'] },
      { name: 'c', sources: ['in c'], processors: ['c'], sinks: ['other'] },
    ],
  );
});

test('a sub-topology is named after its store, and is journaled unless its store runs on the wall clock', () => {
  const topology = pipe(pipe(pipe(new Topology(), 'a'), 'b'), 'c')
    .addStateStore('entities', store(), 'a')
    .addStateStore('outbox', store('wall-time'), 'b');
  assert.deepEqual(
    topology.subTopologies().map(({ name, journaled, store: own }) => [name, journaled, own?.owner ?? null]),
    [
      ['entities', true, 'a'],
      ['outbox', false, 'b'],
      ['c', true, null],
    ],
  );
});
