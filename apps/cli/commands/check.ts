// `tripline check`: every mistake in rules, segments, models, caps and templates, with its place; what templates come to with the
// data of the rules' tests; and which history is not complete yet.

import { systemClock } from '../../../lib/clock.ts';
import { formatProblem, type Problem } from '../../../lib/problem.ts';
import { keptEvents } from '../../../services/events/known.ts';
import { incompleteHistory } from '../../../services/project/kept-history.ts';
import { loadProject, type Project } from '../../../services/project/load-project.ts';
import { tryTemplates } from '../../../services/project/template-trials.ts';
import { paint } from '../colours.ts';
import { defineCommand } from '../command.ts';
import { CONFIG_NEAR_PATH_OPTION } from '../options.ts';
import { pathsOf, projectSettings } from '../settings.ts';

export const check = defineCommand({
  name: 'check',
  summary: 'Checks rules and templates; shows every mistake with file, line and column',
  usage: '[PATH…] [-c tripline.yaml] [--json]',
  options: {
    config: CONFIG_NEAR_PATH_OPTION,
    json: { type: 'boolean', description: 'One JSON object instead of lines' },
  },
  run: async ({ values, ...given }, io) => {
    const positionals = pathsOf('check', given.positionals, io);
    const { config } = projectSettings({ file: values.config, paths: positionals }, io);
    const events = keptEvents(config.dataDir) ?? undefined;
    const project = loadProject({ paths: positionals, folder: io.folder, config, events });
    const trials = await tryTemplates(project, io.folder, config);
    const errors = [...project.errors, ...trials.errors, ...nothingFound(project, positionals)];
    const history = incompleteHistory(config.dataDir, project.rules.ruleSet, systemClock.now());
    const warnings = [...project.warnings, ...trials.warnings, ...history];
    if (values.json === true) io.stdout.write(`${JSON.stringify({ ...countsOf(project), errors, warnings })}\n`);
    else {
      for (const problem of errors) io.stdout.write(`${paint(io, 'red', formatProblem(problem))}\n`);
      for (const problem of warnings)
        io.stdout.write(`${paint(io, 'yellow', `${formatProblem(problem)} [warning]`)}\n`);
      io.stdout.write(`${summary(project, errors.length, warnings.length)}\n`);
    }
    return errors.length > 0 ? 1 : 0;
  },
});

/** An empty folder is most likely the wrong one: saying "fine" would hide that nothing was checked. */
function nothingFound(project: Project, paths: readonly string[]): Problem[] {
  if (project.ruleFiles.length > 0 || project.templates.length > 0) return [];
  const message = 'no rules or templates here';
  const hint = 'rules are .yaml, .yml or .json files, templates are in folders called templates';
  return [{ file: paths.join(', '), line: 0, column: 0, message, hint }];
}

function countsOf({ rules, ruleFiles }: Project): { files: number; rules: number; tests: number } {
  return { files: ruleFiles.length, rules: rules.rules.length, tests: rules.tests.length };
}

function summary(project: Project, errors: number, warnings: number): string {
  const { files, rules, tests } = countsOf(project);
  const found = `${files} files, ${rules} rules without a mistake, ${tests} tests`;
  return `check: ${found}; ${errors} errors, ${warnings} warnings`;
}
