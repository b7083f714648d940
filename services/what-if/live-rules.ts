// The rules that are in force, compiled as a backtest compiles a folder: without connectors, so that everyone counts as reachable.

import { ProblemsError } from '../../lib/problem.ts';
import type { RulesCheck } from '../../rules/index.ts';
import { checkFiles, loadFlawlessProject } from '../project/load-project.ts';
import type { ServiceContext } from '../service-context.ts';

/** Throws FatalError TRG_FILE_UNREADABLE without a log, ProblemsError TRG_RULES_INVALID for rules with mistakes. */
export async function liveRules(context: ServiceContext): Promise<RulesCheck> {
  const { config, folder } = context;
  const book = await context.rules();
  const { version } = book.inForce();
  const published = book.published.find((each) => each.version === version);
  if (published === undefined) {
    return loadFlawlessProject({ paths: [config.rules], folder, config, needsTemplates: false }).rules;
  }
  const rules = checkFiles(published.files, { config, templates: [] });
  if (rules.errors.length === 0) return rules;
  throw new ProblemsError('TRG_RULES_INVALID', `version ${version} of the rules cannot be replayed`, rules.errors);
}
