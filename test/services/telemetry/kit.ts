// A whole worker on an embedded log, with a webhook receiver and an OpenTelemetry collector, all over real HTTP.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { request } from 'undici';
import { runWorker } from '../../../apps/worker/worker.ts';
import { loadConfig } from '../../../services/config/index.ts';
import { until } from '../../../testing/until.ts';
import { basic, silent } from '../../apps/http/ingest/kit.ts';
import { type Receiver, startReceiver } from '../../connectors/channels/webhook/receiver.ts';

const RULES = `id: thanks
urgency: operational
when: { event: purchase }
then: [{ send: { channel: webhook, data: { user: event.userId } } }]
`;

export interface RunningWorker {
  readonly url: string;
  readonly receiver: Receiver;
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<number>;
  get(path: string): Promise<{ readonly status: number; readonly text: string }>;
  stop(): Promise<void>;
}

/** Ready for events. `yaml`: what the configuration has besides, in place of `http` with a key when it has one. */
export async function startWorker(t: TestContext, yaml: string): Promise<RunningWorker> {
  const receiver = await startReceiver(t);
  const folder = mkdtempSync(join(tmpdir(), 'tripline-telemetry-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'rules'));
  writeFileSync(join(folder, 'rules/thanks.yaml'), RULES);
  const http = /^http:/m.test(yaml) ? '' : 'http: { port: 0, writeKeys: [k1] }\n';
  const application = /^application:/m.test(yaml) ? '' : 'application: shop\n';
  const channels = `channels: { webhook: { url: "${receiver.url}", allowPrivate: true } }\n`;
  writeFileSync(join(folder, 'tripline.yaml'), `${application}${http}${channels}${yaml}\n`);
  const { config } = loadConfig({ file: 'tripline.yaml', env: {}, folder });
  const listening = Promise.withResolvers<string>();
  const info = ({ url }: Readonly<Record<string, unknown>>): void => {
    if (typeof url === 'string') listening.resolve(url);
  };
  const stopping = new AbortController();
  const ran = runWorker({ config, logger: { ...silent, info } }, stopping.signal);
  ran.catch(listening.reject);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await ran;
  };
  t.after(stop);
  const url = await listening.promise;
  const get: RunningWorker['get'] = async (path) => {
    const { statusCode, body } = await request(`${url}${path}`);
    return { status: statusCode, text: await body.text() };
  };
  await until(async () => (await get('/health/ready')).status === 200);
  return {
    url,
    receiver,
    get,
    stop,
    async post(path, body, headers = {}) {
      const { statusCode, body: answer } = await request(`${url}${path}`, {
        method: 'POST',
        headers: { authorization: basic('k1'), ...headers },
        body: JSON.stringify(body),
      });
      await answer.dump();
      return statusCode;
    },
  };
}

/** The lines of Prometheus' text, by series. */
export function parsePrometheus(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

/** Sum of the series of this name that have all these labels. */
export function sumOf(series: ReadonlyMap<string, number>, name: string, ...labels: readonly string[]): number {
  let sum = 0;
  for (const [id, value] of series) {
    if ((id === name || id.startsWith(`${name}{`)) && labels.every((label) => id.includes(label))) sum += value;
  }
  return sum;
}

export interface CollectedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

export interface Collector {
  readonly url: string;
  /** Paths and headers of what came. */
  readonly requests: { readonly path: string; readonly key: string | undefined }[];
  readonly spans: CollectedSpan[];
  /** Name to the last data sent. */
  readonly metrics: Map<string, unknown>;
  readonly resources: Set<string>;
}

interface Batch {
  readonly resource: { readonly attributes: readonly { key: string; value: { stringValue?: string } }[] };
}

/** Takes OTLP in JSON, as the exporters send it. */
export async function startCollector(t: TestContext): Promise<Collector> {
  const collected = { requests: [], spans: [], metrics: new Map(), resources: new Set() } as unknown as Collector;
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const json = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
      resourceMetrics?: readonly (Batch & { scopeMetrics: readonly { metrics: readonly { name: string }[] }[] })[];
      resourceSpans?: readonly (Batch & { scopeSpans: readonly { spans: readonly CollectedSpan[] }[] })[];
    };
    collected.requests.push({ path: incoming.url!, key: incoming.headers['x-key'] as string | undefined });
    for (const { resource, scopeMetrics } of json.resourceMetrics ?? []) {
      const name = resource.attributes.find(({ key }) => key === 'service.name');
      collected.resources.add(name?.value.stringValue ?? '');
      for (const { metrics } of scopeMetrics) for (const metric of metrics) collected.metrics.set(metric.name, metric);
    }
    for (const { scopeSpans } of json.resourceSpans ?? []) {
      for (const { spans } of scopeSpans) collected.spans.push(...spans);
    }
    response.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return Object.assign(collected, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}
