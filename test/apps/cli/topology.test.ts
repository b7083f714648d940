import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topology as topologyCommand } from '../../../apps/cli/commands/topology.ts';
import { folderWith, run } from './kit.ts';

const FILES = {
  'rules/a.yaml': 'id: a\nwhen: { event: x }\n',
  'tripline.yaml': `sources:
  - { topic: events.shop, keyed: true }
  - { topic: raw }
channels: { webhook: { url: "https://hooks.example.com" } }
`,
};

test('the topology of a configuration is shown in the order in which records flow', async (t) => {
  const { code, out } = await run(['topology'], [topologyCommand], folderWith(t, FILES));
  assert.equal(code, 0);
  const heads = out.split('\n').filter((line) => line.startsWith('Sub-topology'));
  assert.deepEqual(heads, ['Sub-topology 0: intake raw', 'Sub-topology 1: entities', 'Sub-topology 2: outbox-webhook']);
});

test('--mermaid draws the same', async (t) => {
  const { out } = await run(['topology', '--mermaid'], [topologyCommand], folderWith(t, FILES));
  assert.match(out, /^flowchart LR\n/);
  for (const name of ['events.shop', 'raw', 'actions.webhook', 'tripline.deliveries'])
    assert.ok(out.includes(`("${name}")`), name);
});
