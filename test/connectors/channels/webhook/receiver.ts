// A real HTTP server that answers as the test says and keeps what it was sent.

import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { until } from '../../../../testing/until.ts';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  readonly port: number;
  readonly received: Received[];
  /** Until so many have come, or more. */
  untilReceived(count: number): Promise<void>;
}

export async function startReceiver(
  t: TestContext,
  answer: (response: ServerResponse, request: Received) => void = (response) => response.end(),
): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const one = { method: request.method!, path: request.url!, headers: request.headers, body };
      received.push(one);
      answer(response, one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const untilReceived = async (count: number): Promise<void> => {
    const seen = (): unknown => received.map(({ body }) => body);
    await until(() => received.length >= count, { message: `${count} requests have come`, seen });
  };
  return { url: `http://127.0.0.1:${port}/hook`, port, received, untilReceived };
}
