// `tripline check`: every mistake in rules, segments, models, caps and templates, with its place; what templates come to with the
// data of the rules' tests; which history is not complete yet; and what becomes of
// flows that wait when this is published.

import { resolve, sep } from 'node:path';
import { systemClock } from '../../../lib/clock.ts';
import { EngineError } from '../../../lib/errors.ts';
import { formatProblem, type Problem } from '../../../lib/problem.ts';
import type { Config } from '../../../services/config/index.ts';
import { keptEvents } from '../../../services/events/known.ts';
import { changeInWords } from '../../../services/flows/program-words.ts';
import { hasLog } from '../../../services/job/open-log.ts';
import { OpenContext } from '../../../services/open-context.ts';
import { resultOf } from '../../../services/operation.ts';
import { servicesHere } from '../../../services/operations.ts';
import { incompleteHistory } from '../../../services/project/kept-history.ts';
import { loadProject, type Project } from '../../../services/project/load-project.ts';
import { tryTemplates } from '../../../services/project/template-trials.ts';
import type { RuleChange } from '../../../services/rules/versions.ts';
import { paint } from '../colours.ts';
import { defineCommand, type Io } from '../command.ts';
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
    const isAsked = errors.length === 0 && isWhole(config, positionals, io);
    const { flows, warnings: untold } = isAsked ? await flowChanges(config, io) : NOTHING_TOLD;
    const warnings = [...project.warnings, ...trials.warnings, ...history, ...untold];
    if (values.json === true) io.stdout.write(`${JSON.stringify({ ...countsOf(project), errors, warnings, flows })}\n`);
    else {
      for (const problem of errors) io.stdout.write(`${paint(io, 'red', formatProblem(problem))}\n`);
      for (const problem of warnings)
        io.stdout.write(`${paint(io, 'yellow', `${formatProblem(problem)} [warning]`)}\n`);
      for (const { rule, flows: steps } of flows) {
        io.stdout.write(`flows of ${rule}, once this is published:\n`);
        for (const step of steps) io.stdout.write(`  ${changeInWords(step)}\n`);
      }
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

/** Whether the rules that would be published are among these, with a log beside them that can be read without a network. */
function isWhole(config: Config, paths: readonly string[], io: Io): boolean {
  if (config.kafka !== null || !hasLog(config)) return false;
  return paths.some((path) => `${config.rules}${sep}`.startsWith(`${resolve(io.folder, path)}${sep}`));
}

interface FlowChanges {
  /** Of rules that differ from what was published last, and whose flows may wait. */
  readonly flows: readonly RuleChange[];
  readonly warnings: readonly Problem[];
}

async function flowChanges(config: Config, io: Io): Promise<FlowChanges> {
  const { files, rules } = loadProject({ paths: [config.rules], folder: io.folder, config });
  if (rules.rules.length === 0) return NOTHING_TOLD;
  const context = new OpenContext({ config, clock: systemClock, folder: io.folder });
  try {
    const changes = await resultOf(servicesHere(context).ask('rules.diff', { files: [...files] }, io.signal));
    return { flows: changes.filter(({ flows }) => flows.length > 0), warnings: [] };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const message = `what becomes of flows that wait cannot be told: ${error.message}`;
    return { flows: [], warnings: [{ file: 'flows', line: 0, column: 0, message, hint: null }] };
  } finally {
    await context.close();
  }
}

const NOTHING_TOLD: FlowChanges = { flows: [], warnings: [] };

function countsOf({ rules, ruleFiles }: Project): { files: number; rules: number; tests: number } {
  return { files: ruleFiles.length, rules: rules.rules.length, tests: rules.tests.length };
}

function summary(project: Project, errors: number, warnings: number): string {
  const { files, rules, tests } = countsOf(project);
  const found = `${files} files, ${rules} rules without a mistake, ${tests} tests`;
  return `check: ${found}; ${errors} errors, ${warnings} warnings`;
}
