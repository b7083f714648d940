import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { LATER_FUNCTIONS, LATER_VARIABLES } from '../../rules/expression-names.ts';
import { RuleSchema } from '../../rules/schema.ts';
import { LATER_FIELDS, LATER_STEPS } from '../../rules/schema-later.ts';
import { errorsOf } from './kit.ts';

const text = await readFile(new URL('../../docs/rules.md', import.meta.url), 'utf8');

test('every example of docs/rules.md is a rule without mistakes', () => {
  const examples = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, example]) => example!);
  assert.ok(examples.length >= 6);
  for (const example of examples) {
    const prefix = example.includes('id: ') ? '' : 'id: example\n';
    const pattern = example.includes('when:') ? '' : 'when: { event: add, as: cart }\n';
    assert.deepEqual(errorsOf(prefix + pattern + example), [], example);
  }
});

test('docs/rules.md names every field, and everything that is not available', () => {
  const later = [LATER_FIELDS, LATER_STEPS].flatMap((fields) => Object.keys(fields));
  const names = [...Object.keys(RuleSchema.properties), ...later, ...LATER_FUNCTIONS, ...LATER_VARIABLES];
  for (const name of names) assert.ok(text.includes(`\`${name}\``), name);
});
