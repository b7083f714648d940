// What an editor shows when the pointer rests on a field.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CapsSchema } from '../../rules/gates/caps.ts';
import { HoldoutsSchema } from '../../rules/gates/holdouts.ts';
import { ModelSchema } from '../../rules/models/schema.ts';
import { RuleSchema } from '../../rules/project/rule-schema.ts';
import { SegmentSchema } from '../../rules/project/segments.ts';
import { SummarySchema } from '../../services/backtest/summary-schema.ts';

interface Node {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly definitions?: Readonly<Record<string, Node>>;
  readonly anyOf?: readonly Node[];
  readonly items?: Node;
}

/** Calls `visit` for every field below the schema, by its path. */
function eachField(schema: Node, path: string, visit: (path: string, field: Node) => void): void {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    visit(`${path}.${name}`, field);
    eachField(field, `${path}.${name}`, visit);
  }
  for (const [name, inner] of Object.entries(schema.definitions ?? {})) eachField(inner, `#${name}`, visit);
  for (const inner of schema.anyOf ?? []) eachField(inner, path, visit);
  if (schema.items !== undefined) eachField(schema.items, `${path}[]`, visit);
}

const SCHEMAS = {
  rule: RuleSchema,
  segment: SegmentSchema,
  model: ModelSchema,
  caps: CapsSchema,
  holdouts: HoldoutsSchema,
  'backtest-summary': SummarySchema,
};

for (const [name, schema] of Object.entries(SCHEMAS)) {
  test(`every field of schemas/${name}.schema.json has a description for editors`, () => {
    const fields = new Map<string, Node>();
    eachField(JSON.parse(JSON.stringify(schema)), name, (path, field) => fields.set(path, field));
    assert.ok(fields.size > 3);
    const without = [...fields].filter(([, { description = '' }]) => !/^.{5,}\.( .*|$)/.test(description));
    assert.deepEqual(
      without.map(([path]) => path),
      [],
    );
  });
}
