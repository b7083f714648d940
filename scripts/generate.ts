// Writes the files that are made from the code: `npm run generate`. A test says when one is out of date.

import { readFileSync, writeFileSync } from 'node:fs';
import { configurationTable } from '../apps/config/reference.ts';
import { CapsSchema } from '../rules/caps.ts';
import { ModelSchema } from '../rules/models/schema.ts';
import { RuleSchema } from '../rules/schema.ts';
import { SegmentSchema } from '../rules/segments.ts';

/** The part of docs/configuration.md that is made. */
const TABLE = /(<!-- settings -->\n)[\s\S]*?(<!-- \/settings -->)/;

/** Path from the repository's root to content. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const page = readFileSync(placeOf('docs/configuration.md'), 'utf8');
  return new Map([
    ['schemas/rule.schema.json', `${JSON.stringify(RuleSchema, null, 2)}\n`],
    ['schemas/segment.schema.json', `${JSON.stringify(SegmentSchema, null, 2)}\n`],
    ['schemas/model.schema.json', `${JSON.stringify(ModelSchema, null, 2)}\n`],
    ['schemas/caps.schema.json', `${JSON.stringify(CapsSchema, null, 2)}\n`],
    [
      'docs/configuration.md',
      page.replace(TABLE, (_, start: string, end: string) => `${start}${configurationTable()}\n${end}`),
    ],
  ]);
}

function placeOf(path: string): URL {
  return new URL(`../${path}`, import.meta.url);
}

if (import.meta.main) {
  for (const [path, content] of generatedFiles()) writeFileSync(placeOf(path), content);
}
