// The published rules as one engine thread follows them: compiled, and handed to its tasks.
//
// Owns: reading the rules topic for as long as the thread runs, refusing versions that this worker cannot run. Does not own:
// the point at which a task goes over (topology/engine/task.ts).
//
// Invariants:
//   F1. A version that has mistakes here (a template that is not there, a field of a later Tripline) leaves the one before
//       it in force, and the log says so.

import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Log } from '../../topology/engine/ports.ts';
import { RuleVersions } from '../../topology/rule-versions.ts';
import type { Config } from '../config/index.ts';
import { remoteModels } from '../job/job.ts';
import type { Project } from '../project/load-project.ts';
import { TopicTail } from '../topics/read-topic.ts';
import { CheckedVersions } from './checked-versions.ts';
import { publishedIn, readPublished, rulesTopicOf } from './published.ts';

export interface FollowOptions {
  readonly config: Config;
  /** The folder's, with the templates; its rules are in force until something is published. */
  readonly project: Project;
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long a new version may go unnoticed. */
const WAIT_MS = 1_000;

export class FollowedRules {
  readonly versions: RuleVersions;
  /** The project as the version in force at the start has it. */
  readonly project: Project;
  readonly #options: FollowOptions;
  readonly #checked: CheckedVersions;

  private constructor(options: FollowOptions, checked: CheckedVersions) {
    this.#options = options;
    this.#checked = checked;
    const newest = checked.versions.toReversed().find((version) => this.#isRunnable(version));
    const rules = newest === undefined ? options.project.rules : checked.check(newest)!;
    this.project = { ...options.project, rules };
    this.versions = new RuleVersions({
      topic: rulesTopicOf(options.config).topic,
      initial: rules.ruleSet,
      compile: (version) => checked.check(version)?.ruleSet,
    });
    if (newest !== undefined) this.versions.advance(newest, rules.ruleSet);
  }

  /** As of what is published by now. */
  static async open(options: FollowOptions): Promise<FollowedRules> {
    const { config, project, log } = options;
    const published = await readPublished(log, rulesTopicOf(config));
    return new FollowedRules(options, new CheckedVersions(published, { config, templates: project.templates }));
  }

  /** Takes in what is published from now on, until `signal` aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    const { config, log, logger, clock } = this.#options;
    const { topic } = rulesTopicOf(config);
    while (!signal.aborted) {
      try {
        // Without the topic a tail would have nothing to wait for.
        await log.admin.offsets({ topic, partition: 0 });
        const tail = await TopicTail.open(log, [topic]);
        try {
          while (!signal.aborted) await this.#take(tail);
        } finally {
          await tail.close();
        }
      } catch (error) {
        if (signal.aborted) return;
        logger.warn({ error: String(error) }, 'published rules cannot be read; it is tried again');
        await clock.sleep(WAIT_MS, signal);
      }
    }
  }

  async #take(tail: TopicTail): Promise<void> {
    const { logger, config } = this.#options;
    for (const { record } of await tail.next(WAIT_MS)) {
      const published = publishedIn(record, config.application);
      if (published === null || !this.#checked.add(published)) continue;
      const { version } = published;
      if (!this.#isRunnable(version) || this.#asksNewModels(version)) continue;
      const { rules, ruleSet } = this.#checked.check(version)!;
      this.versions.advance(version, ruleSet);
      logger.info({ version, rules: rules.length }, 'rules change');
    }
  }

  /** F1. */
  #isRunnable(version: number): boolean {
    const [mistake] = this.#checked.check(version)!.errors;
    if (mistake === undefined) return true;
    const { file, line, column, message } = mistake;
    const fields = { version, file, line, column, mistake: message };
    this.#options.logger.error(fields, 'published rules have mistakes here: those before stay in force');
    return false;
  }

  /** What asks models was built at the start. */
  #asksNewModels(version: number): boolean {
    const known = new Set(remoteModels(this.project.rules.ruleSet).map(({ id }) => id));
    const asked = remoteModels(this.#checked.check(version)!.ruleSet);
    if (asked.every(({ id }) => known.has(id))) return false;
    this.#options.logger.error({ version }, 'published rules ask a new model: start the worker again for them');
    return true;
  }
}
