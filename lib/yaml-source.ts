// One YAML (or JSON) document with the place of everything in it, so that mistakes can be reported where they are.
//
// Owns: parsing, places. Does not own: what the document means (schema-check.ts checks its shape).
//
// Invariants:
//   Y1. A message quotes nothing of the document: what cannot be read may be a password that nobody put into quotes.
//   Y2. What YAML would take for something else than text, a tag or a directive, and leave out, is a mistake.

import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Problem } from './problem.ts';

/** What the library warns of, it writes to standard error with the text at hand, which may be a secret; nothing here needs that. */
export const YAML_OPTIONS = { prettyErrors: false, logLevel: 'error' } as const;

/** Names and positions from the document's root down to a value. */
export type Path = readonly (string | number)[];

/** What is wrong, in the library's words without anything of the document (Y1), and what to do about it. */
export function yamlMistake({ name, message }: Error): Pick<Problem, 'message' | 'hint'> {
  const words = message
    .replaceAll('\n', ' ')
    .replace(/: .*$/, '')
    .replace(/^(Invalid escape sequence|Unknown directive) .*$/, '$1');
  const isStrange =
    name === 'YAMLWarning' || name === 'ReferenceError' || /block scalar header|reserved|directive/i.test(words);
  return {
    message: words,
    hint: isStrange ? 'text that begins with * & ! | > @ % or a backtick stands in quotes' : null,
  };
}

export class YamlSource {
  readonly file: string;
  /** Mistakes of the YAML itself; `value` is then not to be used. */
  readonly problems: readonly Problem[];
  /** The document as plain values; null when it is empty. Owned by the caller, who may change it. */
  readonly value: unknown;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;

  constructor(file: string, text: string) {
    this.file = file;
    this.#lines = new LineCounter();
    this.#document = parseDocument(text, { lineCounter: this.#lines, ...YAML_OPTIONS });
    const { errors, warnings } = this.#document;
    const problems: Problem[] = [...errors, ...warnings].map((error) => ({
      file,
      ...this.#placeOf(error.pos[0]),
      ...yamlMistake(error),
    }));
    let value: unknown = null;
    if (problems.length === 0) {
      try {
        value = this.#document.toJS();
      } catch (error) {
        // Aliases that multiply beyond reason, or that point nowhere.
        problems.push({ file, line: 1, column: 1, ...yamlMistake(error as Error) });
      }
    }
    this.value = value;
    this.problems = problems;
  }

  /** Where the value at `path` is, or its name in the mapping around it; where it is missing, the nearest thing around. */
  place(path: Path, part: 'name' | 'value' = 'value'): { line: number; column: number } {
    const offset = part === 'name' ? this.#nameOffset(path) : this.#valueOffset(path);
    if (offset !== undefined) return this.#placeOf(offset);
    return path.length === 0 ? { line: 1, column: 1 } : this.place(path.slice(0, -1), 'name');
  }

  problem(path: Path, part: 'name' | 'value', message: string, hint: string | null = null): Problem {
    return { file: this.file, ...this.place(path, part), message, hint };
  }

  #valueOffset(path: Path): number | undefined {
    const node = path.length === 0 ? this.#document.contents : this.#document.getIn(path, true);
    return (node as { range?: readonly number[] } | null | undefined)?.range?.[0];
  }

  #nameOffset(path: Path): number | undefined {
    const parent = path.length > 1 ? this.#document.getIn(path.slice(0, -1), true) : this.#document.contents;
    if (!isMap(parent)) return this.#valueOffset(path);
    const name = String(path.at(-1));
    const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === name);
    return (pair?.key as { range?: readonly number[] } | undefined)?.range?.[0];
  }

  #placeOf(offset: number): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}
