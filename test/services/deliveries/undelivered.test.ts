import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SendResult } from '../../../connectors/channels/delivery/sender.ts';
import { addConnector } from '../../../connectors/channels/delivery/topology.ts';
import { seededRng } from '../../../lib/rng.ts';
import { actionCodec } from '../../../schemas/framed.ts';
import { loadConfig } from '../../../services/config/index.ts';
import { type Undelivered, undelivered } from '../../../services/deliveries/undelivered.ts';
import type { ServiceContext } from '../../../services/service-context.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { TestDriver } from '../../../testing/test-driver.ts';
import { Topology } from '../../../topology/engine/builder.ts';
import { folderWith } from '../../apps/cli/kit.ts';
import { makeAction } from '../../connectors/channels/delivery/fake-context.ts';
import { FakeSender } from '../../connectors/channels/delivery/fake-sender.ts';
import { testDesk } from '../../connectors/channels/delivery/test-desk.ts';

const CONFIG = `application: shop
channels:
  ops: { type: webhook, url: "https://ops.example.com/" }
`;

test('what waits for its next attempt is told of every channel, those with names of their own among them', async (t) => {
  const clock = new FakeClock();
  const away: SendResult = { outcome: 'retry', reason: 'HTTP 503' };
  const topology = (): Topology => {
    const made = new Topology();
    for (const channel of ['ops', 'email']) {
      addConnector(made, {
        application: 'shop',
        channel,
        prefix: 'tripline',
        sender: new FakeSender(() => away),
        rng: seededRng(1),
        desk: testDesk({ channel, clock }),
        archives: false,
        tellsSent: false,
        alertsTo: null,
      });
    }
    return made;
  };
  const driver = await TestDriver.open({ topology, application: 'shop', clock });
  t.after(() => driver.close());
  for (const channel of ['ops', 'email']) {
    const action = makeAction({ id: `to-${channel}`, decision: `of-${channel}`, channel });
    await driver.pipe(`actions.${channel}`, { key: 'u1', value: actionCodec.encode(action) });
  }
  for (let turn = 0; turn < 5; turn++) {
    await driver.run();
    await new Promise(setImmediate);
  }
  const { config } = loadConfig({ file: 'tripline.yaml', env: {}, folder: folderWith(t, { 'tripline.yaml': CONFIG }) });
  const context = { config, clock, log: async () => driver.log, pause: async () => {} } as unknown as ServiceContext;
  const found: Undelivered[] = [];
  const asked = { signal: new AbortController().signal, isForwarded: false };
  for await (const each of undelivered(context, {}, asked)) found.push(each);
  assert.deepEqual(
    found.map(({ decision, channel, state, attempts }) => [decision, channel, state, attempts]),
    [
      ['of-email', 'email', 'waiting', 1],
      ['of-ops', 'ops', 'waiting', 1],
    ],
  );
});
