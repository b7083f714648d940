// The topology builder: named sources, processors, stores and sinks, joined into sub-topologies. Kafka Streams' words.
//
// Owns: the graph and its checks. Does not own: running it (runtime/), the job itself (topology.ts).
//
// Invariants:
//   B1. Names are explicit and unique, so state survives a change of the topology.
//   B2. A sub-topology has at most one store: one changelog, one database a task.

import { FatalError } from '../../lib/errors.ts';
import type { LogRecord } from '../../schemas/record.ts';
import type { Processor } from '../../state/processor.ts';
import type { DocumentSpec } from '../../state/store/api.ts';

export interface SourceSpec {
  readonly topic: string;
  /**
   * For a repartition topic: the source topics whose tasks write watermarks to it; stream time waits for all of their
   * partitions (docs/design.md, Time 2). Left out: the records read carry the time themselves. Empty: it brings no events, only
   * what is known of entities, and stream time does not wait for it.
   */
  readonly upstream?: readonly string[];
  /**
   * What must be at hand before this record can be processed, such as its schema: null when it is, else a promise that never
   * rejects, after which it is asked again. Left out: nothing.
   */
  readonly prepare?: (record: LogRecord) => Promise<void> | null;
  /**
   * A topic of our own that others write to, made if it is missing: one that keeps the latest record of each key, one that keeps
   * all for ever, or as long as other topics that others read, or that are ours alone. Left out: it is somebody else's.
   */
  readonly made?: 'compacted' | 'forever' | 'public' | 'internal';
}

export interface SinkSpec<Value = never> {
  /** A topic, or one chosen by the value. */
  readonly topic: string | ((value: Value) => string);
  /** All topics it may write to. */
  readonly topics: readonly string[];
  /** Null: the record says that what stood under its key is no more. */
  readonly encode: (value: Value) => Uint8Array | null;
  readonly headers?: (value: Value) => Readonly<Record<string, string>>;
  /**
   * It takes, as DeadLetter, the records that this sub-topology's processors refuse with RecordError; of what they forward
   * it gets only what names it.
   */
  readonly takesRefused?: boolean;
  /** Values that go to every partition, without a key. */
  readonly toAllPartitions?: (value: Value) => boolean;
}

export interface StoreSpec {
  // biome-ignore lint/suspicious/noExplicitAny: stores of different documents stand side by side in one topology
  readonly documents: DocumentSpec<any>;
  /** Of decoded documents that the tasks of one thread keep together. */
  readonly cacheBytes: number;
  /** How many each task keeps decoded at most, four times a power of two; left out: as decoded-documents.ts has it. */
  readonly atHand?: number;
  /** Where what the task computes by changes while it runs, such as rules. */
  readonly versions?: VersionSwitch | undefined;
}

/** Versions of what a task computes by: which one is in force is a step of its journal (kind `rules`). */
export interface VersionSwitch {
  /** The topic that has them. */
  readonly topic: string;
  /** The version that tasks are to go over to; null: they stay with what their journals say. */
  readonly newest: number | null;
  /** Makes this the version in force, for whichever task takes the next step. 0: none was published yet. */
  use(version: number): void;
}

/** A topic that a processor asks beside its task, whole (global-tables.ts): made if it is missing, and kept for ever. */
export interface TableTopic {
  readonly topic: string;
  readonly compacted: boolean;
  /** Others may read and write it; an internal one is the application's own. */
  readonly isPublic: boolean;
}

export interface SourceNode extends SourceSpec {
  readonly kind: 'source';
  readonly name: string;
  readonly children: string[];
}

export interface ProcessorNode {
  readonly kind: 'processor';
  readonly name: string;
  readonly create: () => Processor<never>;
  readonly children: string[];
  readonly tables: readonly TableTopic[];
  store: string | null;
}

export interface SinkNode extends SinkSpec {
  readonly kind: 'sink';
  readonly name: string;
}

export type FlowNode = SourceNode | ProcessorNode | SinkNode;

export interface SubTopology {
  /** Name of its store, or else of its first processor. */
  readonly name: string;
  readonly sources: readonly SourceNode[];
  readonly processors: readonly ProcessorNode[];
  readonly sinks: readonly SinkNode[];
  readonly store: { readonly name: string; readonly spec: StoreSpec; readonly owner: string } | null;
  readonly tables: readonly TableTopic[];
  /** Its outputs are a pure function of inputs and journal; connectors, which do I/O, are not. */
  readonly journaled: boolean;
}

