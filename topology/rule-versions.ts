// The versions of the rules that a thread's tasks evaluate with.
//
// Owns: which version is in force for the step at hand, compiling one when a task first needs it. Does not own: when a task
// goes over to another (runtime/task.ts), where versions come from (services/rules/), what compiling is.
//
// Invariants:
//   V1. A version means the same rules for ever, in every task of every thread: tasks of one thread may be at different
//       versions, as after a restart.

import { FatalError } from '../lib/errors.ts';
import type { RuleSet } from '../rules/project/rule-set.ts';
import type { VersionSwitch } from './engine/builder.ts';

export interface RuleVersionsOptions {
  readonly topic: string;
  /** What is in force as long as nothing was published. */
  readonly initial: RuleSet;
  /** The rules of a version; undefined: there is none. Called once for each version that a task is at. */
  readonly compile: (version: number) => RuleSet | undefined;
}

/** Compiled versions kept: the one in force, and those of tasks that have yet to follow. */
const COMPILED_MAX = 8;

export class RuleVersions implements VersionSwitch {
  readonly topic: string;
  readonly initial: RuleSet;
  readonly #compile: RuleVersionsOptions['compile'];
  readonly #compiled = new Map<number, RuleSet>();
  #version = 0;
  #current: RuleSet;
  #newest: number | null = null;

  constructor({ topic, initial, compile }: RuleVersionsOptions) {
    this.topic = topic;
    this.#compile = compile;
    this.initial = initial;
    this.#current = initial;
    this.#compiled.set(0, initial);
  }

  get current(): RuleSet {
    return this.#current;
  }

  /** Version in force; 0: none was published. */
  get version(): number {
    return this.#version;
  }

  get newest(): number | null {
    return this.#newest;
  }

  /** All tasks go over to this version, each before its next step. */
  advance(version: number, rules: RuleSet): void {
    this.#keep(version, rules);
    this.#newest = version;
  }

  /** Throws FatalError TRG_RULES_INVALID for a version that is not there. */
  use(version: number): void {
    if (version === this.#version) return;
    let rules = this.#compiled.get(version);
    if (rules === undefined) {
      rules = this.#compile(version);
      if (rules === undefined) {
        const message = `a task was evaluated with version ${version} of the rules, which is not in ${this.topic} any more`;
        throw new FatalError('TRG_RULES_INVALID', message, { version });
      }
      this.#keep(version, rules);
    }
    this.#version = version;
    this.#current = rules;
  }

  #keep(version: number, rules: RuleSet): void {
    this.#compiled.set(version, rules);
    for (const old of this.#compiled.keys()) {
      if (this.#compiled.size <= COMPILED_MAX) return;
      if (old !== this.#version && old !== this.#newest && old !== version) this.#compiled.delete(old);
    }
  }
}
