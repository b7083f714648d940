// What the stand-ins of push services share: a server on this machine, and how it answers.

import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How the service answers one message. */
export type PushAnswer =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      /** JSON; left out: as the service answers for that status where it takes the message, else nothing. */
      readonly body?: unknown;
    }
  /** It never answers, or ends the connection in the middle. */
  | 'hang'
  | 'reset';

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Listening {
  /** Without a slash at its end. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** `port` 0: a free one. */
export async function listen(
  answer: (request: HttpRequest, response: ServerResponse) => void | Promise<void>,
  port = 0,
): Promise<Listening> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      void answer({ method, path: url, headers, body: Buffer.concat(chunks) }, response);
    });
    request.on('error', () => {});
  });
  return listening(server, port);
}

async function listening(server: Server, port: number): Promise<Listening> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${taken}`,
    port: taken,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

export function respond(response: ServerResponse, answer: PushAnswer): void {
  if (answer === 'hang') return;
  if (answer === 'reset') {
    response.socket?.resetAndDestroy();
    return;
  }
  const { status, headers = {}, body } = answer;
  const text = body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, { ...(text !== '' && { 'content-type': 'application/json' }), ...headers }).end(text);
}
