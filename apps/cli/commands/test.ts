// `tripline test`: the inline tests of rules, on the production evaluator; with --watch, again whenever a file changes.

import { statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { type Clock, systemClock } from '../../../lib/clock.ts';
import type { InlineTest } from '../../../rules/index.ts';
import { loadFlawlessProject } from '../../../services/project/load-project.ts';
import { explainFailure, failedExpressions } from '../../../services/rule-tests/explain.ts';
import { watchFolders } from '../../../services/rule-tests/file-changes.ts';
import { rerunOnChange, type WatchFolders } from '../../../services/rule-tests/rerun.ts';
import { runTest, type TestResult } from '../../../services/rule-tests/run-tests.ts';
import { paint } from '../colours.ts';
import { type Command, defineCommand, type ExitCode, type Io } from '../command.ts';
import { CONFIG_NEAR_PATH_OPTION } from '../options.ts';
import { pathsOf, projectSettings } from '../settings.ts';
import { showError } from '../show-error.ts';

interface TestRun {
  readonly paths: readonly string[];
  readonly config: string | undefined;
  readonly asJson: boolean;
}

/** The command with its own way to notice changes and to wait. */
export function testCommand(watch: WatchFolders, clock: Clock): Command {
  return defineCommand({
    name: 'test',
    summary: "Runs the rules' inline tests",
    usage: '[PATH…] [-c tripline.yaml] [--watch] [--json]',
    options: {
      config: CONFIG_NEAR_PATH_OPTION,
      watch: { type: 'boolean', short: 'w', description: 'Run them again whenever a file changes; Ctrl-C ends it' },
      json: { type: 'boolean', description: 'One JSON object instead of lines' },
    },
    run: async ({ values, positionals }, io) => {
      const paths = pathsOf('test', positionals, io);
      const testRun = { paths, config: values.config, asJson: values.json === true };
      if (values.watch !== true) return runAll(testRun, io);
      const folders = foldersOf(paths, io.folder);
      let code: ExitCode = 0;
      const run = async (): Promise<void> => {
        code = await runAll(testRun, io).catch((error: unknown) => showError(error, io));
        io.stderr.write('test: waiting for a change\n');
      };
      await rerunOnChange({ folders, watch, clock, signal: io.signal, run });
      return code;
    },
  });
}

export const test = testCommand(watchFolders, systemClock);

async function runAll({ paths, config: file, asJson }: TestRun, io: Io): Promise<ExitCode> {
  const { config } = projectSettings({ file, paths }, io);
  const { rules } = loadFlawlessProject({ paths, folder: io.folder, config, needsTemplates: false });
  const results: TestResult[] = [];
  for (const each of rules.tests) results.push(await runTest(each, rules.ruleSet, config));
  if (asJson) io.stdout.write(`${JSON.stringify(jsonOf(results))}\n`);
  else print(results, rules.rules.length, io);
  return results.every(({ passed }) => passed) ? 0 : 1;
}

/** What to watch: the folders, those of files, and of a folder of rules the one above, where segments and caps are. */
function foldersOf(paths: readonly string[], working: string): string[] {
  const folders = paths.map((path) => {
    const whole = resolve(working, path);
    const isFolder = statSync(whole, { throwIfNoEntry: false })?.isDirectory() === true;
    return isFolder && basename(whole) !== 'rules' ? whole : dirname(whole);
  });
  return [...new Set(folders)];
}

function print(results: readonly TestResult[], rules: number, io: Io): void {
  for (const result of results) {
    const { test, passed } = result;
    io.stdout.write(`${passed ? paint(io, 'green', 'ok  ') : paint(io, 'red', 'FAIL')} ${test.rule}: ${test.name}\n`);
    if (passed) continue;
    io.stdout.write(`     ${placeOf(test)}\n`);
    for (const line of explainFailure(result)) io.stdout.write(`     ${line}\n`);
  }
  // What failed in a test that passed may be why it passed, or of no account: it is said apart.
  const passed = new Set(results.filter((result) => result.passed).flatMap(failedExpressions));
  for (const line of passed) io.stderr.write(`test: ${line}\n`);
  const failed = results.filter(({ passed }) => !passed).length;
  io.stdout.write(`test: ${rules} rules, ${results.length - failed} passed, ${failed} failed\n`);
}

function jsonOf(results: readonly TestResult[]) {
  return {
    passed: results.filter(({ passed }) => passed).length,
    failed: results.filter(({ passed }) => !passed).length,
    tests: results.map((result) => ({
      rule: result.test.rule,
      name: result.test.name,
      place: placeOf(result.test),
      passed: result.passed,
      failure: explainFailure(result),
      failedExpressions: result.failures,
    })),
  };
}

function placeOf({ place }: InlineTest): string {
  return `${place.file}:${place.line}:${place.column}`;
}
