// Every template of docs/templates.md is parsed and rendered with the values at its end, and gives what stands below it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { LiquidScope } from '../../connectors/channels/templates/liquid.ts';
import { FRONT_MATTER, parseTemplate } from '../../connectors/channels/templates/template-file.ts';
import { formatProblem, type Problem } from '../../lib/problem.ts';

const page = readFileSync(new URL('../../docs/templates.md', import.meta.url), 'utf8');
const scope: LiquidScope = JSON.parse(/^```json\n(.+)\n```$/m.exec(page)![1]!);
const TEMPLATE =
  /^<!-- template: (\S+) -->\n```liquid\n([\s\S]*?)^```\n([\s\S]*?)(?=^<!-- template: |^## |(?![\s\S]))/gm;
const examples = Array.from(page.matchAll(TEMPLATE), ([, path, text, after]) => {
  return { path: path!, text: text!, given: /^```text\n([\s\S]*?)^```$/m.exec(after!)?.[1] };
});

function shown(path: string, text: string): string {
  const problems: Problem[] = [];
  const template = parseTemplate(path, text, problems);
  assert.deepEqual(problems.map(formatProblem), []);
  try {
    const { fields, body } = template!.render(scope);
    const lines = FRONT_MATTER.flatMap((name) => (fields[name] === undefined ? [] : [`${name}: ${fields[name]}`]));
    return `${[...lines, ...(lines.length > 0 ? [''] : []), body.trim()].join('\n')}\n`;
  } catch (error) {
    return `fails: ${(error as Error).message}\n`;
  }
}

test('the page has a template for each kind of body, and its values', () => {
  assert.equal(examples.length, (page.match(/^```liquid$/gm) ?? []).length);
  assert.ok(examples.length >= 4);
});

for (const { path, text, given } of examples) {
  test(`the template ${path} of docs/templates.md gives what stands below it`, () => {
    assert.equal(shown(path, text), given);
  });
}

test('the page names every field of front matter', () => {
  for (const name of FRONT_MATTER) assert.match(page, new RegExp(`\`${name}\``));
});
