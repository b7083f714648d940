// A binary heap of (due, key), one node a key, whose due time can be changed in place.
//
// Invariants:
//   H1. A key is in the heap at most once, so the heap never outgrows the keys it was given.
//   H2. The order is that of the index rows in the store: by due time, then by the key's UTF-8 bytes.

import { assert } from '../../lib/assert.ts';
import { textHash } from '../../lib/text-hash.ts';

export interface DueNode {
  readonly key: string;
  /** textHash() of the key. */
  readonly hash: number;
  due: number;
  /** Position in the heap. */
  at: number;
}

/** Slots of the table of keys, at first: two to the power of something. */
const SLOTS_MIN = 64;

/** Order of the UTF-8 bytes of two strings, without encoding them. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates stand for code points above U+FFFF, which UTF-8 sorts after U+E000..U+FFFF.
    if (x >= 0xd800 && y >= 0xd800) {
      x = x >= 0xe000 ? x - 0x800 : x + 0x2000;
      y = y >= 0xe000 ? y - 0x800 : y + 0x2000;
    }
    return x - y;
  }
  return a.length - b.length;
}

export function compareDue(aDue: number, aKey: string, bDue: number, bKey: string): number {
  return aDue === bDue ? compareUtf8(aKey, bKey) : aDue - bDue;
}

export class DueHeap {
  readonly #nodes: DueNode[] = [];
  /** Due times by position: side by side, they are compared without touching the nodes, which lie all over memory. */
  readonly #dues: number[] = [];
  /** By key: a node stands at its hash, or in the next slot that was free. Never more than half full. */
  #slots: (DueNode | undefined)[] = new Array(SLOTS_MIN).fill(undefined);

  get size(): number {
    return this.#nodes.length;
  }

  /** The earliest node, if any. */
  peek(): DueNode | undefined {
    return this.#nodes[0];
  }

  /** Puts the key at `due`, wherever it was; Infinity takes it out. `hash`: textHash() of the key. */
  set(key: string, due: number, hash = textHash(key)): void {
    const node = this.#slots[this.#slotOf(key, hash)];
    if (node === undefined) {
      if (due === Infinity) return;
      const added = { key, hash, due, at: this.#nodes.length };
      this.#nodes.push(added);
      this.#dues.push(due);
      this.#index(added);
      this.#up(added);
    } else if (due === Infinity) {
      this.#remove(node);
    } else if (node.due !== due) {
      const later = due > node.due;
      node.due = due;
      this.#dues[node.at] = due;
      if (later) this.#down(node);
      else this.#up(node);
    }
  }

  /** Keeps the `count` earliest nodes; returns the last of them. */
  keepFirst(count: number): DueNode | undefined {
    const kept = this.#nodes.toSorted((a, b) => compareDue(a.due, a.key, b.due, b.key)).slice(0, count);
    // A sorted array is a heap.
    this.#rebuild(kept);
    return kept.at(-1);
  }

  #rebuild(kept: readonly DueNode[]): void {
    this.#nodes.length = 0;
    this.#dues.length = 0;
    this.#slots.fill(undefined);
    for (const node of kept) {
      node.at = this.#nodes.length;
      this.#nodes.push(node);
      this.#dues.push(node.due);
      this.#index(node);
    }
  }

  /** The slot of this key's node, or the free one where it belongs. */
  #slotOf(key: string, hash: number): number {
    const slots = this.#slots;
    const last = slots.length - 1;
    for (let slot = hash & last; ; slot = (slot + 1) & last) {
      const node = slots[slot];
      if (node === undefined || (node.hash === hash && node.key === key)) return slot;
    }
  }

  /** Puts a node of #nodes into the table. */
  #index(node: DueNode): void {
    if (2 * this.#nodes.length <= this.#slots.length) {
      this.#slots[this.#slotOf(node.key, node.hash)] = node;
      return;
    }
    this.#slots = new Array(2 * this.#slots.length).fill(undefined);
    for (const each of this.#nodes) this.#slots[this.#slotOf(each.key, each.hash)] = each;
  }

  /** Takes a node out of the table, and moves up those that stood behind it for want of room. */
  #unindex({ key, hash }: DueNode): void {
    const slots = this.#slots;
    const last = slots.length - 1;
    let free = this.#slotOf(key, hash);
    assert(slots[free]?.key === key, 'what is in the heap is in the table of keys (H1)');
    slots[free] = undefined;
    for (let slot = (free + 1) & last; ; slot = (slot + 1) & last) {
      const node = slots[slot];
      if (node === undefined) return;
      // It may stand anywhere from its own slot on: nearer is where the free one is, if that is not before its own.
      const isFreeNearer = ((slot - node.hash) & last) >= ((slot - free) & last);
      if (!isFreeNearer) continue;
      slots[free] = node;
      slots[slot] = undefined;
      free = slot;
    }
  }

  #remove(node: DueNode): void {
    this.#unindex(node);
    const last = this.#nodes.pop()!;
    this.#dues.pop();
    if (last === node) return;
    this.#place(last, last.due, node.at);
    this.#up(last);
    this.#down(last);
  }

  #place(node: DueNode, due: number, at: number): void {
    this.#nodes[at] = node;
    this.#dues[at] = due;
    node.at = at;
  }

  /** Whether `node` comes before the one at `at`. */
  #isBefore(node: DueNode, at: number): boolean {
    const due = this.#dues[at]!;
    return node.due === due ? compareUtf8(node.key, this.#nodes[at]!.key) < 0 : node.due < due;
  }

  #up(node: DueNode): void {
    let { at } = node;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      if (!this.#isBefore(node, parentAt)) break;
      this.#place(this.#nodes[parentAt]!, this.#dues[parentAt]!, at);
      at = parentAt;
    }
    this.#place(node, node.due, at);
  }

  #down(node: DueNode): void {
    const dues = this.#dues;
    let { at } = node;
    for (;;) {
      let childAt = 2 * at + 1;
      const right = childAt + 1;
      if (childAt >= dues.length) break;
      if (right < dues.length) {
        const isRightFirst =
          dues[right] === dues[childAt] ? this.#isBefore(this.#nodes[right]!, childAt) : dues[right]! < dues[childAt]!;
        if (isRightFirst) childAt = right;
      }
      if (this.#isBefore(node, childAt)) break;
      this.#place(this.#nodes[childAt]!, dues[childAt]!, at);
      at = childAt;
    }
    this.#place(node, node.due, at);
  }
}
