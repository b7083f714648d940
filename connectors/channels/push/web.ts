// Web Push: RFC 8030 (delivery), 8291 (encryption), 8292 (VAPID), with Declarative Web Push's JSON inside.
//
// Owns: the JSON, headers, what answers mean. Does not own: the encryption (the library web-push).
//
// Invariants:
//   W1. 404 and 410 say that the subscription is gone (RFC 8030, 7.3). Every other refusal is that subscription's own: whoever
//       subscribes chooses the endpoint, and must not be able to stop the channel for others.
//   W2. Only https, and no private address, unless that is allowed, whatever DNS says.

import type { KeyObject } from 'node:crypto';
import { createPrivateKey } from 'node:crypto';
import type { Action } from '../../../schemas/action.ts';
import { HttpClient } from '../../http/http-client.ts';
import type { ChannelDependencies } from '../channel.ts';
import { parseRetryAfter } from '../delivery/backoff.ts';
import type { ShortMessage } from '../templates/short-message.ts';
import { collapseKey, fittingPayload, PAYLOAD_BYTES_MAX } from './content.ts';
import { vapidJwk, type WebOptions } from './options.ts';
import { type DeviceMessage, type DeviceOutcome, type PushProvider, secondsLeft } from './provider.ts';

/** Of a message that is good for ever: push services keep none for longer than about four weeks. */
const TTL_SECONDS_MAX = 28 * 24 * 3_600;
/** What aes128gcm adds in one record: header with a key of 65 bytes (86), delimiter (1), tag (16). */
const ENCRYPTION_BYTES = 103;
/** RFC 8292 allows 24 hours. */
const VAPID_MS = 12 * 3_600_000;
/** A browser maker has one or two. */
const ORIGINS_MAX = 100;
const URGENCY: Readonly<Record<string, string>> = { critical: 'high', operational: 'normal', marketing: 'low' };
/** The number of RFC 8030 by which a message is known as declarative. */
const DECLARATIVE = 8030;

export class WebPushProvider implements PushProvider {
  readonly #options: WebOptions;
  readonly #key: KeyObject;
  readonly #clock: ChannelDependencies['clock'];
  readonly #http: HttpClient;
  /** Authorization by origin, good for the next half of VAPID_MS at least. */
  readonly #vapid = new Map<string, { readonly header: string; readonly expires: number }>();

  constructor(options: WebOptions, { clock, lookup }: Pick<ChannelDependencies, 'clock' | 'lookup'>) {
    this.#options = options;
    this.#key = createPrivateKey({ key: vapidJwk(options), format: 'jwk' });
    this.#clock = clock;
    this.#http = new HttpClient({ clock, allowPrivate: options.allowPrivate, lookup });
  }

  async send(message: DeviceMessage, signal: AbortSignal): Promise<DeviceOutcome> {
    const { action, device } = message;
    const { endpoint, p256dh, auth } = device.subscription!;
    const url = URL.parse(endpoint);
    const schemes = this.#options.allowPrivate ? ['https:', 'http:'] : ['https:'];
    if (url === null || !schemes.includes(url.protocol) || url.username !== '' || url.password !== '') {
      return { outcome: 'failed', reason: 'Web Push: the endpoint is none' };
    }
    const payload = webBody(message);
    // Loaded for whoever sends.
    const { default: webPush } = await import('web-push');
    let encrypted: Buffer;
    try {
      encrypted = webPush.encrypt(p256dh, auth, payload, 'aes128gcm').cipherText;
    } catch {
      return { outcome: 'failed', reason: "Web Push: the subscription's keys are none" };
    }
    const now = this.#clock.now();
    const answer = await this.#http.post(
      {
        url: url.href,
        headers: {
          ttl: String(Math.min(secondsLeft(action, now) ?? TTL_SECONDS_MAX, TTL_SECONDS_MAX)),
          urgency: URGENCY[action.urgency] ?? 'normal',
          topic: collapseKey(action),
          'content-type': 'application/octet-stream',
          'content-encoding': 'aes128gcm',
          authorization: await this.#authorization(url.origin, now),
        },
        body: encrypted,
      },
      signal,
    );
    return meaningOf(answer.status, answer.header('retry-after'), now);
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  async #authorization(origin: string, now: number): Promise<string> {
    const known = this.#vapid.get(origin);
    if (known !== undefined && known.expires - now > VAPID_MS / 2) return known.header;
    const { subject, publicKey } = this.#options;
    const expires = now + VAPID_MS;
    // Loaded for whoever sends, as no command does.
    const { SignJWT } = await import('jose');
    const token = await new SignJWT({ aud: origin, sub: subject, exp: Math.floor(expires / 1_000) })
      .setProtectedHeader({ typ: 'JWT', alg: 'ES256' })
      .sign(this.#key);
    const header = `vapid t=${token}, k=${publicKey.replace(/=+$/, '')}`;
    if (this.#vapid.size >= ORIGINS_MAX) this.#vapid.clear();
    this.#vapid.set(origin, { header, expires });
    return header;
  }
}

/** W1 */
function meaningOf(status: number, retryAfter: string | undefined, now: number): DeviceOutcome {
  if (status >= 200 && status < 300) return { outcome: 'delivered', providerId: null };
  const reason = `Web Push: HTTP ${status}`;
  if (status === 404 || status === 410) return { outcome: 'gone', reason, goneAt: null };
  if (status === 429 || status >= 500) {
    return { outcome: 'retry', reason, retryAfterMs: parseRetryAfter(retryAfter, now) };
  }
  return { outcome: 'failed', reason };
}

/** What the browser is given. Throws RecordError TRG_RECORD_TOO_LARGE. */
export function webBody({ action, content }: Pick<DeviceMessage, 'action' | 'content'>): string {
  return fittingPayload(content, PAYLOAD_BYTES_MAX - ENCRYPTION_BYTES, (fitting) => payloadOf(action, fitting));
}

/**
 * Declarative Web Push: browsers that know it show it by themselves, and open `navigate`; in others the page's service worker gets
 * the same JSON. `data` is for that.
 */
function payloadOf(action: Action, { title, body, url, image }: ShortMessage): object {
  return {
    web_push: DECLARATIVE,
    notification: {
      title,
      ...(body !== '' && { body }),
      ...(url !== null && { navigate: url }),
      ...(image !== null && { image }),
      tag: collapseKey(action),
      data: { action: action.id, rule: action.rule, ...(url !== null && { url }) },
    },
  };
}
