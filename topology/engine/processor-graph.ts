// The processors of one task, joined: a message goes to the children of its node, at once and in order.
//
// Owns: instances and forwarding. Does not own: time, records in and out, commits (task.ts).

import { assert } from '../../lib/assert.ts';
import type { Message, Processor, ProcessorContext, SourceRecord } from '../../state/processor.ts';
import type { DocumentStore } from '../../state/store/api.ts';
import type { SinkNode, SubTopology } from './builder.ts';

/** What the graph asks of its task: everything in ProcessorContext but forwarding, and a place for what reaches a sink. */
export interface GraphHost extends Omit<ProcessorContext, 'forward' | 'store'> {
  readonly documents: DocumentStore<unknown> | null;
  emit(sink: SinkNode, message: Message<unknown>): void;
}

type Receiver = (message: Message<unknown>) => void;

export class ProcessorGraph {
  readonly #receivers = new Map<string, Receiver>();
  readonly #processors = new Map<string, Processor>();
  readonly #storeOwner: Processor | null;

  constructor(part: SubTopology, host: GraphHost) {
    for (const sink of part.sinks) this.#receivers.set(sink.name, (message) => host.emit(sink, message));
    for (const node of part.processors) {
      const processor = node.create() as Processor;
      this.#processors.set(node.name, processor);
      this.#receivers.set(node.name, (message) => processor.process(message));
    }
    for (const node of [...part.sources, ...part.processors]) {
      const refused = new Set(part.sinks.filter((sink) => sink.takesRefused).map((sink) => sink.name));
      const children = node.children
        .filter((child) => !refused.has(child))
        .map((child) => {
          const receiver = this.#receivers.get(child);
          assert(receiver !== undefined, `node ${child} of the topology has no receiver`);
          return receiver;
        });
      if (node.kind === 'source') this.#receivers.set(node.name, toAll(children));
      else this.#processors.get(node.name)!.init?.(contextOf(host, node, toAll(children), this.#receivers));
    }
    this.#storeOwner = part.store === null ? null : this.#processors.get(part.store.owner)!;
  }

  process(source: string, message: Message<SourceRecord>): void {
    this.#receivers.get(source)!(message);
  }

  due(key: string, at: number): void {
    this.#storeOwner!.due!(key, at);
  }

  busy(): boolean {
    for (const processor of this.#processors.values()) if (processor.busy?.() === true) return true;
    return false;
  }

  stop(): void {
    for (const processor of this.#processors.values()) processor.stop?.();
  }

  beforeCommit(): void {
    for (const processor of this.#processors.values()) processor.beforeCommit?.();
  }

  close(): void {
    for (const processor of this.#processors.values()) processor.close?.();
  }
}

/** The first word of a node's name: `dead-letter events.shop` is the dead-letter sink of that source. */
function roleOf(name: string): string {
  const space = name.indexOf(' ');
  return space < 0 ? name : name.slice(0, space);
}

function toAll(children: readonly Receiver[]): Receiver {
  if (children.length === 1) return children[0]!;
  return (message) => {
    for (const child of children) child(message);
  };
}

function contextOf(
  host: GraphHost,
  node: { name: string; children: readonly string[]; store: string | null },
  forwardToAll: Receiver,
  receivers: ReadonlyMap<string, Receiver>,
): ProcessorContext {
  const byRole = new Map(node.children.map((child) => [roleOf(child), receivers.get(child)!]));
  return {
    taskId: host.taskId,
    partition: host.partition,
    streamTime: () => host.streamTime(),
    wallTime: () => host.wallTime(),
    observeTime: (time) => host.observeTime(time),
    observeWatermark: (upstream, time) => host.observeWatermark(upstream, time),
    inputTime: () => host.inputTime(),
    count: (metric, labels) => host.count(metric, labels),
    measure: (metric, since, labels, trace) => host.measure(metric, since, labels, trace),
    run: (work, then, failed) => host.run(work, then, failed),
    store<Doc>(name: string): DocumentStore<Doc> {
      assert(node.store === name && host.documents !== null, `processor ${node.name} was not given the store ${name}`);
      return host.documents as DocumentStore<Doc>;
    },
    forward(message, to) {
      if (to === undefined) {
        forwardToAll(message);
        return;
      }
      const receiver = byRole.get(to);
      assert(receiver !== undefined, `${node.name} forwards to ${to}, which is not its child`);
      receiver(message);
    },
  };
}
