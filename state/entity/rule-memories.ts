// What an entity's document has of each rule, by the rule's id: most have one or two, of which a list is a third of a map.

import type { Section } from '../../schemas/section.ts';

/** Pattern state of one rule for one value of its `by`; '' where it has none. */
export interface Instance {
  readonly by: string;
  state: Section;
}

export interface RuleMemory {
  readonly rule: string;
  /** Fired decisions, in order of decision; `key` is the cooldown's, '' without one. */
  fired: { readonly key: string; readonly at: number }[];
  /** Latest event time of a fired decision that is no longer in `fired`; -1: none. */
  forgotten: number;
  /** Shape of the rule under which `instances` were made (CompiledRule); left out: not known. */
  shape?: number;
  /** In the order in which they last set a deadline, or came. */
  instances: Instance[];
}

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

  /** The rule's memory, made if there is none. */
  of(rule: string): RuleMemory {
    let memory = this.get(rule);
    if (memory === undefined) {
      memory = { rule, fired: [], forgotten: -1, instances: [] };
      this.add(memory);
    }
    return memory;
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

/** A rule that remembers nothing has no place in the document. */
export function isEmptyMemory(memory: RuleMemory): boolean {
  return memory.fired.length === 0 && memory.instances.length === 0 && memory.forgotten < 0;
}
