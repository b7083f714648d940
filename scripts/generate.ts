// Writes the files that are generated from the code: `npm run generate`. A test says when one is out of date.

import { writeFile } from 'node:fs/promises';
import { RuleSchema } from '../rules/schema.ts';

/** Path from the repository's root to content. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([['schemas/rule.schema.json', `${JSON.stringify(RuleSchema, null, 2)}\n`]]);
}

if (import.meta.main) {
  for (const [path, content] of generatedFiles()) await writeFile(new URL(`../${path}`, import.meta.url), content);
}
