// Raw connections to a server: what senders do that no HTTP client does.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { until } from '../../../../testing/until.ts';

export interface RawSocket {
  readonly socket: Socket;
  /** All that came so far. */
  text(): string;
  /** Ends this side alone. */
  halfClose(): void;
  /** Once the server has ended the connection. */
  ended(): Promise<string>;
}

export async function openSocket(t: TestContext, url: string): Promise<RawSocket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
  let text = '';
  let isOver = false;
  socket.on('data', (chunk: Buffer) => (text += chunk));
  for (const event of ['end', 'close', 'error']) socket.on(event, () => (isOver = true));
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return {
    socket,
    text: () => text,
    halfClose: () => void socket.end(),
    ended: async () => {
      await until(() => isOver, { deadlineMs: 30_000 });
      return text;
    },
  };
}

/** The parts of an answer as it came. */
export function answerIn(text: string): { readonly status: number; readonly json: Record<string, unknown> } {
  const [head = '', body = ''] = text.split('\r\n\r\n', 2);
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), json: JSON.parse(body) };
}

export function postHead(path: string, headers: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return `${[`POST ${path} HTTP/1.1`, 'host: x', ...lines].join('\r\n')}\r\n\r\n`;
}
