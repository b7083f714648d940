import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ProblemsError } from '../../../lib/problem.ts';
import { type Config, loadConfig } from '../../../services/config/index.ts';
import { formatOf } from '../../../services/job/source-format.ts';
import { folderWith } from '../../apps/cli/kit.ts';

function configOf(t: TestContext, text: string): Config {
  return loadConfig({ folder: folderWith(t, { 'tripline.yaml': text }), env: {} }).config;
}

test('the paths of a source reach the engine, those of its entity where it has none of its own', (t) => {
  const config = configOf(
    t,
    `entities: { device: { id: properties.deviceId } }
sources:
  - { topic: a, format: json, entity: device, event: kind, timestamp: at, messageId: key }
  - { topic: b, format: json, entity: device, id: device.id }
  - { topic: c, format: cloudevents, entity: device, keyed: true }
`,
  );
  const formats = config.sources.map((source) => formatOf(source, config, null));
  assert.deepEqual(formats, [
    {
      topic: 'a',
      format: 'json',
      keyed: false,
      entity: 'device',
      id: 'properties.deviceId',
      event: 'kind',
      timestamp: 'at',
      messageId: 'key',
      others: [],
    },
    { topic: 'b', format: 'json', keyed: false, entity: 'device', id: 'device.id', others: [] },
    { topic: 'c', format: 'cloudevents', keyed: true, entity: 'device', others: [] },
  ]);
});

test('a source of Avro needs a registry, and the mistake is shown where it is', (t) => {
  const sources = 'sources: [{ topic: orders, format: avro, id: user }]\n';
  assert.throws(
    () => configOf(t, sources),
    (error) => {
      assert.ok(error instanceof ProblemsError);
      assert.deepEqual(
        error.problems.map(({ line, message, hint }) => ({ line, message, hint })),
        [{ line: 1, message: 'the format "avro" needs a registry', hint: 'set `registry.url`' }],
      );
      return true;
    },
  );
  const config = configOf(t, `${sources}registry: { url: "http://127.0.0.1:1", allowPrivate: true }\n`);
  assert.deepEqual(config.registry, {
    url: 'http://127.0.0.1:1',
    auth: null,
    allowPrivate: true,
    startTimeoutMs: 60_000,
  });
  const schemas = { prepare: () => null, find: () => undefined };
  assert.equal(formatOf(config.sources[0]!, config, schemas).schemas, schemas);
});
