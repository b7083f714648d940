// Apple Push Notification service over HTTP/2: https://developer.apple.com/documentation/usernotifications
//
// Owns: its JSON and headers, what its answers mean. Does not own: connections (apns-connection.ts), tokens (apns-token.ts).
//
// Invariants:
//   A1. A device is gone when Apple says so (410), with the time since when: one that registered after that stays.
//   A2. BadDeviceToken is one device's matter, which fails; of BAD_TOKENS_MAX devices in a row, with none taken between, it is the
//       wrong environment (sandbox or production), and the channel stops.
//   A3. `apns-id` is a function of action and device.

import { createPrivateKey, hash } from 'node:crypto';
import type { Action } from '../../../schemas/action.ts';
import type { ChannelDependencies } from '../channel.ts';
import { parseRetryAfter } from '../delivery/backoff.ts';
import type { ShortMessage } from '../templates/short-message.ts';
import { type ApnsAnswer, ApnsConnection } from './apns-connection.ts';
import { ApnsToken } from './apns-token.ts';
import { collapseKey, fittingPayload, PAYLOAD_BYTES_MAX } from './content.ts';
import type { ApnsOptions } from './options.ts';
import { type DeviceMessage, type DeviceOutcome, type PushProvider, secondsLeft } from './provider.ts';

const BAD_TOKENS_MAX = 10;
/** What is wrong is our key, team or topic, whatever the device. */
const OURS: ReadonlySet<string> = new Set([
  'BadCertificate',
  'BadCertificateEnvironment',
  'BadEnvironmentKeyIdInToken',
  'Forbidden',
  'InvalidProviderToken',
  'MissingProviderToken',
  'UnrelatedKeyIdInToken',
  'MissingTopic',
  'BadTopic',
  'TopicDisallowed',
]);

export class ApnsProvider implements PushProvider {
  readonly #topic: string;
  readonly #clock: ChannelDependencies['clock'];
  readonly #connection: ApnsConnection;
  readonly #token: ApnsToken;
  /** Devices of A2, hashed. */
  readonly #bad = new Set<string>();

  constructor(options: ApnsOptions, { clock, lookup }: Pick<ChannelDependencies, 'clock' | 'lookup'>) {
    const { key, keyId, teamId, topic, url, ca, allowPrivate } = options;
    this.#topic = topic;
    this.#clock = clock;
    this.#token = new ApnsToken({ key: createPrivateKey(key), keyId, teamId }, clock);
    this.#connection = new ApnsConnection({ url, ca, allowPrivate, lookup });
  }

  async send(message: DeviceMessage, signal: AbortSignal): Promise<DeviceOutcome> {
    const { action, device } = message;
    const now = this.#clock.now();
    const token = device.token!;
    if (!/^[\x21-\x7e]{1,400}$/.test(token)) return { outcome: 'failed', reason: 'APNs: the token is none' };
    const body = apnsBody(message);
    const left = secondsLeft(action, now);
    const request = (providerToken: string) =>
      this.#connection.post(
        {
          path: `/3/device/${encodeURIComponent(token)}`,
          headers: {
            authorization: `bearer ${providerToken}`,
            'apns-id': apnsId(action.id, device.id),
            'apns-topic': this.#topic,
            'apns-push-type': 'alert',
            'apns-priority': action.urgency === 'marketing' ? '5' : '10',
            'apns-collapse-id': collapseKey(action),
            ...(left !== null && { 'apns-expiration': String(Math.floor(now / 1_000) + left) }),
          },
          body,
        },
        signal,
      );
    const providerToken = await this.#token.get();
    let answer = await request(providerToken);
    if (answer.reason === 'ExpiredProviderToken') {
      const renewed = await this.#token.renewed();
      if (renewed !== providerToken) answer = await request(renewed);
    }
    return this.#meaningOf(answer, token, now);
  }

  async close(): Promise<void> {
    this.#token.close();
    await this.#connection.close();
  }

  #meaningOf({ status, id, reason, timestamp, retryAfter }: ApnsAnswer, token: string, now: number): DeviceOutcome {
    if (status === 200) {
      this.#bad.clear();
      return { outcome: 'delivered', providerId: id };
    }
    const text = `APNs: HTTP ${status}${reason === null ? '' : ` ${reason}`}`;
    if (status === 410) return { outcome: 'gone', reason: text, goneAt: timestamp };
    if (reason === 'BadDeviceToken') return this.#isWrongEnvironment(token, text);
    if (reason !== null && OURS.has(reason)) return { outcome: 'denied', reason: text };
    // A token that Apple takes for expired is one that a wrong clock made.
    if (status === 429 || status >= 500 || reason === 'ExpiredProviderToken') {
      return { outcome: 'retry', reason: text, retryAfterMs: parseRetryAfter(retryAfter ?? undefined, now) };
    }
    return status === 403 ? { outcome: 'denied', reason: text } : { outcome: 'failed', reason: text };
  }

  /** A2 */
  #isWrongEnvironment(token: string, reason: string): DeviceOutcome {
    this.#bad.add(hash('sha256', token));
    if (this.#bad.size < BAD_TOKENS_MAX) return { outcome: 'failed', reason };
    const count = this.#bad.size;
    this.#bad.clear();
    const words = `${reason} for ${count} devices in a row: push.apns.url is of another environment than the app (sandbox, production)`;
    return { outcome: 'denied', reason: words };
  }
}

/** The request's body. Throws RecordError TRG_RECORD_TOO_LARGE. */
export function apnsBody({ action, content }: Pick<DeviceMessage, 'action' | 'content'>): string {
  return fittingPayload(content, PAYLOAD_BYTES_MAX, (fitting) => payloadOf(action, fitting));
}

/** Beside `aps` stands what is for the app. */
function payloadOf({ id, rule, urgency }: Action, { title, body, url, image }: ShortMessage): object {
  return {
    aps: {
      alert: { title, ...(body !== '' && { body }) },
      sound: 'default',
      ...(urgency === 'critical' && { 'interruption-level': 'time-sensitive' }),
      // The app's extension fetches the picture.
      ...(image !== null && { 'mutable-content': 1 }),
    },
    action: id,
    rule,
    ...(url !== null && { url }),
    ...(image !== null && { image }),
  };
}

/** A3. Written as a UUID. */
export function apnsId(action: string, device: string): string {
  const digits = hash('sha256', `${action}/${device}`);
  const variant = ((Number.parseInt(digits[16]!, 16) & 0x3) | 0x8).toString(16);
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `8${digits.slice(13, 16)}`,
    `${variant}${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join('-');
}
