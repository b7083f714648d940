// A topology in words and as a picture, from the graph itself, so that neither can drift from what runs.

import type { FlowNode, SubTopology, Topology } from './builder.ts';

/** Plain text, a sub-topology a paragraph, in the order in which records flow. */
export function describe(topology: Topology): string {
  const lines: string[] = [];
  topology.subTopologies().forEach((part, i) => {
    lines.push(`Sub-topology ${i}: ${part.name}`);
    for (const source of part.sources) {
      const waits = (source.upstream ?? []).length === 0 ? '' : `, waits for ${source.upstream!.join(', ')}`;
      lines.push(`  Source ${source.name} (topic ${source.topic}${waits})`, ...arrows(source.children));
    }
    for (const processor of part.processors) {
      const store = processor.store === null ? '' : ` (store ${processor.store})`;
      lines.push(`  Processor ${processor.name}${store}`, ...arrows(processor.children));
    }
    for (const sink of part.sinks) lines.push(`  Sink ${sink.name} (${topicsOf(sink.topics)})`);
    lines.push('');
  });
  return lines.join('\n');
}

/** A Mermaid flowchart: topics as cylinders, processors as boxes, stores as rounded boxes. */
export function mermaid(topology: Topology): string {
  const lines = ['flowchart LR'];
  const topics = new Map<string, string>();
  const idOfTopic = (topic: string): string => {
    let id = topics.get(topic);
    if (id === undefined) {
      id = `topic${topics.size}`;
      topics.set(topic, id);
      lines.push(`  ${id}[("${topic}")]`);
    }
    return id;
  };
  topology.subTopologies().forEach((part, i) => {
    const ids = new Map(nodesOf(part).map((node, at) => [node.name, `n${i}_${at}`]));
    lines.push(`  subgraph part${i}["${part.name}"]`);
    for (const { name } of part.processors) lines.push(`    ${ids.get(name)}["${name}"]`);
    if (part.store !== null) {
      lines.push(`    store${i}("${part.store.name}")`, `    ${ids.get(part.store.owner)} <--> store${i}`);
    }
    lines.push('  end');
    for (const node of nodesOf(part)) {
      if (node.kind === 'sink') continue;
      for (const child of node.children) {
        const sink = part.sinks.find(({ name }) => name === child);
        const to = sink === undefined ? [ids.get(child)!] : sink.topics.map(idOfTopic);
        const from = node.kind === 'source' ? idOfTopic(node.topic) : ids.get(node.name)!;
        for (const each of to) lines.push(`  ${from} --> ${each}`);
      }
    }
  });
  return `${lines.join('\n')}\n`;
}

function nodesOf(part: SubTopology): readonly FlowNode[] {
  return [...part.sources, ...part.processors, ...part.sinks];
}

function arrows(children: readonly string[]): string[] {
  return children.length === 0 ? [] : [`    --> ${children.join(', ')}`];
}

function topicsOf(topics: readonly string[]): string {
  return topics.length === 1 ? `topic ${topics[0]}` : `topics ${topics.join(', ')}`;
}
