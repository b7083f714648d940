// The programs of rules by the rules' own versions, of whatever was published and is still readable.

import type { CompiledProgram } from '../../rules/flows/index.ts';
import type { RuleVersionsKnown } from '../service-context.ts';

export class Programs {
  readonly #book: RuleVersionsKnown;
  readonly #known = new Map<string, CompiledProgram | undefined>();

  constructor(book: RuleVersionsKnown) {
    this.#book = book;
  }

  /** Undefined: that version of the rule is not known. */
  of(rule: string, ruleVersion: string): CompiledProgram | undefined {
    const key = `${rule} ${ruleVersion}`;
    if (!this.#known.has(key)) this.#known.set(key, this.#find(rule, ruleVersion));
    return this.#known.get(key);
  }

  #find(rule: string, ruleVersion: string): CompiledProgram | undefined {
    const now = this.#book.inForce().rules.ruleSet.rule(rule);
    if (now?.version === ruleVersion) return now.program;
    const published = this.#book.published.findLast(({ rules }) => rules[rule]?.version === ruleVersion);
    const found = published === undefined ? undefined : this.#book.version(published.version)?.ruleSet.rule(rule);
    return found?.version === ruleVersion ? found.program : undefined;
  }
}
