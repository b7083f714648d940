import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { LATER_FUNCTIONS, LATER_VARIABLES } from '../../rules/expressions/names.ts';
import { STEPS } from '../../rules/flows/steps/index.ts';
import { RuleSchema } from '../../rules/project/rule-schema.ts';

const text = await readFile(new URL('../../docs/rules.md', import.meta.url), 'utf8');

test('docs/rules.md names every field, and everything that is not available', () => {
  const steps = STEPS.map(({ kind }) => kind);
  const names = [...Object.keys(RuleSchema.properties), ...steps, ...LATER_FUNCTIONS, ...LATER_VARIABLES];
  for (const name of names) assert.ok(text.includes(`\`${name}\``), name);
});
