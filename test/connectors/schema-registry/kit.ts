// What tests of the registry share: one registry a file behind a door that can be shut, and loggers that keep what was said.

import { connect, createServer, type Socket } from 'node:net';
import { after } from 'node:test';
import type { Logger } from '../../../lib/logger.ts';
import { startRegistry } from '../../../testing/registry/registry.ts';

export interface RegistryOfFile {
  /** Behind the door. */
  readonly url: string;
  /** Ends all connections and takes no more; the registry keeps what it has. */
  shut(): Promise<void>;
  open(): Promise<void>;
}

/** A registry that stops with the test file. */
export async function registryOfFile(): Promise<RegistryOfFile> {
  const registry = await startRegistry();
  const target = Number(new URL(registry.url).port);
  const sockets = new Set<Socket>();
  let port = 0;
  const server = createServer((client) => {
    const onward = connect(target, '127.0.0.1');
    for (const [from, to] of [
      [client, onward],
      [onward, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  const open = async (): Promise<void> => {
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    port = (server.address() as { port: number }).port;
  };
  const shut = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await open();
  after(async () => {
    if (server.listening) await shut();
    await registry.stop();
  });
  return { url: registry.url.replace(`:${target}/`, `:${port}/`), open, shut };
}

/** A logger that keeps its messages. */
export class KeptLog implements Logger {
  readonly lines: string[] = [];

  info = (_fields: object, message: string): unknown => this.lines.push(`info: ${message}`);
  warn = (fields: object, message: string): unknown => this.lines.push(`warn: ${message} ${JSON.stringify(fields)}`);
  error = (_fields: object, message: string): unknown => this.lines.push(`error: ${message}`);
}
