// What an entity's document has of each rule, by the rule's id: most have one or two, of which a list is a third of a map.

import type { RuleMemory } from './document.ts';

/** From so many on, looking one up goes by an index. */
const INDEX_FROM = 16;

export class RuleMemories {
  #list: RuleMemory[];
  /** Null until it is needed. */
  #index: Map<string, RuleMemory> | null = null;

  /** Keeps the list. */
  constructor(memories: RuleMemory[] = []) {
    this.#list = memories;
  }

  get size(): number {
    return this.#list.length;
  }

  get(rule: string): RuleMemory | undefined {
    if (this.#list.length >= INDEX_FROM) {
      this.#index ??= new Map(this.#list.map((memory) => [memory.rule, memory]));
      return this.#index.get(rule);
    }
    for (const memory of this.#list) if (memory.rule === rule) return memory;
    return undefined;
  }

  /** Of a rule that has none yet. */
  add(memory: RuleMemory): void {
    // A list that push() grows has room for 17.
    if (this.#list.length === 0) this.#list = [memory];
    else this.#list.push(memory);
    this.#index?.set(memory.rule, memory);
  }

  delete(rule: string): void {
    this.#list = this.#list.filter((memory) => memory.rule !== rule);
    this.#index?.delete(rule);
  }

  /** In the order in which they came; while they are gone through, any may be deleted. */
  values(): readonly RuleMemory[] {
    return this.#list;
  }
}
