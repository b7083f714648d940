import assert from 'node:assert/strict';
import { test } from 'node:test';
import { test as testCommand } from '../../../apps/cli/commands/test.ts';
import { folderWith, run } from './kit.ts';

const rule = (tests: string) => `id: cart
when: { absence: { after: { event: add_to_cart }, of: purchase, within: 24h } }
cooldown: 7d
tests:
${tests}`;

const CART = '{ at: "2026-01-01T10:00:00Z", user: u1, event: add_to_cart }';
const CART_LATER = '{ at: "2026-01-03T10:00:00Z", user: u1, event: add_to_cart }';
const FIRED = '{ at: "2026-01-02T10:00:00Z", user: u1, outcome: fired }';

test('tests that hold are ok', async (t) => {
  const text = rule(`  - { name: fires, given: [${CART}], advance: 25h, expect: [${FIRED}] }\n`);
  const folder = folderWith(t, { 'cart.yaml': text });
  assert.deepEqual(await run(['test', 'cart.yaml'], [testCommand], folder), {
    code: 0,
    out: 'ok   cart: fires\ntest: 1 rules, 1 passed, 0 failed\n',
    err: '',
  });
});

test('what was expected and did not happen is shown with the place of the test, and the exit code is 1', async (t) => {
  const text = rule(`  - { name: fires, given: [${CART}], advance: 23h, expect: [${FIRED}] }\n`);
  const { code, out } = await run(['test', '.'], [testCommand], folderWith(t, { 'cart.yaml': text }));
  assert.equal(code, 1);
  assert.match(
    out,
    /^FAIL cart: fires\n {5}cart\.yaml:5:5\n {5}- 2026-01-02T10:00:00\.000Z {2}cart {2}u1 {2}fired {2}expected at cart\.yaml:5\n/m,
  );
  assert.match(out, /time ended at 2026-01-02T09:00:00\.000Z/);
  assert.match(out, /0 passed, 1 failed/);
});

test('what fired and was not expected is shown', async (t) => {
  const text = rule(`  - { name: quiet, given: [${CART}], advance: 25h, expect: [] }\n`);
  const { code, out } = await run(['test', '.'], [testCommand], folderWith(t, { 'cart.yaml': text }));
  assert.equal(code, 1);
  assert.match(out, /\+ 2026-01-02T10:00:00\.000Z {2}cart {2}u1 {2}fired {2}not expected/);
});

test('a suppressed decision is compared where it is asked for, reason and all', async (t) => {
  const given = `[${CART}, ${CART_LATER}]`;
  const suppressed = (reason: string) =>
    `{ at: "2026-01-04T10:00:00Z", user: u1, outcome: suppressed, reason: ${reason} }`;
  const tests = (reason: string) =>
    rule(`  - { name: held, given: ${given}, advance: 25h, expect: [${FIRED}, ${suppressed(reason)}] }\n`);
  const right = await run(['test', '.'], [testCommand], folderWith(t, { 'cart.yaml': tests('cooldown') }));
  assert.equal(right.code, 0);
  const wrong = await run(['test', '.'], [testCommand], folderWith(t, { 'cart.yaml': tests('limit') }));
  assert.equal(wrong.code, 1);
  assert.match(wrong.out, /suppressed \(cooldown\)/);
});

test('in a test nobody is held out', async (t) => {
  const text = rule(`  - { name: fires, given: [${CART}], advance: 25h, expect: [${FIRED}] }\n`);
  const folder = folderWith(t, {
    'cart.yaml': `holdout: 100%\n${text}`,
    'holdouts.yaml': '- { group: everyone, share: 100% }',
  });
  assert.equal(
    (await run(['test', '.'], [testCommand], folder)).out,
    'ok   cart: fires\ntest: 1 rules, 1 passed, 0 failed\n',
  );
});

test('other rules of the folder have no say in a test', async (t) => {
  const other = 'id: noisy\nwhen: { event: add_to_cart }\n';
  const text = rule(`  - { name: fires, given: [${CART}], advance: 25h, expect: [${FIRED}] }\n`);
  const folder = folderWith(t, { 'cart.yaml': text, 'noisy.yaml': other });
  assert.equal((await run(['test', '.'], [testCommand], folder)).code, 0);
});

test('--json says the same for machines', async (t) => {
  const text = rule(`  - { name: fires, given: [${CART}], advance: 23h, expect: [${FIRED}] }\n`);
  const { out } = await run(['test', '.', '--json'], [testCommand], folderWith(t, { 'cart.yaml': text }));
  const { passed, failed, tests } = JSON.parse(out);
  assert.deepEqual(
    [passed, failed, tests[0].rule, tests[0].name, tests[0].place],
    [0, 1, 'cart', 'fires', 'cart.yaml:5:5'],
  );
});
