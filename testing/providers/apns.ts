// A stand-in for Apple Push Notification service, over HTTP/2 on this machine: in clear text, or with a certificate by TLS.
//
// It checks what Apple checks: the provider token's signature, team and age, and the headers that a message must have.

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { jwtVerify } from 'jose';
import type { PushAnswer } from './push-server.ts';

export interface ApnsMessage {
  /** The device's. */
  readonly token: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Readonly<Record<string, unknown>>;
}

export interface ApnsStandIn {
  readonly url: string;
  /** PEM: for `push.apns.key`, with `keyId` K1 and `teamId` T1. */
  readonly key: string;
  /** In order, whatever was answered. */
  readonly messages: readonly ApnsMessage[];
  /** Different provider tokens seen, in order. */
  readonly providerTokens: readonly string[];
  /** Connections that were made. */
  readonly connections: number;
  /**
   * Tells all connections that they end (GOAWAY, NO_ERROR). `refuse`: what is under way on them was not processed, as the frame then
   * says, and its streams are refused.
   */
  goAway(options?: { readonly refuse?: boolean }): void;
  close(): Promise<void>;
}

export interface ApnsOptions {
  readonly port?: number;
  /** Left out: every message is taken. It may take its time. */
  readonly answer?: (message: ApnsMessage) => PushAnswer | Promise<PushAnswer>;
  /** PEM; left out: no TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Now, ms, by which the age of provider tokens is judged; left out: not judged. */
  readonly now?: () => number;
}

const AGE_SECONDS_MAX = 3_600;

export async function startApns({ port = 0, answer, tls, now }: ApnsOptions = {}): Promise<ApnsStandIn> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const messages: ApnsMessage[] = [];
  const providerTokens: string[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const underWay = new Map<ServerHttp2Session, Set<ServerHttp2Stream>>();
  let connections = 0;

  async function take(
    stream: ServerHttp2Stream,
    path: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const given = await judged(path, headers, Buffer.concat(chunks));
    if (stream.destroyed || given === 'hang') return;
    if (given === 'reset') {
      stream.session?.destroy();
      return;
    }
    const { status, headers: more = {}, body } = given;
    stream.respond({ ':status': status, 'apns-id': headers['apns-id'] ?? '', ...more });
    stream.end(body === undefined ? '' : JSON.stringify(body));
  }

  async function judged(path: string, headers: Readonly<Record<string, string>>, body: Buffer): Promise<PushAnswer> {
    const providerToken = /^bearer (.+)$/i.exec(headers['authorization'] ?? '')?.[1];
    if (providerToken === undefined) return refusal(403, 'MissingProviderToken');
    if (!providerTokens.includes(providerToken)) providerTokens.push(providerToken);
    const wrong = await faultOf(providerToken, publicKey, now);
    if (wrong !== null) return refusal(403, wrong);
    const token = /^\/3\/device\/(.+)$/.exec(path)?.[1];
    if (token === undefined) return refusal(404, 'BadPath');
    if (headers['apns-topic'] === undefined) return refusal(400, 'MissingTopic');
    if (body.length > 4_096) return refusal(413, 'PayloadTooLarge');
    const message = { token: decodeURIComponent(token), headers, payload: JSON.parse(body.toString('utf8')) };
    messages.push(message);
    return (await answer?.(message)) ?? { status: 200 };
  }

  const server = (tls === undefined ? createServer() : createSecureServer(tls)) as Http2Server;
  server.on('session', (session) => {
    connections++;
    sessions.add(session);
    underWay.set(session, new Set());
    session.on('error', () => {});
    session.on('close', () => {
      sessions.delete(session);
      underWay.delete(session);
    });
  });
  server.on('stream', (stream, received) => {
    const streams = underWay.get(stream.session as ServerHttp2Session);
    streams?.add(stream);
    stream.on('error', () => {});
    stream.on('close', () => streams?.delete(stream));
    const headers = Object.fromEntries(Object.entries(received).map(([name, value]) => [name, String(value)]));
    void take(stream, headers[':path'] ?? '', headers).catch(() => {});
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${taken}`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    messages,
    providerTokens,
    get connections() {
      return connections;
    },
    goAway({ refuse = false } = {}) {
      for (const session of sessions) {
        const streams = [...(underWay.get(session) ?? [])];
        const ids = streams.map(({ id }) => id ?? 0);
        // Zero names the last stream that was processed; those above it were not.
        session.goaway(0, refuse ? Math.min(...ids) - 1 : 0);
        if (refuse) for (const stream of streams) stream.close(REFUSED_STREAM);
      }
    },
    async close() {
      for (const session of sessions) session.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const REFUSED_STREAM = 7;

export function refusal(status: number, reason: string, more: Readonly<Record<string, unknown>> = {}): PushAnswer {
  return { status, body: { reason, ...more } };
}

async function faultOf(token: string, key: KeyObject, now: (() => number) | undefined): Promise<string | null> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, key, {
      issuer: 'T1',
      algorithms: ['ES256'],
      ...(now !== undefined && { currentDate: new Date(now()) }),
    });
    if (protectedHeader.kid !== 'K1') return 'InvalidProviderToken';
    const ageSeconds = now === undefined ? 0 : now() / 1_000 - (payload.iat ?? 0);
    return ageSeconds > AGE_SECONDS_MAX ? 'ExpiredProviderToken' : null;
  } catch {
    return 'InvalidProviderToken';
  }
}
