// Every example through `tripline check` and `tripline test`, and that each use case that ships is there.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { check } from '../../apps/cli/commands/check.ts';
import { test as testCommand } from '../../apps/cli/commands/test.ts';
import { loadConfig } from '../../services/config/index.ts';
import { loadProject } from '../../services/project/load-project.ts';
import { runTest } from '../../services/rule-tests/run-tests.ts';
import { run } from '../apps/cli/kit.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The use cases, by what they are called, to the rules that are one. */
const USE_CASES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  shop: {
    'cart abandonment: message after 30 minutes': ['cart-reminder', 'vip-cart-reminder'],
    'cart abandonment: mail with coupon after a day': ['cart-abandonment', 'vip-cart-abandonment'],
    'win-back of shoppers': ['win-back'],
  },
  saas: {
    'lead score crosses a threshold': ['lead-score'],
    'milestone reached': ['milestone'],
    'set-up step skipped': ['setup-skipped'],
    'feature unused for two weeks': ['feature-unused'],
    'usage drop': ['usage-drop'],
    'trial expiring': ['trial-expiring', 'trial-last-day'],
    'win-back': ['win-back', 'win-back-offer'],
    'onboarding series': ['onboarding-welcome', 'onboarding-first-report', 'onboarding-invite'],
  },
  support: { 'urgent ticket routing': ['urgent-ticket'], 'deadline in 15 minutes': ['sla-warning'] },
  fraud: { 'suspicious transaction': ['suspicious-payment', 'card-testing', 'account-takeover', 'spending-spree'] },
  operations: { 'stock low': ['stock-low'], 'health check failing': ['health-check-failing', 'service-recovered'] },
  iot: { 'sensor over threshold': ['overheating'] },
};

test('every project of examples has use cases here', () => {
  const folders = readdirSync(join(ROOT, 'examples'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const projects = folders.map(({ name }) => name).filter((name) => existsSync(join(ROOT, 'examples', name, 'rules')));
  assert.deepEqual(projects.sort(), Object.keys(USE_CASES).sort());
});

test('examples/README.md names every rule of the use cases', () => {
  const page = readFileSync(join(ROOT, 'examples/README.md'), 'utf8');
  for (const id of Object.values(USE_CASES).flatMap((cases) => Object.values(cases).flat())) {
    assert.ok(page.includes(`\`${id}\``), id);
  }
});

for (const [name, cases] of Object.entries(USE_CASES)) {
  const folder = `examples/${name}`;

  test(`${folder} has no mistake, and its inline tests pass`, async () => {
    const checked = await run(['check', folder], [check], ROOT);
    assert.match(checked.out, /^check: .* 0 errors, 0 warnings\n$/);
    const tested = await run(['test', folder], [testCommand], ROOT);
    assert.match(tested.out, /^test: \d+ rules, \d+ passed, 0 failed$/m);
    assert.deepEqual([checked.code, tested.code], [0, 0]);
  });

  test(`${folder} has the rules of its use cases, each with a test of when it fires and one of when it does not`, () => {
    const { config } = loadConfig({ file: `${folder}/tripline.yaml`, env: {}, folder: ROOT, withoutSecrets: true });
    const { rules } = loadProject({ paths: [folder], folder: ROOT, config });
    for (const [useCase, ids] of Object.entries(cases)) {
      for (const id of ids) assert.ok(rules.ruleSet.rule(id), `${useCase}: ${id}`);
    }
    for (const { id } of rules.ruleSet.rules) {
      const tests = rules.tests.filter(({ rule }) => rule === id);
      const outcomes = tests.map(({ expect }) =>
        expect.filter(({ rule }) => rule === id).map(({ outcome }) => outcome),
      );
      assert.ok(outcomes.flat().includes('fired'), `${id} has a test in which it fires`);
      // Someone among the given who gets nothing: an empty list, another outcome, or fewer decisions than entities.
      const quiet = tests.some(({ given }, index) => {
        const fired = outcomes[index]!.filter((outcome) => outcome === 'fired').length;
        return fired < new Set(given.map(({ entityId }) => entityId)).size || outcomes[index]!.includes('suppressed');
      });
      assert.ok(quiet, `${id} has a test in which someone gets nothing`);
    }
  });

  test(`every message that the tests of ${folder} would send can be written from its template`, async () => {
    const { config } = loadConfig({ file: `${folder}/tripline.yaml`, env: {}, folder: ROOT, withoutSecrets: true });
    const { rules, templates } = loadProject({ paths: [folder], folder: ROOT, config });
    let written = 0;
    for (const each of rules.tests) {
      for (const action of (await runTest(each, rules.ruleSet, config)).actions) {
        if (action.template === null) continue;
        for (const channel of [action.channel, ...action.fallback]) {
          const { subject, body } = templates[0]!.render({ ...action, channel });
          assert.ok(body.trim().length > 10 && !/[{}]|undefined|NaN/.test(body), `${action.rule}: ${body}`);
          if (channel === 'email') assert.match(subject ?? '', /^[^{}]{5,}$/, action.rule);
          written++;
        }
      }
    }
    assert.ok(written > 0);
  });

  test(`editors find the schema of each file in ${folder}`, () => {
    const schemas = { rules: 'rule', segments: 'segment', models: 'model' };
    const found = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true });
    let files = 0;
    for (const entry of found.filter((one) => one.name.endsWith('.yaml'))) {
      const kind = schemas[entry.parentPath.split('/').at(-1) as keyof typeof schemas];
      const schema = kind ?? (entry.name === 'caps.yaml' ? 'caps' : null);
      if (schema === null) continue;
      files++;
      const [first = ''] = readFileSync(join(entry.parentPath, entry.name), 'utf8').split('\n');
      const path = `${kind === undefined ? '../..' : '../../..'}/schemas/${schema}.schema.json`;
      assert.equal(first, `# yaml-language-server: $schema=${path}`, entry.name);
      assert.ok(readFileSync(join(entry.parentPath, path)).length > 0);
    }
    assert.ok(files > 0);
  });
}
