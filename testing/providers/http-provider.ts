// A provider as a server of its own on this machine: what the stand-ins for providers over HTTP share.
//
// Owns: the server, what it was asked, and being told to misbehave. Does not own: any provider's words.
//
// Invariants:
//   P1. What is told to happen next happens to requests in the order in which they come, once each, before anything else.

import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ProviderRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface ProviderAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | object;
}

/** hangs: no answer. resets: the connection breaks. endless: an answer that does not end. garbage: 200 and a page of HTML. */
export type Fault = 'hangs' | 'resets' | 'endless' | 'garbage';

export interface HttpProvider {
  /** Without a slash at its end. */
  readonly url: string;
  /** All requests, those that met a fault included. */
  readonly requests: readonly ProviderRequest[];
  /** What happens to the next requests, one each. */
  next(...events: readonly (Fault | ProviderAnswer)[]): void;
  /** What happens to all requests from now on; null: nothing out of the usual. */
  always(event: Fault | ProviderAnswer | null): void;
  close(): Promise<void>;
}

export type Handler = (request: ProviderRequest) => ProviderAnswer;

/** Listens on 127.0.0.1; `port` 0 takes a free one. */
export async function startHttpProvider(handle: Handler, port = 0): Promise<HttpProvider> {
  const requests: ProviderRequest[] = [];
  const upcoming: (Fault | ProviderAnswer)[] = [];
  let lasting: Fault | ProviderAnswer | null = null;
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const request = { method: incoming.method!, path: incoming.url!, headers: incoming.headers, body };
      requests.push(request);
      const event = upcoming.shift() ?? lasting ?? handle(request);
      if (typeof event === 'string') misbehave(event, response);
      else write(event, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    next: (...events) => void upcoming.push(...events),
    always: (event) => {
      lasting = event;
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function write({ status, headers = {}, body = '' }: ProviderAnswer, response: ServerResponse): void {
  const isText = typeof body === 'string';
  const type = isText ? 'text/plain' : 'application/json';
  response.writeHead(status, { 'content-type': type, ...headers }).end(isText ? body : JSON.stringify(body));
}

function misbehave(fault: Fault, response: ServerResponse): void {
  if (fault === 'resets') response.socket?.resetAndDestroy();
  if (fault === 'garbage')
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in to the wifi</html>');
  if (fault === 'endless') response.writeHead(200, { 'content-type': 'application/json' }).write('{"');
}
