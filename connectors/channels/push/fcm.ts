// Firebase Cloud Messaging, HTTP v1: https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages
//
// Owns: its JSON, and what its answers mean. Does not own: access tokens (google-token.ts).
//
// Invariants:
//   F1. A token is gone when FCM says UNREGISTERED, and for INVALID_ARGUMENT only when its details are about the token: the same
//       code is given for a message that is wrong, with which every device would go.
//   F2. 401 and 403 are about our credentials and stop the channel, but for a token of another project (SENDER_ID_MISMATCH) once
//       FCM has taken a message: then the credentials are right, and it is that token's fault.

import type { Action, Device } from '../../../schemas/action.ts';
import { type JsonObject, jsonObjectOf } from '../../../schemas/json.ts';
import { HttpClient } from '../../http/http-client.ts';
import type { ChannelDependencies } from '../channel.ts';
import { parseRetryAfter } from '../delivery/backoff.ts';
import type { ShortMessage } from '../templates/short-message.ts';
import { collapseKey, fittingPayload, PAYLOAD_BYTES_MAX } from './content.ts';
import { GoogleToken, GoogleTokenError, TOKEN_MS_MAX } from './google-token.ts';
import type { FcmOptions, ServiceAccount } from './options.ts';
import { type DeviceMessage, type DeviceOutcome, type PushProvider, secondsLeft } from './provider.ts';

/** FCM keeps nothing for longer: four weeks. */
const TTL_SECONDS_MAX = 28 * 24 * 3_600;
/** What FCM asks for when a 429 has no Retry-After. */
const QUOTA_RETRY_MS = 60_000;

interface Posted {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** Null: the body is no JSON object. */
  readonly body: JsonObject | null;
}

export class FcmProvider implements PushProvider {
  readonly #url: string;
  readonly #clock: ChannelDependencies['clock'];
  readonly #http: HttpClient;
  readonly #token: GoogleToken;
  /** F2 */
  #hasTaken = false;

  constructor(
    { url, allowPrivate }: FcmOptions,
    account: ServiceAccount,
    { clock, lookup }: Pick<ChannelDependencies, 'clock' | 'lookup'>,
  ) {
    this.#url = `${url.replace(/\/+$/, '')}/v1/projects/${encodeURIComponent(account.projectId)}/messages:send`;
    this.#clock = clock;
    this.#http = new HttpClient({ clock, timeoutMs: TOKEN_MS_MAX, allowPrivate, lookup });
    this.#token = new GoogleToken(account, this.#http);
  }

  async send(message: DeviceMessage, signal: AbortSignal): Promise<DeviceOutcome> {
    try {
      return await this.#send(message, signal);
    } catch (error) {
      if (!(error instanceof GoogleTokenError)) throw error;
      return { outcome: error.isFinal ? 'denied' : 'retry', reason: `FCM: ${error.message}` };
    }
  }

  async #send(message: DeviceMessage, signal: AbortSignal): Promise<DeviceOutcome> {
    const now = this.#clock.now();
    const body = fcmBody(message, now);
    let token = await this.#token.get();
    let answer = await this.#post(token, body, signal);
    // Tokens are revoked before their time when a key is changed: a new one is asked for once.
    if (answer.status === 401 && errorCodeOf(answer) !== 'THIRD_PARTY_AUTH_ERROR') {
      this.#token.forget(token);
      token = await this.#token.get();
      answer = await this.#post(token, body, signal);
    }
    return this.#meaningOf(answer, now);
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  async #post(token: string, body: string, signal: AbortSignal): Promise<Posted> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const answer = await this.#http.post({ url: this.#url, headers, body }, signal);
    return { status: answer.status, retryAfter: answer.header('retry-after'), body: jsonObjectOf(answer.text) };
  }

  #meaningOf(answer: Posted, now: number): DeviceOutcome {
    const { status, retryAfter, body } = answer;
    if (status === 200) {
      this.#hasTaken = true;
      return { outcome: 'delivered', providerId: typeof body?.['name'] === 'string' ? body['name'] : null };
    }
    const code = errorCodeOf(answer);
    const reason = `FCM: HTTP ${status}${code === null ? '' : ` ${code}`}`;
    if (status === 404 && (code === 'UNREGISTERED' || code === 'NOT_FOUND')) {
      return { outcome: 'gone', reason, goneAt: null };
    }
    if (status === 400)
      return isAboutToken(answer) ? { outcome: 'gone', reason, goneAt: null } : { outcome: 'failed', reason };
    if (status === 401 || status === 403) {
      const isTokens = code === 'SENDER_ID_MISMATCH' && this.#hasTaken;
      return { outcome: isTokens ? 'failed' : 'denied', reason };
    }
    if (status === 429 || status >= 500) {
      const asked = parseRetryAfter(retryAfter, now);
      return { outcome: 'retry', reason, retryAfterMs: asked ?? (status === 429 ? QUOTA_RETRY_MS : undefined) };
    }
    return { outcome: 'failed', reason };
  }
}

