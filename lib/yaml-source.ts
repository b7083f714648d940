// One YAML (or JSON) document with the place of everything in it, so that mistakes can be reported where they are.
//
// Owns: parsing, places. Does not own: what the document means (schema-check.ts checks its shape).

import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Problem } from './problem.ts';

/** What the library warns of, it writes to standard error with the text at hand, which may be a secret; nothing here needs that. */
export const YAML_OPTIONS = { prettyErrors: false, logLevel: 'error' } as const;

/** Names and positions from the document's root down to a value. */
export type Path = readonly (string | number)[];

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
    const problems: Problem[] = this.#document.errors.map((error) => ({
      file,
      ...this.#placeOf(error.pos[0]),
      message: error.message,
      hint: null,
    }));
    let value: unknown = null;
    if (problems.length === 0) {
      try {
        value = this.#document.toJS();
      } catch (error) {
        // Aliases that multiply beyond reason, or that point nowhere.
        problems.push({ file, line: 1, column: 1, message: (error as Error).message, hint: null });
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
