// Writes the files that are made from the code: `npm run generate`. A test says when one is out of date.

import { readFileSync, writeFileSync } from 'node:fs';
import { CapsSchema } from '../rules/gates/caps.ts';
import { ModelSchema } from '../rules/models/schema.ts';
import { RuleSchema } from '../rules/project/rule-schema.ts';
import { SegmentSchema } from '../rules/project/segments.ts';
import { configurationTable } from '../services/config/reference.ts';
import { metricsTable } from '../services/telemetry/reference.ts';
import { asyncApiYaml } from '../services/topics/asyncapi.ts';

/** The parts of pages that are made. */
const SETTINGS = /(<!-- settings -->\n)[\s\S]*?(<!-- \/settings -->)/;
const METRICS = /(<!-- metrics -->\n)[\s\S]*?(<!-- \/metrics -->)/;

/** Path from the repository's root to content. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/asyncapi.yaml', asyncApiYaml()],
    ['schemas/rule.schema.json', `${JSON.stringify(RuleSchema, null, 2)}\n`],
    ['schemas/segment.schema.json', `${JSON.stringify(SegmentSchema, null, 2)}\n`],
    ['schemas/model.schema.json', `${JSON.stringify(ModelSchema, null, 2)}\n`],
    ['schemas/caps.schema.json', `${JSON.stringify(CapsSchema, null, 2)}\n`],
    ['docs/configuration.md', pageWith('docs/configuration.md', SETTINGS, configurationTable())],
    ['docs/observability.md', pageWith('docs/observability.md', METRICS, metricsTable())],
  ]);
}

function pageWith(path: string, part: RegExp, table: string): string {
  const page = readFileSync(placeOf(path), 'utf8');
  return page.replace(part, (_, start: string, end: string) => `${start}${table}\n${end}`);
}

function placeOf(path: string): URL {
  return new URL(`../${path}`, import.meta.url);
}

if (import.meta.main) {
  for (const [path, content] of generatedFiles()) writeFileSync(placeOf(path), content);
}
