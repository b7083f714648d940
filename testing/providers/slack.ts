// Slack on this machine, for trying rules that post to it: chat.postMessage (channels.slack.apiUrl is `apiUrl`) and an incoming
// webhook (channels.slack.url is `webhookUrl`); and somebody who presses a button of a message.
//
// Owns: what Slack documents of both: log-in, channels, limits, one message a second for each channel (with its Retry-After).
// Does not own: showing anything to anybody.

import { createHmac } from 'node:crypto';
import { type HttpProvider, type ProviderAnswer, type ProviderRequest, startHttpProvider } from './http-provider.ts';

export interface SlackMessage {
  readonly channel: string;
  readonly text: string | null;
  readonly blocks: readonly unknown[];
}

export interface SlackPressed {
  /** The app's URL for interactions. */
  readonly url: string;
  /** Place of the message in `messages`. */
  readonly message: number;
  /** `action_id` of the button. */
  readonly action: string;
  readonly user: { readonly id: string; readonly name: string };
  /** Wall time, ms. */
  readonly now: number;
}

export interface Slack extends HttpProvider {
  readonly apiUrl: string;
  readonly webhookUrl: string;
  readonly messages: readonly SlackMessage[];
  /** Channels that are there, and whether the bot is in them. A webhook posts to the first. */
  readonly channels: Map<string, 'member' | 'not_in_channel' | 'is_archived'>;
  /** What was posted to the response URLs of presses, in order. */
  readonly responses: readonly Readonly<Record<string, unknown>>[];
  /** Somebody presses a button, which is told to the app, signed. The status that it answers with. */
  press(pressed: SlackPressed): Promise<number>;
}

export interface SlackOptions {
  readonly token?: string;
  /** Of the app: signs what it is told. */
  readonly signingSecret?: string;
  /** Wall time in ms; given: more than one message a second for a channel is refused. */
  readonly now?: () => number;
  readonly port?: number;
}

const TEXT_MAX = 40_000;
const BLOCKS_MAX = 50;
const RESPONSE_PATH = '/actions/';
const WEBHOOK_PATH = '/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX';

export async function startSlack({
  token = 'xoxb-test',
  signingSecret = 'slack-signing-secret',
  now,
  port = 0,
}: SlackOptions = {}): Promise<Slack> {
  const messages: SlackMessage[] = [];
  const channels: Slack['channels'] = new Map([['C0123456789', 'member']]);
  const lastOf = new Map<string, number>();
  const responses: Readonly<Record<string, unknown>>[] = [];

  /** The error, or null once it is posted. */
  const post = (channel: string, fields: Record<string, unknown>): string | null => {
    const state = channels.get(channel);
    if (state === undefined) return 'channel_not_found';
    if (state !== 'member') return state;
    const text = typeof fields['text'] === 'string' ? fields['text'] : null;
    const blocks = Array.isArray(fields['blocks']) ? fields['blocks'] : [];
    if (!text && blocks.length === 0) return 'no_text';
    if ((text?.length ?? 0) > TEXT_MAX) return 'msg_too_long';
    if (blocks.length > BLOCKS_MAX) return 'invalid_blocks';
    if (now !== undefined && now() - (lastOf.get(channel) ?? Number.NEGATIVE_INFINITY) < 1_000) return 'ratelimited';
    lastOf.set(channel, now?.() ?? 0);
    messages.push({ channel, text, blocks });
    return null;
  };

  const handle = ({ path, headers, body }: ProviderRequest): ProviderAnswer => {
    const fields = objectOf(body);
    if (path === WEBHOOK_PATH) {
      if (fields === null) return { status: 400, body: 'invalid_payload' };
      return webhookAnswer(post([...channels.keys()][0]!, fields));
    }
    if (path.startsWith(RESPONSE_PATH)) {
      if (fields === null) return { status: 400, body: 'invalid_payload' };
      responses.push(fields);
      return { status: 200, body: 'ok' };
    }
    if (path.startsWith('/services/')) return { status: 404, body: 'no_service' };
    if (path !== '/api/chat.postMessage') return { status: 200, body: { ok: false, error: 'unknown_method' } };
    if (headers.authorization === undefined) return { status: 200, body: { ok: false, error: 'not_authed' } };
    if (headers.authorization !== `Bearer ${token}`) return { status: 200, body: { ok: false, error: 'invalid_auth' } };
    if (fields === null) return { status: 200, body: { ok: false, error: 'invalid_json' } };
    const channel = String(fields['channel']);
    const error = post(channel, fields);
    if (error === 'ratelimited') return { status: 429, headers: { 'retry-after': '1' }, body: { ok: false, error } };
    if (error !== null) return { status: 200, body: { ok: false, error } };
    return { status: 200, body: { ok: true, channel, ts: `1767225600.${String(messages.length).padStart(6, '0')}` } };
  };

  const provider = await startHttpProvider(handle, port);
  const apiUrl = `${provider.url}/api`;
  const press: Slack['press'] = async ({ url, message, action, user, now: at }) => {
    const button = buttonIn(messages[message]?.blocks ?? [], action);
    if (button === null) throw new Error(`message ${message} has no button "${action}"`);
    const payload = JSON.stringify({
      type: 'block_actions',
      user: { ...user, username: user.name, team_id: 'T00000000' },
      channel: { id: messages[message]!.channel },
      response_url: `${provider.url}${RESPONSE_PATH}T00000000/${message}/x`,
      actions: [{ ...button, action_ts: String(at / 1_000) }],
    });
    const body = new URLSearchParams({ payload }).toString();
    const timestamp = String(Math.floor(at / 1_000));
    const signature = `v0=${createHmac('sha256', signingSecret).update(`v0:${timestamp}:${body}`).digest('hex')}`;
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': signature,
    };
    const answer = await fetch(url, { method: 'POST', headers, body });
    await answer.body?.cancel();
    return answer.status;
  };
  return { ...provider, apiUrl, webhookUrl: provider.url + WEBHOOK_PATH, messages, channels, responses, press };
}

/** As its press tells of it. */
function buttonIn(blocks: readonly unknown[], action: string): Record<string, unknown> | null {
  for (const block of blocks as readonly { readonly type: string; readonly elements?: readonly object[] }[]) {
    const found = block.type === 'actions' ? block.elements?.find((one) => (one as Button).action_id === action) : null;
    if (found === null || found === undefined) continue;
    const { type, action_id, value } = found as Button;
    return { type, action_id, value };
  }
  return null;
}

interface Button {
  readonly type: string;
  readonly action_id: string;
  readonly value: string;
}

/** A webhook speaks in words and statuses. */
function webhookAnswer(error: string | null): ProviderAnswer {
  if (error === null) return { status: 200, body: 'ok' };
  if (error === 'ratelimited') return { status: 429, headers: { 'retry-after': '1' }, body: 'rate_limited' };
  if (error === 'is_archived') return { status: 410, body: 'channel_is_archived' };
  return { status: error === 'channel_not_found' ? 404 : 400, body: error };
}

function objectOf(body: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
