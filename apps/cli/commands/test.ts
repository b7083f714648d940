// `tripline test`: the inline tests of rules, on the production evaluator.

import type { InlineTest } from '../../../rules/index.ts';
import { loadFlawlessProject } from '../../project/load-project.ts';
import { explainFailure, runTest, type TestResult } from '../../rule-tests/run-tests.ts';
import { defineCommand, type Io, usageError } from '../command.ts';
import { CONFIG_NEAR_PATH_OPTION } from '../options.ts';
import { projectSettings } from '../settings.ts';

export const test = defineCommand({
  name: 'test',
  summary: "Runs the rules' inline tests",
  usage: 'PATH… [-c tripline.yaml] [--json]',
  options: {
    config: CONFIG_NEAR_PATH_OPTION,
    json: { type: 'boolean', description: 'One JSON object instead of lines' },
  },
  run: async ({ values, positionals }, io) => {
    if (positionals.length === 0) throw usageError('test: no PATH given', 'such as: tripline test rules/');
    const { config } = projectSettings({ file: values.config, paths: positionals }, io);
    const { rules } = loadFlawlessProject({ paths: positionals, folder: io.folder, config, needsTemplates: false });
    const results: TestResult[] = [];
    for (const each of rules.tests) results.push(await runTest(each, rules.ruleSet, config));
    const failed = results.filter(({ passed }) => !passed);
    if (values.json === true) io.stdout.write(`${JSON.stringify(asJson(results))}\n`);
    else print(results, rules.rules.length, io);
    return failed.length > 0 ? 1 : 0;
  },
});

function print(results: readonly TestResult[], rules: number, io: Io): void {
  for (const result of results) {
    const { test, passed } = result;
    io.stdout.write(`${passed ? 'ok  ' : 'FAIL'} ${test.rule}: ${test.name}\n`);
    if (passed) continue;
    io.stdout.write(`     ${placeOf(test)}\n`);
    for (const line of explainFailure(result)) io.stdout.write(`     ${line}\n`);
  }
  const failed = results.filter(({ passed }) => !passed).length;
  io.stdout.write(`test: ${rules} rules, ${results.length - failed} passed, ${failed} failed\n`);
}

function asJson(results: readonly TestResult[]) {
  return {
    passed: results.filter(({ passed }) => passed).length,
    failed: results.filter(({ passed }) => !passed).length,
    tests: results.map((result) => ({
      rule: result.test.rule,
      name: result.test.name,
      place: placeOf(result.test),
      passed: result.passed,
      failure: explainFailure(result),
    })),
  };
}

function placeOf({ place }: InlineTest): string {
  return `${place.file}:${place.line}:${place.column}`;
}
