// A stand-in for browsers and their push service (RFC 8030), on this machine: it makes subscriptions, takes messages for them, and
// decrypts those as a browser does (RFC 8291), by code of its own.

import { createDecipheriv, createECDH, createHmac, type ECDH, hkdfSync, randomBytes } from 'node:crypto';
import { importJWK, jwtVerify } from 'jose';
import { type Listening, listen, type PushAnswer, respond } from './push-server.ts';

export interface WebSubscription {
  readonly endpoint: string;
  readonly p256dh: string;
  readonly auth: string;
}

export interface WebMessage {
  /** Of the subscription that it was for. */
  readonly browser: string;
  readonly ttlSeconds: number;
  readonly urgency: string | undefined;
  readonly topic: string | undefined;
  /** `sub` of its VAPID token. */
  readonly subject: string | undefined;
  /** Of the encrypted body. */
  readonly bytes: number;
  /** What was decrypted. */
  readonly text: string;
}

export interface WebPushStandIn extends Listening {
  /** A browser subscribes. */
  subscribe(browser: string): WebSubscription;
  /** Those with a good VAPID token that could be decrypted, in order, whatever was answered. */
  readonly messages: readonly WebMessage[];
}

export interface WebPushOptions {
  readonly port?: number;
  /** Left out: every message is taken (201). */
  readonly answer?: (message: WebMessage) => PushAnswer;
}

interface Browser {
  readonly keys: ECDH;
  readonly auth: Buffer;
}

export async function startWebPush({ port, answer }: WebPushOptions = {}): Promise<WebPushStandIn> {
  const browsers = new Map<string, Browser>();
  const messages: WebMessage[] = [];
  const server: Listening = await listen(async ({ method, path, headers, body }, response) => {
    const browser = decodeURIComponent(/^\/push\/(.+)$/.exec(path)?.[1] ?? '');
    const known = browsers.get(browser);
    if (method !== 'POST' || known === undefined) return respond(response, { status: 404 });
    const subject = await subjectOf(headers.authorization, server.url);
    if (subject === null) return respond(response, { status: 403 });
    const ttlSeconds = Number(headers['ttl']);
    if (!Number.isSafeInteger(ttlSeconds) || headers['content-encoding'] !== 'aes128gcm') {
      return respond(response, { status: 400 });
    }
    if (body.length > 4_096) return respond(response, { status: 413 });
    const message: WebMessage = {
      browser,
      ttlSeconds,
      urgency: one(headers['urgency']),
      topic: one(headers['topic']),
      subject,
      bytes: body.length,
      text: decrypted(body, known),
    };
    messages.push(message);
    respond(
      response,
      answer?.(message) ?? { status: 201, headers: { location: `${server.url}/messages/${messages.length}` } },
    );
  }, port);
  return {
    ...server,
    messages,
    subscribe(browser) {
      const keys = createECDH('prime256v1');
      keys.generateKeys();
      const auth = randomBytes(16);
      browsers.set(browser, { keys, auth });
      return {
        endpoint: `${server.url}/push/${encodeURIComponent(browser)}`,
        p256dh: keys.getPublicKey('base64url'),
        auth: auth.toString('base64url'),
      };
    },
  };
}

function one(header: string | string[] | undefined): string | undefined {
  return [header].flat()[0];
}

/** Of a VAPID token signed for this origin (RFC 8292); null: there is none. */
async function subjectOf(authorization: string | undefined, audience: string): Promise<string | null> {
  const [, token = '', publicKey = ''] = /^vapid t=([^,]+), ?k=(\S+)$/.exec(authorization ?? '') ?? [];
  const point = Buffer.from(publicKey, 'base64url');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
  try {
    const key = await importJWK({ kty: 'EC', crv: 'P-256', x: x!, y: y! }, 'ES256');
    // Who runs it by a clock of his own makes tokens for that.
    const { payload } = await jwtVerify(token, key, { audience, currentDate: new Date(0) });
    return payload.sub ?? null;
  } catch {
    return null;
  }
}

/** RFC 8291 and 8188, one record. Throws when it was encrypted for somebody else. */
function decrypted(body: Buffer, { keys, auth }: Browser): string {
  const salt = body.subarray(0, 16);
  const keyLength = body[20]!;
  const sender = body.subarray(21, 21 + keyLength);
  const encrypted = body.subarray(21 + keyLength);
  const shared = keys.computeSecret(sender);
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), keys.getPublicKey(), sender]);
  const input = Buffer.from(hkdfSync('sha256', shared, auth, info, 32));
  const prk = createHmac('sha256', salt).update(input).digest();
  const expand = (label: string, length: number): Buffer =>
    createHmac('sha256', prk)
      .update(Buffer.concat([Buffer.from(`Content-Encoding: ${label}\0`), Buffer.from([1])]))
      .digest()
      .subarray(0, length);
  const decipher = createDecipheriv('aes-128-gcm', expand('aes128gcm', 16), expand('nonce', 12));
  decipher.setAuthTag(encrypted.subarray(-16));
  const padded = Buffer.concat([decipher.update(encrypted.subarray(0, -16)), decipher.final()]);
  // The text, a 2 as delimiter of the last record, then zeros.
  return padded.subarray(0, padded.lastIndexOf(2)).toString('utf8');
}
