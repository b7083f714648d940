// Slack on this machine, for trying rules that post to it: chat.postMessage (channels.slack.apiUrl is `apiUrl`) and an incoming
// webhook (channels.slack.url is `webhookUrl`).
//
// Owns: what Slack documents of both: log-in, channels, limits, one message a second for each channel (with its Retry-After).
// Does not own: showing anything to anybody.

import { type HttpProvider, type ProviderAnswer, type ProviderRequest, startHttpProvider } from './http-provider.ts';

export interface SlackMessage {
  readonly channel: string;
  readonly text: string | null;
  readonly blocks: readonly unknown[];
}

export interface Slack extends HttpProvider {
  readonly apiUrl: string;
  readonly webhookUrl: string;
  readonly messages: readonly SlackMessage[];
  /** Channels that are there, and whether the bot is in them. A webhook posts to the first. */
  readonly channels: Map<string, 'member' | 'not_in_channel' | 'is_archived'>;
}

export interface SlackOptions {
  readonly token?: string;
  /** Wall time in ms; given: more than one message a second for a channel is refused. */
  readonly now?: () => number;
  readonly port?: number;
}

const TEXT_MAX = 40_000;
const BLOCKS_MAX = 50;
const WEBHOOK_PATH = '/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX';

export async function startSlack({ token = 'xoxb-test', now, port = 0 }: SlackOptions = {}): Promise<Slack> {
  const messages: SlackMessage[] = [];
  const channels: Slack['channels'] = new Map([['C0123456789', 'member']]);
  const lastOf = new Map<string, number>();

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
  return { ...provider, apiUrl, webhookUrl: provider.url + WEBHOOK_PATH, messages, channels };
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
