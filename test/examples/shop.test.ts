import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { check } from '../../apps/cli/commands/check.ts';
import { test as testCommand } from '../../apps/cli/commands/test.ts';
import { readEvents } from '../../connectors/sources/files/index.ts';
import { run } from '../apps/cli/kit.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SHOP = `${ROOT}examples/shop`;

test('the rules and templates of the shop have no mistake', async () => {
  const { code, out } = await run(['check', 'examples/shop'], [check], ROOT);
  assert.match(out, /^check: 5 files, 5 rules without a mistake, 21 tests; 0 errors, 0 warnings\n$/);
  assert.equal(code, 0);
});

test('the inline tests of the shop pass', async () => {
  const { code, out } = await run(['test', 'examples/shop'], [testCommand], ROOT);
  assert.match(out, /^test: 5 rules, 21 passed, 0 failed$/m);
  assert.equal(code, 0);
});

test('the sample of events is read without an error, in order of time, each event once', async () => {
  let previous = '';
  const ids = new Set<string>();
  let count = 0;
  for await (const batch of readEvents(`${SHOP}/events.csv.gz`, { mapping: `${SHOP}/map.yaml` })) {
    for (const { line, json, error } of batch) {
      assert.equal(error, undefined, `line ${line}`);
      const timestamp = String(json!['timestamp']);
      assert.ok(timestamp >= previous, `line ${line}`);
      previous = timestamp;
      ids.add(String(json!['messageId']));
      count++;
    }
  }
  assert.equal(count, 16_302);
  assert.equal(ids.size, count);
});
