// The versions of an application's rules as services see them: what was published, and which of them is in force.
//
// Owns: reading on where the last look ended. Does not own: what a version is (published.ts), compiling (checked-versions.ts).

import type { RulesCheck } from '../../rules/index.ts';
import type { PublishedRules } from '../../schemas/published-rules.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { readPartition } from '../../topology/engine/read-partition.ts';
import type { Config } from '../config/index.ts';
import type { Project } from '../project/load-project.ts';
import type { RulesInForce, RuleVersionsKnown } from '../service-context.ts';
import { CheckedVersions } from './checked-versions.ts';
import { publishedIn, rulesTopicOf } from './published.ts';

export class RuleBook implements RuleVersionsKnown {
  readonly #config: Config;
  readonly #folder: () => Project;
  readonly #published: PublishedRules[] = [];
  readonly #checked: CheckedVersions;
  #next = 0;

  /** `folder`: loads the folder of rules; throws when it has mistakes. */
  constructor(config: Config, folder: () => Project) {
    this.#config = config;
    this.#folder = folder;
    this.#checked = new CheckedVersions([], { config, templates: [] });
  }

  /** Takes in what was published since the last time. */
  async refresh(log: Log): Promise<void> {
    const { topic, application } = rulesTopicOf(this.#config);
    if (!(await log.admin.topics()).has(topic)) return;
    for await (const records of readPartition(log, { topic, partition: 0 }, { from: this.#next })) {
      for (const record of records) {
        const published = publishedIn(record, application);
        if (published !== null && this.#checked.add(published)) this.#published.push(published);
        this.#next = record.offset + 1;
      }
    }
  }

  get published(): readonly PublishedRules[] {
    return this.#published;
  }

  version(version: number): RulesCheck | undefined {
    return this.#checked.check(version);
  }

  ofTask(version: number): RulesCheck {
    return (version === 0 ? undefined : this.#checked.check(version)) ?? this.#folder().rules;
  }

  inForce(): RulesInForce {
    for (const { version } of this.#published.toReversed()) {
      const rules = this.#checked.check(version)!;
      if (rules.errors.length === 0) return { version, rules };
    }
    return { version: 0, rules: this.#folder().rules };
  }
}
