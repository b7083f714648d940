import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { configurationTable } from '../../../services/config/reference.ts';

test('docs/configuration.md lists every setting as the schema has it (npm run generate)', () => {
  const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
  const table = /<!-- settings -->\n([\s\S]*?)\n<!-- \/settings -->/.exec(page)?.[1];
  assert.equal(table, configurationTable());
});
