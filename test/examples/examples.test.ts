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

const WEEK_MS = 7 * 86_400_000;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The use cases, by what they are called, to the rules that are one. */
const USE_CASES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  shop: {
    'cart abandonment: message after 30 minutes, mail after half a day, coupon after a day, each for VIPs too': [
      'cart-recovery',
    ],
    'win-back of shoppers': ['win-back'],
    'push, then mail, then SMS, until it is bought': ['back-in-stock'],
    'subject line by an experiment': ['product-interest'],
  },
  saas: {
    'lead score crosses a threshold': ['lead-score'],
    'milestone reached': ['milestone'],
    'set-up step skipped': ['setup-skipped'],
    'feature unused for two weeks': ['feature-unused'],
    'usage drop': ['usage-drop'],
    'trial expiring, from trial to paid': ['trial-to-paid'],
    'win-back, with an offer after 72 hours without a click': ['win-back'],
    'onboarding series': ['onboarding'],
    'first within five minutes, next after 24 hours, at most three a week': ['pricing-series'],
    'review of high-value people': ['cancellation-offer'],
  },
  support: { 'urgent ticket routing': ['urgent-ticket'], 'deadline in 15 minutes': ['sla-warning'] },
  fraud: { 'suspicious transaction': ['suspicious-payment', 'card-testing', 'account-takeover', 'spending-spree'] },
  operations: { 'stock low': ['stock-low'], 'incident to page and status page': ['incident', 'service-recovered'] },
  iot: { 'sensor over threshold': ['overheating'] },
  'block-transaction': { 'block a transaction': ['block-transaction'] },
  'route-ticket': { 'route a ticket': ['route-ticket'] },
  reorder: { reorder: ['reorder'] },
  'status-page': { 'status page': ['status-outage', 'status-recovered'] },
  inapp: { 'message inside a page': ['signed-up'] },
  'double-opt-in': { 'a subscription that is confirmed': ['confirm'] },
};

/** What each rule sends by, in the order of its sends, whichever of them a flow comes to; with `or`, those to fall back on. */
const SENDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  shop: {
    'back-in-stock': 'push, email, sms',
    'cart-recovery': 'sms or push or inapp, webhook, email, email, email',
    'payment-trouble': 'webhook',
    'product-interest': 'email, email',
    'win-back': 'email',
  },
  saas: {
    'cancellation-offer': 'email, email',
    converted: 'email, slack',
    'feature-unused': 'push or email',
    'lead-score': 'slack',
    milestone: 'email',
    onboarding: 'email, email, email',
    'pricing-series': 'email, email, email',
    'setup-skipped': 'inapp',
    'trial-to-paid': 'email, email, email',
    'usage-drop': 'webhook',
    'win-back': 'email, email',
  },
  support: {
    'no-answer': 'slack',
    'sla-warning': 'slack, webhook',
    'unhappy-customer': 'slack',
    'urgent-ticket': 'webhook, slack',
  },
  fraud: {
    'account-takeover': 'webhook, sms',
    'card-testing': 'webhook, slack',
    'spending-spree': 'sms',
    'suspicious-payment': 'webhook, push or sms',
  },
  operations: {
    'bad-deploy': 'pagerduty',
    incident: 'pagerduty, webhook, email, pagerduty, webhook, email',
    'service-recovered': '',
    'stock-low': 'webhook, slack',
  },
  iot: { 'battery-low': 'webhook', overheating: 'webhook, slack', 'silent-sensor': 'webhook' },
  'block-transaction': { 'block-transaction': 'webhook' },
  'route-ticket': { 'route-ticket': 'webhook' },
  reorder: { reorder: 'webhook' },
  'status-page': { 'status-outage': 'webhook', 'status-recovered': 'webhook' },
  inapp: { 'signed-up': 'inapp' },
  'double-opt-in': { confirm: 'email' },
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

function projectOf(folder: string) {
  const { config } = loadConfig({ file: `${folder}/tripline.yaml`, env: {}, folder: ROOT, withoutSecrets: true });
  return { ...loadProject({ paths: [folder], folder: ROOT, config }), config };
}

