import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { test as testCommand } from '../../../apps/cli/commands/test.ts';
import { folderWith, run } from '../../apps/cli/kit.ts';

/** The lines below the test's place. */
async function differences(t: TestContext, rule: string, given: string, expect: string): Promise<string[]> {
  const text = `${rule}\ntests:\n  - name: holds\n    given: [${given}]\n    advance: 25h\n    expect:\n${expect}`;
  const { out, err } = await run(['test', 'r.yaml'], [testCommand], folderWith(t, { 'r.yaml': text }));
  assert.equal(err, '');
  return out
    .split('\n')
    .slice(2, -2)
    .map((line) => line.slice(5));
}

const CART = 'id: r\nwhen: { absence: { after: { event: cart }, of: purchase, within: 24h } }';
const at = (day: string, user: string, rest: string) => `{ at: "2026-01-${day}T10:00:00Z", user: ${user}, ${rest} }`;

test('expected and actual decisions stand below each other, those of one user and time together', async (t) => {
  const given = [at('01', 'u1', 'event: cart'), at('01', 'long-name', 'event: cart')].join(', ');
  const expect = `      - ${at('02', 'u1', 'outcome: fired')}\n      - ${at('03', 'long-name', 'outcome: fired')}\n`;
  assert.deepEqual(await differences(t, CART, given, expect), [
    '  2026-01-02T10:00:00.000Z  r  u1         fired',
    '- 2026-01-03T10:00:00.000Z  r  long-name  fired  expected at r.yaml:9',
    '+ 2026-01-02T10:00:00.000Z  r  long-name  fired  1d earlier than expected',
  ]);
});

test('a match that a condition held back shows what the condition saw', async (t) => {
  const rule = `${CART}\nif: 'profile.plan == "pro" && count("cart", "7d") > 1'`;
  const expect = `      - ${at('02', 'u1', 'outcome: fired')}\n`;
  assert.deepEqual(await differences(t, rule, at('01', 'u1', 'event: cart'), expect), [
    '- 2026-01-02T10:00:00.000Z  r  u1  fired                   expected at r.yaml:9',
    '+ 2026-01-02T10:00:00.000Z  r  u1  suppressed (condition)  with profile.plan = null, count("cart", "7d") = 1',
  ]);
});

test('what fired without being expected is marked, and suppressed ones are shown beside it', async (t) => {
  const given = [at('01', 'u1', 'event: cart'), at('03', 'u1', 'event: cart')].join(', ');
  assert.deepEqual(await differences(t, `${CART}\ncooldown: 7d`, given, '      []\n'), [
    '+ 2026-01-02T10:00:00.000Z  r  u1  fired                  not expected',
    '  2026-01-04T10:00:00.000Z  r  u1  suppressed (cooldown)  not asked for',
  ]);
});

test('an expectation about anyone leaves the decision to the one that names it', async (t) => {
  const given = [at('01', 'u1', 'event: cart'), at('01', 'u2', 'event: cart')].join(', ');
  const anyone = '{ at: "2026-01-02T10:00:00Z", outcome: fired }';
  const expect = `      - ${anyone}\n      - ${at('02', 'u1', 'outcome: fired')}\n`;
  assert.deepEqual(await differences(t, CART, given, expect), []);
});

test('messages are told by the names of their steps, where they have one', async (t) => {
  const rule = `id: r
when: { event: cart }
then:
  - { name: hello, send: { channel: webhook } }
  - { wait: 1h }
  - send: { channel: webhook }
tests:
  - name: holds
    given: [${at('01', 'u1', 'event: cart')}]
    advance: 1d
    actions: [{ at: "2026-01-01T10:05:00Z", name: hello }]`;
  const { out } = await run(['test', 'r.yaml'], [testCommand], folderWith(t, { 'r.yaml': rule }));
  const lines = out.split('\n').map((line) => line.trim().replaceAll(/ +/g, ' '));
  assert.ok(lines.includes('+ 2026-01-01T10:00:00.000Z r u1 sends webhook hello 5m earlier than expected'), out);
  assert.ok(lines.includes('+ 2026-01-01T11:00:00.000Z r u1 sends webhook step 2 not expected'), out);
});

test('an expectation about any message leaves the message to the one that names it', async (t) => {
  const rule = `id: r
when: { event: cart }
then:
  - { name: first, send: { channel: webhook } }
  - { name: second, send: { channel: webhook } }
tests:
  - name: holds
    given: [${at('01', 'u1', 'event: cart')}]
    actions:
      - { at: "2026-01-01T10:00:00Z" }
      - { at: "2026-01-01T10:00:00Z", name: first }`;
  const { code, out } = await run(['test', 'r.yaml'], [testCommand], folderWith(t, { 'r.yaml': rule }));
  assert.equal(code, 0, out);
});
