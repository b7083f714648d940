// A worker with an inbox, as a process of its own, and what users of a site do with it.

import type { TestContext } from 'node:test';
import { SignJWT } from 'jose';
import { request } from 'undici';
import { type Config, loadConfig } from '../../../../services/config/index.ts';
import { WorkerProcess } from '../../../../testing/worker-process.ts';
import { folderWith } from '../../cli/kit.ts';

export const SECRET = 'a secret that only the shop and Tripline know';
const START_MS = 60_000;
const RULES = 'id: welcome\nwhen: { event: signed_up }\nthen: [{ send: { channel: inapp, template: welcome } }]\n';
const TEMPLATE = '---\ntitle: "Hello {{ event.properties.name }}"\nurl: /start\n---\nGood to see you.\n';

export interface InboxWorker {
  readonly worker: WorkerProcess;
  readonly folder: string;
  config(): Config;
  url(): string;
  /** Has a message delivered to the user. */
  signUp(user: string, messageId: string): Promise<void>;
  call(
    path: string,
    options?: { readonly method?: string; readonly token?: string; readonly body?: string },
  ): Promise<Called>;
}

export interface Called {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: each answer is JSON of its own
  readonly json: any;
}

export function tokenFor(user: string, expires = '1h', secret = SECRET): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setExpirationTime(expires)
    .sign(Buffer.from(secret));
}

export async function startInboxWorker(t: TestContext, threads = 1): Promise<InboxWorker> {
  const folder = folderWith(t, { 'rules/welcome.yaml': RULES, 'templates/welcome/inapp.liquid': TEMPLATE });
  const config = [
    'application: shop',
    'dataDir: ./data',
    `threads: ${threads}`,
    'log: { partitions: 2 }',
    'outOfOrderness: 0s',
    'http: { port: 0, writeKeys: ["k1"] }',
    'rules: ./rules',
    'templates: ./templates',
    `channels: { inapp: { secret: "${SECRET}" } }`,
  ].join('\n');
  const worker = new WorkerProcess({ number: 1, folder, config: `${config}\n` });
  t.after(() => worker.kill());
  worker.start();
  await worker.untilRunning(START_MS);
  const url = (): string => worker.log().findLast((line) => line.msg === 'taking events over HTTP')!['url'] as string;
  const call: InboxWorker['call'] = async (path, { method = 'GET', token, body } = {}) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const answer = await request(`${url()}${path}`, { method, headers, ...(body !== undefined && { body }) });
    const text = await answer.body.text();
    let json: unknown = null;
    try {
      json = JSON.parse(text);
    } catch {}
    return { status: answer.statusCode, headers: answer.headers, text, json };
  };
  const signUp = async (userId: string, messageId: string): Promise<void> => {
    const body = JSON.stringify({ userId, messageId, event: 'signed_up', properties: { name: userId } });
    const { status, text } = await call('/v1/track', { method: 'POST', token: 'k1', body });
    if (status !== 200) throw new Error(text);
  };
  const configOf = (): Config => loadConfig({ file: 'tripline.yaml', env: {}, folder }).config;
  return { worker, folder, config: configOf, url, call, signUp };
}
