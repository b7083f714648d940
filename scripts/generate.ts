// Writes the files that are made from the code: `npm run generate`. A test says when one is out of date.

import { readFileSync, writeFileSync } from 'node:fs';
import { CapsSchema } from '../rules/gates/caps.ts';
import { HoldoutsSchema } from '../rules/gates/holdouts.ts';
import { ModelSchema } from '../rules/models/schema.ts';
import { RuleSchema } from '../rules/project/rule-schema.ts';
import { SegmentSchema } from '../rules/project/segments.ts';
import { SummarySchema } from '../services/backtest/summary-schema.ts';
import { configurationTable } from '../services/config/reference.ts';
import { metricsTable } from '../services/telemetry/reference.ts';
import { asyncApiYaml } from '../services/topics/asyncapi.ts';
import { readSources } from './check-imports.ts';
import { edgesTable, ROOT } from './edges.ts';

/** The parts of pages that are made. */
const SETTINGS = /(<!-- settings -->\n)[\s\S]*?(<!-- \/settings -->)/;
const EDGES = /(<!-- edges -->\n)[\s\S]*?(<!-- \/edges -->)/;
const METRICS = /(<!-- metrics -->\n)[\s\S]*?(<!-- \/metrics -->)/;

/** Path from the repository's root to content. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/asyncapi.yaml', asyncApiYaml()],
    ['schemas/rule.schema.json', editorSchema(RuleSchema)],
    ['schemas/segment.schema.json', editorSchema(SegmentSchema)],
    ['schemas/model.schema.json', editorSchema(ModelSchema)],
    ['schemas/caps.schema.json', editorSchema(CapsSchema)],
    ['schemas/holdouts.schema.json', editorSchema(HoldoutsSchema)],
    ['schemas/backtest-summary.schema.json', editorSchema(SummarySchema)],
    ['docs/configuration.md', pageWith('docs/configuration.md', SETTINGS, configurationTable())],
    ['docs/operating.md', pageWith('docs/operating.md', EDGES, edgesTable(readSources(ROOT)))],
    ['docs/observability.md', pageWith('docs/observability.md', METRICS, metricsTable())],
  ]);
}

/** A schema as editors read it: what this version refuses is refused there too, as nothing fits `not: {}`. */
function editorSchema(schema: object): string {
  const refused = (_name: string, value: unknown): unknown => {
    const { unavailable, description = '' } = (value ?? {}) as { unavailable?: boolean; description?: string };
    if (unavailable !== true) return value;
    return { not: {}, description };
  };
  return `${JSON.stringify(schema, refused, 2)}\n`;
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
