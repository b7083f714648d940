// What an expression may cost: no event, however large or odd, may stall a task.
//
// Owns: telling which expressions look at something once for each element of a list, and how much of that is allowed.
// Does not own: macros inside macros (analysis.ts, N1), the budget (work.ts).
//
// Invariants:
//   C1. Whatever is not told here takes time in proportion to the event, times the expression's own length, both of which
//       are bounded.
//   C2. An expression that looks at all of something outside for each element, as `items.exists(i, i.sku in
//       profile.wishlist)`, is refused on values for which that would be more looks than there is work: it fails, and is
//       counted, like any other failure.
//   C3. Loops over lists that are written out are bounded by what is written.
//   C4. What searches a text, as `matches` and `contains` do, is counted at each call, since that may take far longer than
//       the text is long.

import { Event } from '../../schemas/event.ts';
import type { Json } from '../../schemas/json.ts';
import { FUNCTIONS, MACROS } from './names.ts';
import type { Capture } from './scope.ts';
import type { AstNode } from './tree.ts';
import { work } from './work.ts';

/** Elements times size: 3 ns each at worst, measured, so that so many are a unit of work. */
const LOOKS_A_UNIT = 25;
/** Turns of nested loops over lists that are written out; where they are inside of, or around, a list of the event. */
const LITERAL_TURNS_MAX = 1_000;
const LITERAL_TURNS_INSIDE_MAX = 100;

const SCALARS: ReadonlySet<string> = new Set(['now', 'session']);

/** Methods that count what they do (C4). */
export const SEARCHES: ReadonlySet<string> = new Set(['matches', 'contains', 'indexOf', 'lastIndexOf']);

export interface Cost {
  /** Whether C2 is to be checked before each evaluation. */
  readonly isRepeated: boolean;
  /** Whether it counts its work while it is evaluated (C4). */
  readonly searches: boolean;
  /** The macro whose loops over lists that are written out are too many (C3); null: none. */
  readonly tooManyTurns: AstNode | null;
}

/** Must be asked before the tree is changed. */
export function costOf(root: AstNode): Cost {
  const walk = new CostWalk();
  walk.walk(root);
  return walk;
}

interface Loop {
  readonly name: string;
  /** Elements, where the list is written out; null: it is not. */
  readonly turns: number | null;
}

class CostWalk implements Cost {
  isRepeated = false;
  searches = false;
  tooManyTurns: AstNode | null = null;
  readonly #loops: Loop[] = [];

  walk(node: AstNode): void {
    if (this.#loops.length > 0 && this.#looksAtAll(node)) this.isRepeated = true;
    if (node.op === 'rcall' && SEARCHES.has((node.args as [string])[0])) this.searches = true;
    const macro = macroOf(node);
    if (macro === null) {
      for (const child of childrenOf(node.args)) this.walk(child);
      return;
    }
    this.walk(macro.range);
    this.#loops.push({ name: String(macro.element.args), turns: turnsOf(macro.range) });
    this.#checkTurns(node);
    for (const body of macro.bodies) this.walk(body);
    // A list of lists that are all the same outer one: what is done with it afterwards goes through all of them.
    if (macro.name === 'map' && this.#isOutside(macro.bodies.at(-1)!)) this.isRepeated = true;
    this.#loops.pop();
  }

  #checkTurns(node: AstNode): void {
    const literal = this.#loops.filter(({ turns }) => turns !== null);
    const turns = literal.reduce((product, loop) => product * Math.max(1, loop.turns!), 1);
    const isInside = literal.length < this.#loops.length;
    if (literal.length > 0 && turns > (isInside ? LITERAL_TURNS_INSIDE_MAX : LITERAL_TURNS_MAX))
      this.tooManyTurns ??= node;
  }

  /** Whether the operation goes through something outside of the loop's element, however large that is. */
  #looksAtAll({ op, args }: AstNode): boolean {
    const operands = args as [AstNode, AstNode];
    if (op === 'in') return this.#isOutside(operands[1]);
    if (op === '==' || op === '!=') return operands.every((operand) => this.#isOutside(operand));
    if (op === '+') return operands.some((operand) => this.#isOutside(operand));
    if (op === 'call') {
      const [name, values] = args as [string, AstNode[]];
      if (name === 'has' || Object.hasOwn(FUNCTIONS, name)) return false;
      return values.some((value) => this.#isOutside(value));
    }
    if (op !== 'rcall') return false;
    const [name, receiver, values] = args as [string, AstNode, AstNode[]];
    if (Object.hasOwn(MACROS, name)) return false;
    return [receiver, ...values].some((value) => this.#isOutside(value));
  }

  /** Whether it reads something that is neither the element of a loop, nor written out, nor a scalar. */
  #isOutside(node: AstNode): boolean {
    if (node.op === 'id') {
      const name = node.args as string;
      return !SCALARS.has(name) && !this.#loops.some((loop) => loop.name === name);
    }
    return childrenOf(node.args).some((child) => this.#isOutside(child));
  }
}

/** The parts of a macro's call; null: it is none. */
function macroOf(node: AstNode): { name: string; range: AstNode; element: AstNode; bodies: AstNode[] } | null {
  if (node.op !== 'rcall') return null;
  const [name, range, values] = node.args as [string, AstNode, AstNode[]];
  if (!Object.hasOwn(MACROS, name) || !MACROS[name]!.includes(values.length)) return null;
  const [element, ...bodies] = values;
  return { name, range, element: element!, bodies };
}

function turnsOf(range: AstNode): number | null {
  return range.op === 'list' ? childrenOf(range.args).length : null;
}

function childrenOf(value: unknown): AstNode[] {
  if (Array.isArray(value)) return value.flatMap(childrenOf);
  return typeof value === 'object' && value !== null && 'op' in value ? [value as AstNode] : [];
}

/** False when the elements in what the expression reads, times its size, are too many looks (C2). */
export function looksWithin(values: Iterable<unknown>): boolean {
  let elements = 1;
  let size = 0;
  const add = (value: unknown): void => {
    size++;
    if (typeof value === 'string') size += value.length;
    else if (value instanceof Event) for (const part of [value.properties, value.traits, value.context]) add(part);
    else if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
      const items = Array.isArray(value) ? value : Object.values(value);
      elements += items.length;
      for (const item of items as readonly (Json | Capture)[]) add(item);
    }
  };
  for (const value of values) add(value);
  return work.spend(
    (elements * size) / LOOKS_A_UNIT,
    () => `${elements} elements, looked at in ${size} characters each time, are too many`,
  );
}
