// Every snippet of the guide to rules and of the cookbook is parsed, checked, and its inline tests are run.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { RulesCheck } from '../../rules/index.ts';
import { PATTERNS } from '../../rules/patterns/index.ts';
import { explainFailure } from '../../services/rule-tests/explain.ts';
import { runTest } from '../../services/rule-tests/run-tests.ts';
import { checkSnippets, sectionsOf } from './snippets.ts';

const OPTIONS = { outOfOrdernessMs: 5_000, dedupeWindowMs: 86_400_000, dedupeMax: 1_000 };
const RECIPES_MIN = 30;

const page = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

async function failuresOf(checked: RulesCheck): Promise<string[]> {
  const failures: string[] = [];
  for (const each of checked.tests) {
    const result = await runTest(each, checked.ruleSet, OPTIONS);
    if (!result.passed) failures.push(`${each.rule}: ${each.name}`, ...explainFailure(result));
  }
  return failures;
}

for (const name of ['rules.md', 'flows.md']) {
  test(`every snippet of docs/${name} is without a mistake, and its tests pass`, async () => {
    const sections = sectionsOf(page(name));
    const files = sections.flatMap((section) => section.files).filter((text) => !text.startsWith('# tripline.yaml'));
    let tests = 0;
    for (const { title, rules } of sections) {
      for (const rule of rules) {
        const checked = checkSnippets(title, [rule], files);
        tests += checked.tests.length;
        assert.deepEqual(await failuresOf(checked), []);
      }
    }
    assert.ok(tests > 0);
  });
}

const recipes = sectionsOf(page('cookbook.md')).filter(({ rules }) => rules.length > 0);

test(`the cookbook has ${RECIPES_MIN} rules or more, and every pattern of the language`, () => {
  assert.ok(recipes.length >= RECIPES_MIN);
  const text = recipes.flatMap(({ rules }) => rules).join('');
  const patterns = PATTERNS.map(({ kind }) => kind).filter((name) => !new RegExp(`\\b${name}:`).test(text));
  assert.deepEqual(patterns, []);
});

for (const { title, rules, files } of recipes) {
  test(`the cookbook's "${title}" does what its tests say`, async () => {
    const checked = checkSnippets(title, rules, files);
    assert.ok(checked.tests.some(({ expect }) => (expect ?? []).length > 0));
    assert.deepEqual(await failuresOf(checked), []);
  });
}
