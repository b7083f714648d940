// A real HTTP endpoint for the demo: takes webhooks and checks their signatures as a receiver should.

import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { secretKey, signatureOf } from '../../connectors/channels/webhook/signature.ts';
import { type JsonObject, jsonObjectOf } from '../../schemas/json.ts';

export interface ReceivedWebhook {
  /** `webhook-id`: the same again means the same message again. */
  readonly id: string;
  readonly body: JsonObject;
}

export interface WebhookReceiver {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 1024 * 1024;

/**
 * Listens on a free port of this machine. Answers 204 once `onWebhook` has returned, 401 to a wrong signature and 400 to
 * what is no JSON object.
 */
export async function startWebhookReceiver(
  secret: string,
  onWebhook: (webhook: ReceivedWebhook) => void,
): Promise<WebhookReceiver> {
  const key = secretKey(secret);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
    });
    request.on('end', () => {
      response.statusCode = bytes > BODY_BYTES_MAX ? 413 : take(request, Buffer.concat(chunks).toString('utf8'));
      response.end();
    });
  });

  function take(request: IncomingMessage, body: string): number {
    const id = String(request.headers['webhook-id']);
    const timestampSeconds = Number(request.headers['webhook-timestamp']);
    const expected = key === null ? '' : signatureOf({ id, timestampSeconds, body }, [key]);
    const given = String(request.headers['webhook-signature']).split(' ');
    if (!given.some((signature) => sameText(signature, expected))) return 401;
    const parsed = jsonObjectOf(body);
    if (parsed === null) return 400;
    onWebhook({ id, body: parsed });
    return 204;
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    port,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function sameText(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}