/** The request's body. Throws RecordError TRG_RECORD_TOO_LARGE. */
export function fcmBody({ action, device, content }: DeviceMessage, now: number): string {
  const around = platformOf(action, device, now);
  // What counts is the message's payload; the token and where it stands do not.
  const payload = JSON.parse(fittingPayload(content, PAYLOAD_BYTES_MAX, (fitting) => messageOf(action, fitting)));
  return JSON.stringify({ message: { token: device.token, ...payload, ...around(content) } });
}

/** `data` is for the app: all values are text. */
function messageOf({ id, rule }: Action, { title, body, url, image }: ShortMessage): JsonObject {
  return {
    notification: { title, ...(body !== '' && { body }), ...(image !== null && { image }) },
    data: { action: id, rule, ...(url !== null && { url }) },
  };
}

function platformOf(action: Action, { type }: Device, now: number): (content: ShortMessage) => JsonObject {
  const left = secondsLeft(action, now);
  const seconds = left === null ? null : Math.min(left, TTL_SECONDS_MAX);
  const isUrgent = action.urgency !== 'marketing';
  const key = collapseKey(action);
  if (type === 'android') {
    // FCM keeps four collapse keys of a device that is away: one of each action would lose messages. What is shown is replaced by tag.
    const replaces = typeof action.data['collapseKey'] === 'string' && { collapse_key: key };
    return () => ({
      android: {
        priority: isUrgent ? 'HIGH' : 'NORMAL',
        ...(seconds !== null && { ttl: `${seconds}s` }),
        ...replaces,
        notification: { tag: key },
      },
    });
  }
  if (type === 'ios') {
    const expiration = seconds !== null && { 'apns-expiration': String(Math.floor(now / 1_000) + seconds) };
    const headers = { 'apns-priority': isUrgent ? '10' : '5', 'apns-collapse-id': key, ...expiration };
    return () => ({ apns: { headers, payload: { aps: { sound: 'default' } } } });
  }
  return ({ url }) => ({
    webpush: {
      headers: { Urgency: isUrgent ? 'high' : 'normal', Topic: key, ...(seconds !== null && { TTL: String(seconds) }) },
      ...(url?.startsWith('https://') && { fcm_options: { link: url } }),
    },
  });
}

/** FCM's own code of an error, else the API's status; null: neither. */
function errorCodeOf({ body }: Posted): string | null {
  const error = errorOf(body);
  const own = detailsOf(error).find((detail) => typeof detail['errorCode'] === 'string')?.['errorCode'];
  const code = own ?? error?.['status'];
  return typeof code === 'string' && /^[A-Z_]{1,60}$/.test(code) ? code : null;
}

/** F1 */
function isAboutToken({ body }: Posted): boolean {
  const error = errorOf(body);
  const details = detailsOf(error);
  const violations = details.flatMap((detail) => {
    const list = detail['fieldViolations'];
    return Array.isArray(list) ? (list as readonly { readonly field?: unknown }[]) : [];
  });
  if (violations.length > 0) return violations.every(({ field }) => field === 'message.token');
  const isFcms = details.some((detail) => detail['errorCode'] === 'INVALID_ARGUMENT');
  return isFcms && /registration token/i.test(String(error?.['message']));
}

function errorOf(body: JsonObject | null): JsonObject | undefined {
  return body?.['error'] as JsonObject | undefined;
}

function detailsOf(error: JsonObject | undefined): readonly JsonObject[] {
  const details = error?.['details'];
  return Array.isArray(details) ? details.filter((each) => typeof each === 'object' && each !== null) : [];
}
