// The folder of rules of a running worker: published at the start, and whenever somebody says that it has changed.
//
// Invariants:
//   W1. A folder with mistakes is not published: the rules before stay in force, and the log says what is wrong.
//   W2. One publication at a time, in the order asked for.
//
// Edge `rules`: the rules of a running worker change, in its folder or by a publication.
//   throws: the rules before stay in force, and the log says what is wrong; publishing again brings the next
//   rejects: as a throw
//   hangs: what is published later waits; processing goes on by the rules before
//   too large: as a throw: a record of rules is bounded as any other (`publish`)
//   behind: services/rules/

import type { Clock } from '../../lib/clock.ts';
import { describeError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { ProblemsError } from '../../lib/problem.ts';
import type { Log } from '../../topology/engine/ports.ts';
import type { Config } from '../config/index.ts';
import { noteHistory } from '../project/kept-history.ts';
import { loadFlawlessProject, type Project } from '../project/load-project.ts';
import { publishFolder, rulesTopicOf } from './published.ts';

export interface RulesFolderOptions {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class RulesFolder {
  readonly #options: RulesFolderOptions;
  #last: Promise<void> = Promise.resolve();

  constructor(options: RulesFolderOptions) {
    this.#options = options;
  }

  /** Throws what writing the rules topic throws. */
  async publish(project: Project): Promise<void> {
    const { config, log, clock, logger } = this.#options;
    const now = clock.now();
    const { files, rules } = project;
    const published = await publishFolder(log, { ...rulesTopicOf(config), files, rules: rules.rules, now });
    if (published === null) logger.info({}, 'the folder of rules has not changed since it was published');
    else logger.info({ version: published.version, rules: rules.rules.length }, 'rules published');
  }

  /** Reads the folder again and publishes it if it has changed; never throws (W1). */
  reload(): Promise<void> {
    this.#last = this.#last.then(() => this.#reload());
    return this.#last;
  }

  async #reload(): Promise<void> {
    const { config, clock, logger } = this.#options;
    try {
      const options = { paths: [config.rules], folder: process.cwd(), config, isLive: true };
      const project = loadFlawlessProject(options);
      await this.publish(project);
      noteHistory(config.dataDir, project.rules.ruleSet, clock.now());
    } catch (error) {
      const problems = error instanceof ProblemsError ? error.problems : [];
      for (const { file, line, column, message } of problems)
        logger.error({ file, line, column, mistake: message }, 'mistake');
      logger.error({ error: describeError(error) }, 'the rules before stay in force');
    }
  }
}
