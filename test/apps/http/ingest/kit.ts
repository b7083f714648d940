// The ingest API on a real embedded log in a temporary folder, spoken to over real HTTP.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Agent, request } from 'undici';
import { type IngestOptions, startIngest } from '../../../../apps/http/ingest/ingest.ts';
import { openEmbeddedLog } from '../../../../connectors/logs/embedded/index.ts';
import { type Clock, systemClock } from '../../../../lib/clock.ts';
import type { JsonObject } from '../../../../schemas/json.ts';
import type { LogRecord } from '../../../../schemas/record.ts';
import { type Config, loadConfig } from '../../../../services/config/index.ts';
import { readTopic } from '../../../../services/topics/read-topic.ts';
import type { Log, LogWriter } from '../../../../topology/engine/ports.ts';

export const KEY = 'k1';
export const TOPIC = 'events.shop';
export const PARTITIONS = 4;

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly json: JsonObject;
}

export interface PostOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** The write key in the header; null: none. Default KEY. */
  readonly key?: string | null;
}

export interface Kit {
  readonly url: string;
  readonly log: Log;
  close(): Promise<void>;
  get(path: string): Promise<Answered>;
  /** Posts JSON, or the body as it is. */
  post(path: string, body: unknown, options?: PostOptions): Promise<Answered>;
  /** All records of the source topic. */
  records(): Promise<readonly LogRecord[]>;
  /** Their values. */
  events(): Promise<readonly JsonObject[]>;
}

export interface KitOptions extends Partial<Omit<IngestOptions, 'config' | 'log'>> {
  readonly yaml?: string;
  /** Puts itself between the API and the log. */
  readonly wrap?: (log: Log) => Log;
}

export const silent = { info: () => {}, warn: () => {}, error: () => {} };

export function configWith(t: TestContext, yaml: string): Config {
  const folder = mkdtempSync(join(tmpdir(), 'tripline-ingest-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'tripline.yaml'), yaml);
  return loadConfig({ file: 'tripline.yaml', env: {}, folder }).config;
}

const YAML = `application: shop\nhttp: { port: 0, writeKeys: [${KEY}, second] }\n`;

export async function startKit(t: TestContext, options: KitOptions = {}): Promise<Kit> {
  const { yaml = YAML, wrap = (log: Log) => log, ...rest } = options;
  const config = configWith(t, yaml);
  const log = await openEmbeddedLog({ dir: join(config.dataDir, 'log'), clock: systemClock });
  t.after(() => log.close());
  await log.admin.createTopics([{ topic: TOPIC, partitions: PARTITIONS }]);
  const ingest = await startIngest({
    config,
    log: wrap(log),
    clock: systemClock,
    logger: silent,
    isReady: () => true,
    onFatal: () => {},
    ...rest,
  });
  const agent = new Agent();
  t.after(() => agent.destroy());
  // Hooks run in the order in which they were added, and the log is the last to close.
  t.after(() => ingest.close());
  const answered = async (sent: ReturnType<typeof request>): Promise<Answered> => {
    const { statusCode, headers, body } = await sent;
    return { status: statusCode, headers, json: (await body.json()) as JsonObject };
  };
  const records = async (): Promise<readonly LogRecord[]> => {
    const all: LogRecord[] = [];
    for await (const record of readTopic(log, TOPIC)) all.push(record);
    return all;
  };
  return {
    url: ingest.url,
    log,
    close: () => ingest.close(),
    get: (path) => answered(request(`${ingest.url}${path}`, { dispatcher: agent })),
    post: (path, body, { headers = {}, key = KEY } = {}) =>
      answered(
        request(`${ingest.url}${path}`, {
          method: 'POST',
          dispatcher: agent,
          headers: {
            'content-type': 'application/json',
            ...(key !== null && { authorization: basic(key) }),
            ...headers,
          },
          body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
        }),
      ),
    records,
    events: async () => (await records()).map(({ value }) => JSON.parse(Buffer.from(value!).toString('utf8'))),
  };
}

export function basic(key: string, password = ''): string {
  return `Basic ${Buffer.from(`${key}:${password}`).toString('base64')}`;
}

/** A clock that stands at `now`; it sleeps as the real one. */
export function clockAt(now: string): Clock {
  return { ...systemClock, now: () => Date.parse(now) };
}

/** A log whose commits are counted, held back, or failed. */
export class TestedLog implements Log {
  readonly #log: Log;
  commits = 0;
  writers = 0;
  /** What each commit waits for before it is made. */
  gate: Promise<unknown> = Promise.resolve();
  /** What the next commits and openings throw, in order. */
  readonly commitErrors: Error[] = [];
  readonly openErrors: Error[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  get admin() {
    return this.#log.admin;
  }

  openReader() {
    return this.#log.openReader();
  }

  async openWriter(id: string): Promise<LogWriter> {
    const error = this.openErrors.shift();
    if (error !== undefined) throw error;
    this.writers++;
    const writer = await this.#log.openWriter(id);
    return {
      send: (records) => writer.send(records),
      commit: async (group, positions) => {
        this.commits++;
        await this.gate;
        const failure = this.commitErrors.shift();
        if (failure !== undefined) throw failure;
        return writer.commit(group, positions);
      },
      abort: () => writer.abort(),
      close: () => writer.close(),
    };
  }

  close() {
    return this.#log.close();
  }
}
