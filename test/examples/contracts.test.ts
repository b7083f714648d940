// The documented webhook contracts: what is sent is what their pages and schemas say.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { Templates } from '../../connectors/channels/templates/templates.ts';
import { type WebhookBody, webhookBody } from '../../connectors/channels/webhook/body.ts';
import { loadConfig } from '../../services/config/index.ts';
import { loadProject } from '../../services/project/load-project.ts';
import { runTest } from '../../services/rule-tests/run-tests.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NO_TEMPLATES = new Templates(new Map());

/** All that the project's tests send, in their order. */
async function bodiesOf(folder: string): Promise<WebhookBody[]> {
  const { config } = loadConfig({ file: `${folder}/tripline.yaml`, env: {}, folder: ROOT, withoutSecrets: true });
  const { tests, ruleSet } = loadProject({ paths: [folder], folder: ROOT, config }).rules;
  const bodies: WebhookBody[] = [];
  for (const each of tests) {
    const { actions } = await runTest(each, ruleSet, config);
    bodies.push(...actions.map((action) => webhookBody(action, NO_TEMPLATES)));
  }
  return bodies;
}

/** Without what differs from version to version of a rule. */
function withoutIds({ type, timestamp, data }: WebhookBody): object {
  const { tripline, ...own } = data;
  const { entity, at, rule, step } = tripline as Record<string, unknown>;
  return { type, timestamp, data: { ...own, tripline: { rule, entity, at, step } } };
}

for (const name of ['block-transaction', 'route-ticket', 'reorder', 'status-page']) {
  const folder = `examples/${name}`;
  const read = (file: string): string => readFileSync(`${ROOT}/${folder}/${file}`, 'utf8');

  test(`every command of ${folder} is as its schema says, and the schema says so of no other`, async () => {
    const fits = new Ajv({ allErrors: true }).compile(JSON.parse(read('contract.schema.json')));
    const bodies = await bodiesOf(folder);
    assert.ok(bodies.length > 0);
    for (const body of bodies) assert.ok(fits(body), JSON.stringify(fits.errors));
    const [body] = bodies as [WebhookBody];
    assert.ok(!fits({ ...body, data: { ...body.data, command: 'other' } }));
    assert.ok(!fits({ ...body, data: { ...body.data, more: 1 } }));
  });

  test(`the page of ${folder} shows the first command as it is sent`, async () => {
    const shown = /```json\n([\s\S]*?)```/.exec(read('README.md'))![1]!;
    const [first] = (await bodiesOf(folder)) as [WebhookBody];
    assert.deepEqual(withoutIds(JSON.parse(shown)), withoutIds(first));
  });
}
