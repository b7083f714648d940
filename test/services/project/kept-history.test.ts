import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { incompleteHistory, noteHistory } from '../../../services/project/kept-history.ts';
import { check } from '../../rules/kit.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 1);

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'tripline-history-'));
  t.after(() => rmSync(made, { recursive: true }));
  return join(made, 'data');
}

const rulesOf = (condition: string) => check(`id: a\nwhen: { event: pay }\nif: '${condition}'`).ruleSet;
const week = rulesOf('count("login", "7d") > 0');

function warnings(dir: string, rules: ReturnType<typeof rulesOf>, now: number): string[] {
  return incompleteHistory(dir, rules, now).map(({ message }) => message);
}

test('where no worker ever ran there is nothing to tell', (t) => {
  assert.deepEqual(warnings(folder(t), week, START), []);
});

test('a new window is complete once it lies after the day since which it is kept', (t) => {
  const dir = folder(t);
  noteHistory(dir, rulesOf('true'), START);
  assert.deepEqual(warnings(dir, week, START + DAY), [
    '"login" of a user was not kept before 2026-01-02T00:00:00.000Z: windows of 7d are complete from 2026-01-09T00:00:00.000Z',
  ]);
  noteHistory(dir, week, START + DAY);
  noteHistory(dir, week, START + 3 * DAY);
  assert.equal(warnings(dir, week, START + 8 * DAY - 1).length, 1);
  assert.deepEqual(warnings(dir, week, START + 8 * DAY), []);
});

test('a longer window begins with what the shorter one kept', (t) => {
  const dir = folder(t);
  noteHistory(dir, week, START);
  const month = rulesOf('count("login", "30d") > 0');
  assert.match(warnings(dir, month, START + 100 * DAY)[0]!, /complete from 2026-05-04T00:00:00/);
  noteHistory(dir, month, START + 100 * DAY);
  assert.deepEqual(warnings(dir, month, START + 123 * DAY), []);
});

test('what nobody asks for any more is forgotten', (t) => {
  const dir = folder(t);
  noteHistory(dir, week, START);
  noteHistory(dir, rulesOf('true'), START + 50 * DAY);
  assert.equal(warnings(dir, week, START + 60 * DAY).length, 1);
});
