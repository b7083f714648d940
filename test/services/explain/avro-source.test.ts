import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import avsc from 'avsc';
import { explain as explainCommand } from '../../../apps/cli/commands/explain.ts';
import { until } from '../../../testing/until.ts';
import { folderWith, run } from '../../apps/cli/kit.ts';
import { openShop, START } from '../../apps/cli/shop-project.ts';

const ORDER = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'user', type: 'string' },
    { name: 'what', type: 'string' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
  ],
};

/** A registry with one schema, 7. */
async function registry(t: TestContext): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/vnd.schemaregistry.v1+json');
    response.end(JSON.stringify({ schema: JSON.stringify(ORDER) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function order(user: string, what: string, at: number): Buffer {
  const head = Buffer.from([0, 0, 0, 0, 7]);
  return Buffer.concat([head, avsc.Type.forSchema(ORDER as avsc.Schema).toBuffer({ user, what, at })]);
}

test('a rule over a source of Avro is explained: records wait for their schema, as they did in the worker', async (t) => {
  const url = await registry(t);
  const folder = folderWith(t, {
    'tripline.yaml': `application: shop
deliveredElsewhere: [webhook, email]
validFor: { operational: forever, marketing: forever }
dataDir: ./data
registry: { url: "${url}", allowPrivate: true }
sources: [{ topic: orders, keyed: true, format: avro, id: user, event: what, timestamp: at }]
`,
    'rules/paid.yaml': 'id: paid\nwhen: { event: paid }\n',
  });
  const shop = await openShop(t, folder);
  await shop.pipe('orders', { key: 'u1', value: order('u1', 'paid', START) });
  await until(
    async () => {
      await shop.run();
      return (await shop.read('tripline.decisions')).length > 0;
    },
    { message: 'its schema is there, and it is decided' },
  );
  await shop.close();
  const { code, out, err } = await run(['explain', '--rule', 'paid', '--user', 'u1'], [explainCommand], folder);
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /1 decision, 1 fired/);
});