for (const [name, cases] of Object.entries(USE_CASES)) {
  const folder = `examples/${name}`;

  test(`${folder} has no mistake, and its inline tests pass`, async () => {
    const checked = await run(['check', folder], [check], ROOT);
    assert.match(checked.out, /^check: .* 0 errors, 0 warnings\n$/);
    const tested = await run(['test', folder], [testCommand], ROOT);
    const { tests, ruleSet } = projectOf(folder).rules;
    assert.ok(tests.length >= 2 * ruleSet.rules.length);
    const summary = `test: ${ruleSet.rules.length} rules, ${tests.length} passed, 0 failed\n`;
    assert.equal(tested.out, `${tests.map((one) => `ok   ${one.rule}: ${one.name}\n`).join('')}${summary}`);
    assert.deepEqual([checked.code, tested.code, checked.err, tested.err], [0, 0, '', '']);
  });

  test(`in the tests of ${folder} each decision that fires is sent by the channels of its rule, to its entity, and no other`, async () => {
    const { rules, config } = projectOf(folder);
    const fired = new Set<string>();
    const sent = new Set<string>();
    for (const each of rules.tests) {
      const { decisions, actions } = await runTest(each, rules.ruleSet, config);
      const left = new Set(actions);
      for (const { id, rule, entity, at } of decisions.filter(({ outcome }) => outcome === 'fired')) {
        fired.add(rule);
        const { program } = rules.ruleSet.rule(rule)!;
        const byWhat = SENDS[name]![rule]!.split(', ').filter((one) => one !== '');
        assert.equal(program.sends.length, byWhat.length, rule);
        const own = actions.filter(({ decision }) => decision === id);
        for (const action of own) {
          left.delete(action);
          const place = program.sends.findIndex(({ step }) => step === action.step);
          assert.deepEqual([action.rule, action.entity.id], [rule, entity.id]);
          assert.equal([action.channel, ...action.fallback].join(' or '), byWhat[place], each.name);
          assert.ok(action.at >= at, each.name);
          sent.add(`${rule} ${action.step}`);
        }
        // Without a flow, all of them go out at once.
        if (!program.isFlow) assert.deepEqual([own.length, own.every((one) => one.at === at)], [byWhat.length, true]);
      }
      assert.deepEqual([...left], [], `${each.name}: sent without a decision that fired`);
    }
    assert.deepEqual([...fired].sort(), Object.keys(SENDS[name]!).sort());
    const sends = rules.ruleSet.rules.flatMap(({ id, program }) => program.sends.map(({ step }) => `${id} ${step}`));
    assert.deepEqual([...sent].sort(), sends.sort(), 'some test has each message sent');
  });

  test(`the tests of the flows of ${folder} walk a week and more, and say what became of each flow`, () => {
    const { rules } = projectOf(folder);
    for (const { id, program } of rules.ruleSet.rules.filter(({ program }) => program.waits)) {
      const tests = rules.tests.filter(({ rule }) => rule === id);
      const walked = tests.filter(({ advanceMs, actions }) => advanceMs >= WEEK_MS && actions !== null);
      assert.ok(walked.length >= 3, id);
      assert.ok(
        tests.some(({ flow }) => flow?.startsWith('ended') === true),
        id,
      );
      assert.ok(
        program.steps.every(({ kind, name }) => !['wait', 'waitFor', 'review'].includes(kind) || name !== null),
        id,
      );
    }
  });

  test(`${folder} has the rules of its use cases, each with a test of when it fires and one of when it does not`, () => {
    const { rules } = projectOf(folder);
    for (const [useCase, ids] of Object.entries(cases)) {
      for (const id of ids) assert.ok(rules.ruleSet.rule(id), `${useCase}: ${id}`);
    }
    for (const { id } of rules.ruleSet.rules) {
      const tests = rules.tests.filter(({ rule }) => rule === id);
      const outcomes = tests.map(({ expect }) =>
        (expect ?? []).filter(({ rule }) => rule === id).map(({ outcome }) => outcome),
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
    const { rules, templates, config } = projectOf(folder);
    let written = 0;
    for (const each of rules.tests) {
      for (const action of (await runTest(each, rules.ruleSet, config)).actions) {
        if (action.template === null) continue;
        for (const channel of [action.channel, ...action.fallback]) {
          const { fields, body } = templates[0]!.render({ ...action, channel });
          assert.ok(body.trim().length > 10 && !/[{}]|undefined|NaN/.test(body), `${action.rule}: ${body}`);
          if (channel === 'email') assert.match(fields.subject ?? '', /^[^{}]{5,}$/, action.rule);
          written++;
        }
      }
    }
    assert.equal(written > 0, templates.length > 0);
  });

  test(`editors find the schema of each file in ${folder}`, () => {
    const schemas = { rules: 'rule', segments: 'segment', models: 'model' };
    const found = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true });
    let files = 0;
    for (const entry of found.filter((one) => one.name.endsWith('.yaml'))) {
      const kind = schemas[entry.parentPath.split('/').at(-1) as keyof typeof schemas];
      const schema = kind ?? /^(caps|holdouts)\.yaml$/.exec(entry.name)?.[1] ?? null;
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
