// docker-compose.yml: valid by the Compose Specification, and of one mind with the example that it runs.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import type { EmailOptions } from '../../connectors/channels/email/options.ts';
import { loadConfig } from '../../services/config/index.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly entrypoint?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const text = readFileSync(`${ROOT}docker-compose.yml`, 'utf8');
const compose = parse(text) as Compose;
const { worker, kafka, prometheus } = compose.services as Record<'worker' | 'kafka' | 'prometheus', Service>;

function problemsOf(value: unknown): unknown[] {
  const { $schema: _draft7, ...schema } = JSON.parse(
    readFileSync(new URL('./fixtures/compose-spec.json', import.meta.url), 'utf8'),
  );
  // Formats such as `duration` are the specification's own; the shapes are what is checked here.
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  const validate = ajv.compile(schema);
  validate(value);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

test('the compose file fits the schema of the Compose Specification, which refuses what is wrong', () => {
  assert.deepEqual(problemsOf(compose), []);
  assert.notDeepEqual(problemsOf({ ...compose, services: { worker: { imaje: 'x' } } }), []);
  assert.notDeepEqual(problemsOf({ services: { worker: { ports: 'none' } } }), []);
});

test('services wait for services that are there, and use volumes and files that are there', () => {
  for (const [name, { depends_on = {}, volumes = [], image, build }] of Object.entries(compose.services)) {
    for (const other of Object.keys(depends_on)) assert.ok(other in compose.services, `${name} waits for ${other}`);
    for (const volume of volumes) {
      const [source] = volume.split(':') as [string];
      assert.ok(source.startsWith('.') ? existsSync(`${ROOT}${source}`) : source in compose.volumes, volume);
    }
    if (build === undefined) assert.match(image ?? '', /:v?\d+\.\d+/, `${name} has no exact version`);
  }
});

test('ports are open to this machine only', () => {
  for (const { ports = [] } of Object.values(compose.services)) {
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/);
  }
});

/** `${NAME:-default}` and `${NAME:?what}` as compose does it. */
function interpolated(value: string | number): string {
  return String(value).replace(/\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}/g, (_, name: string, byDefault?: string) => {
    return byDefault ?? `given-${name}`;
  });
}

test('the worker’s environment makes the example’s configuration one for this cluster', () => {
  const env = Object.fromEntries(
    Object.entries(worker.environment!).map(([name, value]) => [name, interpolated(value)]),
  );
  const { config, warnings } = loadConfig({ file: `${ROOT}examples/shop/tripline.yaml`, folder: ROOT, env });
  assert.deepEqual(warnings, []);
  const advertised = String(kafka.environment!['KAFKA_ADVERTISED_LISTENERS']);
  assert.ok(advertised.includes(`INSIDE://${config.kafka!.brokers[0]}`), advertised);
  assert.ok(compose.services[(config.channels['email'] as EmailOptions).host!] !== undefined);
  assert.ok(compose.services[new URL(config.registry!.url).hostname] !== undefined);
  assert.equal(config.registry!.allowPrivate, true);
  assert.equal(config.http!.host, '0.0.0.0');
  assert.ok(worker.ports!.some((port) => port.endsWith(`:${config.http!.port}`)));
  assert.ok(worker.volumes!.some((volume) => volume.endsWith(`:${config.dataDir}`)));
  const { entrypoint } = compose.services['source-topics'] as Service;
  for (const { topic } of config.sources) assert.ok(entrypoint!.includes(`--topic=${topic}`), topic);
});

test('Prometheus scrapes the worker where it listens', () => {
  const file = prometheus.volumes![0]!.split(':')[0]!;
  const { scrape_configs } = parse(readFileSync(`${ROOT}${file}`, 'utf8')) as {
    scrape_configs: { metrics_path: string; static_configs: { targets: string[] }[] }[];
  };
  assert.deepEqual(
    scrape_configs.map(({ metrics_path, static_configs }) => [metrics_path, static_configs[0]!.targets]),
    [['/metrics', ['worker:8080']]],
  );
});
