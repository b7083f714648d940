import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { formatProblem } from '../../../lib/problem.ts';
import { loadConfig } from '../../../services/config/index.ts';
import { loadProject } from '../../../services/project/load-project.ts';
import { folderWith } from '../../apps/cli/kit.ts';

const CONFIG = `http: { publicUrl: "https://shop.test" }
deliveredElsewhere: [email]
consent: { doubleOptIn: { categories: [news] } }
`;

function problems(t: TestContext, rules: string, isLive: boolean) {
  const folder = folderWith(t, { 'tripline.yaml': CONFIG, 'rules/a.yaml': rules });
  const { config } = loadConfig({ folder, env: {} });
  const { errors, warnings } = loadProject({ paths: ['rules'], folder, config, isLive });
  return { errors: errors.map(formatProblem), warnings: warnings.map(formatProblem) };
}

test('what must be confirmed and nobody is asked about stops a worker, and is a warning of check', (t) => {
  const message =
    'configuration: consent.doubleOptIn: no rule sends the link to confirm, so what must be confirmed is never allowed ' +
    '(add a rule for the event consent_requested, as in docs/channels.md, or leave doubleOptIn out)';
  const silent = 'id: a\nwhen: { event: paid }\n';
  assert.deepEqual(problems(t, silent, true), { errors: [message], warnings: [] });
  assert.deepEqual(problems(t, silent, false), { errors: [], warnings: [message] });
  for (const order of ['', 'order: event-time\n']) {
    const asks = `id: a\n${order}when: { event: consent_requested }\n`;
    assert.deepEqual(problems(t, asks, true), { errors: [], warnings: [] });
  }
});