export class Topology {
  readonly #nodes = new Map<string, FlowNode>();
  readonly #stores = new Map<string, { spec: StoreSpec; owner: string }>();

  addSource(name: string, spec: SourceSpec): this {
    return this.#add({ kind: 'source', name, children: [], ...spec }, []);
  }

  /** `tables`: what it asks beside its task. */
  addProcessor<Value>(
    name: string,
    create: () => Processor<Value>,
    parents: readonly string[],
    tables: readonly TableTopic[] = [],
  ): this {
    return this.#add({ kind: 'processor', name, create, children: [], tables, store: null }, parents);
  }

  /** Gives the processor a store; it is the one whose `due` is called. */
  addStateStore(name: string, spec: StoreSpec, processor: string): this {
    const owner = this.#nodes.get(processor);
    if (owner?.kind !== 'processor') throw invalid(`store "${name}" is given to "${processor}", which is no processor`);
    if (this.#stores.has(name)) throw invalid(`the name "${name}" is used twice`);
    this.#stores.set(name, { spec, owner: processor });
    owner.store = name;
    return this;
  }

  addSink<Value>(name: string, spec: SinkSpec<Value>, parents: readonly string[]): this {
    return this.#add({ kind: 'sink', name, ...(spec as unknown as SinkSpec) }, parents);
  }

  node(name: string): FlowNode | undefined {
    return this.#nodes.get(name);
  }

  /** The connected parts, in order of their first source. Throws FatalError TRG_TOPOLOGY_INVALID. */
  subTopologies(): readonly SubTopology[] {
    const seen = new Set<string>();
    const parts: SubTopology[] = [];
    for (const node of this.#nodes.values()) {
      if (node.kind !== 'source' || seen.has(node.name)) continue;
      const members = this.#connected(node);
      for (const member of members) seen.add(member.name);
      parts.push(this.#part(members));
    }
    for (const node of this.#nodes.values()) {
      if (!seen.has(node.name)) throw invalid(`no source leads to "${node.name}"`);
    }
    return parts;
  }

  #part(members: readonly FlowNode[]): SubTopology {
    const processors = members.filter((node) => node.kind === 'processor');
    const stores = processors.flatMap((node) => (node.store === null ? [] : [node.store]));
    const sources = members.filter((node) => node.kind === 'source');
    if (processors.length === 0) throw invalid(`source "${sources[0]!.name}" leads to no processor`);
    if (stores.length > 1) throw invalid(`"${stores.join('" and "')}" are in one sub-topology, which has one store`);
    const store = stores[0] === undefined ? null : { name: stores[0], ...this.#stores.get(stores[0])! };
    return {
      name: store?.name ?? processors[0]!.name,
      sources,
      processors,
      sinks: members.filter((node) => node.kind === 'sink'),
      store,
      tables: processors.flatMap(({ tables }) => tables),
      journaled: store?.spec.documents.dueBy !== 'wall-time',
    };
  }

  /** All nodes that are joined to this one, in either direction, in order of their being added. */
  #connected(start: FlowNode): readonly FlowNode[] {
    const found = new Set([start.name]);
    let before = 0;
    while (found.size > before) {
      before = found.size;
      for (const node of this.#nodes.values()) {
        if (node.kind === 'sink') continue;
        if (found.has(node.name)) for (const child of node.children) found.add(child);
        else if (node.children.some((child) => found.has(child))) found.add(node.name);
      }
    }
    return [...this.#nodes.values()].filter((node) => found.has(node.name));
  }

  #add(node: FlowNode, parents: readonly string[]): this {
    if (this.#nodes.has(node.name)) throw invalid(`the name "${node.name}" is used twice`);
    if (node.kind !== 'source' && parents.length === 0) throw invalid(`"${node.name}" has no parent`);
    for (const name of parents) {
      const parent = this.#nodes.get(name);
      if (parent === undefined) throw invalid(`"${node.name}" names the parent "${name}", which does not exist`);
      if (parent.kind === 'sink') throw invalid(`"${node.name}" names the sink "${name}" as its parent`);
      parent.children.push(node.name);
    }
    this.#nodes.set(node.name, node);
    return this;
  }
}

function invalid(message: string): FatalError {
  return new FatalError('TRG_TOPOLOGY_INVALID', message);
}
