// Rule files as trees in which everything knows its place. YAML with one or several documents; JSON is YAML.
//
// Owns: reading YAML, places. Does not own: what a document means (shape.ts, compile.ts).
//
// Invariants:
//   Y1. A tree is bounded: aliases are followed, but no document yields more than NODES_MAX nodes.

import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseAllDocuments,
  type Scalar,
} from 'yaml';
import type { Problem } from '../../lib/problem.ts';
import { YAML_OPTIONS } from '../../lib/yaml-source.ts';

/** A rule with its tests has some hundreds; a document of this many was not written as one rule. */
const NODES_MAX = 20_000;
const FILE_LENGTH_MAX = 4_000_000;

export type ScalarValue = string | number | boolean | null;

/** A value of a document. `offset` is where it starts in the file. */
export type SourceNode =
  | { readonly kind: 'map'; readonly offset: number; readonly entries: ReadonlyMap<string, SourceEntry> }
  | { readonly kind: 'list'; readonly offset: number; readonly items: readonly SourceNode[] }
  | {
      readonly kind: 'scalar';
      readonly offset: number;
      readonly value: ScalarValue;
      /** Offset in the file of the text's first character, when the text stands there as it is; else null. */
      readonly textOffset: number | null;
    };

export interface SourceEntry {
  readonly nameOffset: number;
  readonly node: SourceNode;
}

/** Names and positions from a document's root down to a value. */
export type Path = readonly (string | number)[];

/** One document of a file. */
export class SourceDocument {
  readonly file: string;
  readonly root: SourceNode;
  readonly #lines: LineCounter;

  constructor(file: string, root: SourceNode, lines: LineCounter) {
    this.file = file;
    this.root = root;
    this.#lines = lines;
  }

  /** A problem at a place of the file. */
  problemAt(offset: number, message: string, hint: string | null = null): Problem {
    return problemAt(this.file, this.#lines, offset, message, hint);
  }

  /**
   * A problem with the value at `path`, or with what is around it when there is no such value. `textOffset` counts
   * characters into a text; it is used when the text stands in the file as it is.
   */
  problem(path: Path, message: string, hint: string | null = null, textOffset = 0): Problem {
    const { node } = this.#find(path);
    const start = node.kind === 'scalar' && node.textOffset !== null ? node.textOffset + textOffset : node.offset;
    return this.problemAt(start, message, hint);
  }

  place(path: Path): { readonly line: number; readonly column: number } {
    const { line, column } = this.problem(path, '');
    return { line, column };
  }

  /** The value at `path`; undefined when there is none. */
  node(path: Path): SourceNode | undefined {
    const { node, isExact } = this.#find(path);
    return isExact ? node : undefined;
  }

  /** The value at `path`, or the nearest around it. */
  #find(path: Path): { node: SourceNode; isExact: boolean } {
    let node = this.root;
    for (const step of path) {
      const next =
        node.kind === 'map'
          ? node.entries.get(String(step))?.node
          : node.kind === 'list'
            ? node.items[Number(step)]
            : undefined;
      if (next === undefined) return { node, isExact: false };
      node = next;
    }
    return { node, isExact: true };
  }
}

/** Reads a file's documents; those that cannot be read are left out and reported. */
export function parseRuleFile(file: string, text: string): { documents: SourceDocument[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const documents: SourceDocument[] = [];
  const lines = new LineCounter();
  if (text.length > FILE_LENGTH_MAX) {
    problems.push({ file, line: 1, column: 1, message: 'the file is too large for rules', hint: 'limit: 4 MB' });
    return { documents, problems };
  }
  const parsed = parseAllDocuments(text, { lineCounter: lines, ...YAML_OPTIONS, uniqueKeys: true });
  // The library answers an empty stream with a list that has this mark.
  if ('empty' in parsed) return { documents, problems };
  for (const document of parsed as Document.Parsed<ParsedNode>[]) {
    for (const error of document.errors) {
      problems.push(problemAt(file, lines, error.pos[0], error.message.replaceAll('\n', ' '), null));
    }
    for (const warning of document.warnings) {
      problems.push(problemAt(file, lines, warning.pos[0], warning.message.replaceAll('\n', ' '), null));
    }
    // A name given twice is reported; the rest of such a document can still be checked.
    if (document.errors.some((error) => error.code !== 'DUPLICATE_KEY') || document.contents === null) continue;
    if (isScalar(document.contents) && document.contents.value === null) continue;
    const builder = new TreeBuilder(document);
    const root = builder.build(document.contents);
    if (builder.failure !== null)
      problems.push(problemAt(file, lines, builder.failure.offset, builder.failure.message, null));
    else documents.push(new SourceDocument(file, root, lines));
  }
  return { documents, problems };
}

class TreeBuilder {
  failure: { readonly offset: number; readonly message: string } | null = null;
  readonly #document: Document.Parsed<ParsedNode>;
  #nodes = 0;
  /** Aliases being followed, so that one that contains itself ends. */
  readonly #open = new Set<Node>();

  constructor(document: Document.Parsed<ParsedNode>) {
    this.#document = document;
  }

  build(node: Node | null): SourceNode {
    const offset = node?.range?.[0] ?? 0;
    if (this.failure !== null) return nothing(offset);
    if (++this.#nodes > NODES_MAX) return this.#fail(offset, 'the document is too large for one rule');
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      if (target === undefined) return this.#fail(offset, `there is no anchor "${node.source}"`);
      if (this.#open.has(target)) return this.#fail(offset, `the anchor "${node.source}" contains itself`);
      this.#open.add(target);
      const tree = this.build(target);
      this.#open.delete(target);
      return tree;
    }
    if (isMap(node)) {
      const entries = new Map<string, SourceEntry>();
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? String(key.value) : String(key);
        const nameOffset = (key as Node | null)?.range?.[0] ?? offset;
        const child = value === null ? nothing(nameOffset) : this.build(value as Node);
        if (!entries.has(name)) entries.set(name, { nameOffset, node: child });
      }
      return { kind: 'map', offset, entries };
    }
    if (isSeq(node)) return { kind: 'list', offset, items: node.items.map((item) => this.build(item as Node)) };
    return isScalar(node) ? scalarOf(node, offset) : nothing(offset);
  }

  #fail(offset: number, message: string): SourceNode {
    this.failure ??= { offset, message };
    return nothing(offset);
  }
}

function nothing(offset: number): SourceNode {
  return { kind: 'scalar', offset, value: null, textOffset: null };
}

function scalarOf(node: Scalar, offset: number): SourceNode {
  const { value } = node;
  if (typeof value !== 'string') {
    const known = typeof value === 'number' || typeof value === 'boolean' || value === null;
    return { kind: 'scalar', offset, value: known ? value : String(value), textOffset: offset };
  }
  const length = (node.range?.[1] ?? offset) - offset;
  const quoted = node.type === 'QUOTE_SINGLE' || node.type === 'QUOTE_DOUBLE';
  // Equal lengths: no escape, no doubled quote, no fold stands between the text and what it means.
  const verbatim = quoted ? length === value.length + 2 : node.type === 'PLAIN' && length === value.length;
  return { kind: 'scalar', offset, value, textOffset: verbatim ? offset + (quoted ? 1 : 0) : null };
}

function problemAt(file: string, lines: LineCounter, offset: number, message: string, hint: string | null): Problem {
  const { line, col } = lines.linePos(offset);
  return { file, line: Math.max(1, line), column: Math.max(1, col), message, hint };
}
