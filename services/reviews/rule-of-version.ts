// A rule as it was when it decided: by its id and the version that its records name.

import type { CompiledRule } from '../../rules/project/compiled-rule.ts';
import type { RuleVersionsKnown } from '../service-context.ts';

export class RuleOfVersion {
  readonly #book: RuleVersionsKnown;
  readonly #found = new Map<string, CompiledRule | undefined>();

  constructor(book: RuleVersionsKnown) {
    this.#book = book;
  }

  /** The one in force where that version is not known any more; undefined: the rule is not in force. */
  find(rule: string, version: string): CompiledRule | undefined {
    const key = `${rule}/${version}`;
    if (!this.#found.has(key)) this.#found.set(key, this.#look(rule, version));
    return this.#found.get(key);
  }

  #look(rule: string, version: string): CompiledRule | undefined {
    const now = this.#book.inForce().rules.ruleSet.rule(rule);
    if (now === undefined || now.version === version) return now;
    const published = this.#book.published.findLast(({ rules }) => rules[rule]?.version === version);
    const then = published === undefined ? undefined : this.#book.version(published.version)?.ruleSet.rule(rule);
    return then?.version === version ? then : now;
  }
}
