// Published versions of the rules, checked and compiled as far as somebody asks for one.

import type { RulesCheck } from '../../rules/index.ts';
import type { PublishedRules } from '../../schemas/published-rules.ts';
import { type CheckFilesOptions, checkFiles } from '../project/load-project.ts';

/** How many versions a version looks back for rules by which flows finish (`inFlight`). */
const VERSIONS_BACK_MAX = 10;
const FINISH = 'finish';

export class CheckedVersions {
  readonly #options: CheckFilesOptions;
  readonly #published: Map<number, PublishedRules>;
  /** The last one, since each is asked for several times in a row. */
  #last: { readonly version: number; readonly rules: RulesCheck } | null = null;

  constructor(published: readonly PublishedRules[], options: Omit<CheckFilesOptions, 'isLive' | 'since'>) {
    this.#options = options;
    this.#published = new Map(published.map((each) => [each.version, each]));
  }

  /** In ascending order. */
  get versions(): readonly number[] {
    return [...this.#published.keys()];
  }

  /** False when it is known already. */
  add(published: PublishedRules): boolean {
    if (this.#published.has(published.version)) return false;
    this.#published.set(published.version, published);
    return true;
  }

  /** As a worker sees them; mistakes are in the answer. Undefined: there is no such version. */
  check(version: number): RulesCheck | undefined {
    if (this.#last?.version === version) return this.#last.rules;
    const rules = this.#compile(version, VERSIONS_BACK_MAX);
    if (rules !== undefined) this.#last = { version, rules };
    return rules;
  }

  /** `back`: how many versions before it are compiled too, where flows may finish by them. */
  #compile(version: number, back: number): RulesCheck | undefined {
    const published = this.#published.get(version);
    if (published === undefined) return undefined;
    const since = new Map(Object.entries(published.rules).map(([id, each]) => [id, each.since]));
    const looksBack = back > 0 && this.#mayFinish(version);
    const before = looksBack ? this.#compile(version - 1, back - 1)?.ruleSet : undefined;
    return checkFiles(published.files, { ...this.#options, isLive: true, since, before });
  }

  /** Whether this version, or the one before, says that flows finish by the version that they began with. */
  #mayFinish(version: number): boolean {
    return [version, version - 1].some((each) =>
      this.#published.get(each)?.files.some(({ text }) => text.includes(FINISH)),
    );
  }
}
