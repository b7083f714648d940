// The elements of the macros around the part of an expression that is being walked.
//
// Owns: their names, and what a macro inside a macro may run over. Does not own: the walk (analysis.ts).
//
// Invariants:
//   N1. A macro inside a macro runs over a part of the outer one's element, or over a literal list, so that the work is
//       bounded by the size of the event, not by a power of it.

import { type AstNode, childrenOf, rootOf } from './tree.ts';

/** Three levels read an order's lines and their parts; more than that belongs into several rules. */
const MACRO_DEPTH_MAX = 3;

/** What a macro runs over: constants, a part of what is there, or something that was computed. */
type Range = 'literal' | 'part' | 'computed';

export class MacroElements {
  readonly #around: { readonly name: string; readonly range: Range }[] = [];

  /** From here on, `name` is an element of `range`. Returns what is wrong with that; null: nothing. */
  enter(name: string, range: AstNode): { readonly message: string; readonly hint: string | null } | null {
    const kind = this.#rangeOf(range);
    const outer = this.#around.filter((around) => around.range !== 'literal');
    const isComputed = outer.length > 0 && (kind === 'computed' || outer.some((around) => around.range === 'computed'));
    const isTooDeep = this.#around.length >= MACRO_DEPTH_MAX;
    this.#around.push({ name, range: kind });
    if (isComputed) {
      const hint =
        'the inner list must be a part of the outer element, as in items.all(item, item.tags.exists(tag, tag == "x"))';
      return { message: 'this macro inside a macro could take too long', hint };
    }
    return isTooDeep ? { message: `macros may be nested ${MACRO_DEPTH_MAX} deep`, hint: null } : null;
  }

  leave(): void {
    this.#around.pop();
  }

  has(name: string): boolean {
    return this.#around.some((element) => element.name === name);
  }

  /** Whether the value of `node` depends on an element. */
  isUsedIn(node: AstNode): boolean {
    if (node.op === 'id') return this.has(node.args as string);
    return childrenOf(node.args).some((child) => this.isUsedIn(child));
  }

  /** `part`: ranges over this, taken together for all elements around it, are no larger than what is there (N1). */
  #rangeOf(range: AstNode): Range {
    if (range.op === 'list') {
      return childrenOf(range.args).every((item) => item.op === 'value') ? 'literal' : 'computed';
    }
    if (range.op === 'rcall') {
      const [name, receiver] = range.args as [string, AstNode];
      return name === 'filter' ? this.#rangeOf(receiver) : 'computed';
    }
    const root = rootOf(range);
    if (root === null) return 'computed';
    const nearest = this.#around.findLast((around) => around.range !== 'literal');
    return nearest === undefined || nearest.name === root.args ? 'part' : 'computed';
  }
}
