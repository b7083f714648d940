// A binary heap of (due, key), one node a key, whose due time can be changed in place.
//
// Invariants:
//   H1. A key is in the heap at most once, so the heap never outgrows the keys it was given.
//   H2. The order is that of the index rows in the store: by due time, then by the key's UTF-8 bytes.

export interface DueNode {
  readonly key: string;
  due: number;
  /** Position in the heap. */
  at: number;
}

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
  readonly #byKey = new Map<string, DueNode>();

  get size(): number {
    return this.#nodes.length;
  }

  /** The earliest node, if any. */
  peek(): DueNode | undefined {
    return this.#nodes[0];
  }

  /** Puts the key at `due`, wherever it was; Infinity takes it out. */
  set(key: string, due: number): void {
    const node = this.#byKey.get(key);
    if (node === undefined) {
      if (due === Infinity) return;
      const added = { key, due, at: this.#nodes.length };
      this.#nodes.push(added);
      this.#dues.push(due);
      this.#byKey.set(key, added);
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

  /** Drops every node that comes after (due, key). */
  dropAfter(due: number, key: string): void {
    this.#rebuild(this.#nodes.filter((node) => compareDue(node.due, node.key, due, key) <= 0));
  }

  /** Keeps the `count` earliest nodes; returns the last of them. */
  keepFirst(count: number): DueNode | undefined {
    const kept = this.#nodes.toSorted((a, b) => compareDue(a.due, a.key, b.due, b.key)).slice(0, count);
    this.#rebuild(kept);
    return kept.at(-1);
  }

  #rebuild(kept: DueNode[]): void {
    if (kept.length === this.#nodes.length) return;
    this.#nodes.length = 0;
    this.#dues.length = 0;
    this.#byKey.clear();
    // A sorted array is a heap.
    kept.sort((a, b) => compareDue(a.due, a.key, b.due, b.key));
    for (const node of kept) {
      node.at = this.#nodes.length;
      this.#nodes.push(node);
      this.#dues.push(node.due);
      this.#byKey.set(node.key, node);
    }
  }

  #remove(node: DueNode): void {
    this.#byKey.delete(node.key);
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
