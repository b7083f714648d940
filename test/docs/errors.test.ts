import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ERROR_CODES } from '../../lib/errors.ts';

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| `(TRG_[A-Z_]+)` \| (.+?) \| (.+?) \|$/gm)];

test('docs/errors.md has one row for each code of lib/errors.ts, and no other, in the same order', () => {
  assert.deepEqual(
    rows.map(([, code]) => code),
    Object.keys(ERROR_CODES),
  );
});

test('docs/errors.md gives each code the meaning that lib/errors.ts gives it', () => {
  assert.deepEqual(Object.fromEntries(rows.map(([, code, meaning]) => [code, meaning])), ERROR_CODES);
});
