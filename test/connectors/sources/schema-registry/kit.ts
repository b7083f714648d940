// What tests of the registry share: one registry a file behind a door that can be shut, and loggers that keep what was said.

import { connect, createServer, type Socket } from 'node:net';
import { after } from 'node:test';
import type { Logger } from '../../../../lib/logger.ts';
import { startRegistry } from '../../../../testing/registry/registry.ts';

export interface RegistryOfFile {
  /** Behind the door. */
  readonly url: string;
  /** Ends all connections, and new ones at once; the registry keeps what it has. */
  shut(): void;
  open(): void;
  /** Connections that were ended because the door was shut. */
  readonly refused: number;
}

/** A registry that stops with the test file. */
export async function registryOfFile(): Promise<RegistryOfFile> {
  const registry = await startRegistry();
  const target = Number(new URL(registry.url).port);
  const sockets = new Set<Socket>();
  let isShut = false;
  let refused = 0;
  const server = createServer((client) => {
    if (isShut) {
      refused++;
      client.destroy();
      return;
    }
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
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const shut = (): void => {
    isShut = true;
    for (const socket of sockets) socket.destroy();
  };
  after(async () => {
    shut();
    await new Promise((resolve) => server.close(resolve));
    await registry.stop();
  });
  return {
    url: registry.url.replace(`:${target}/`, `:${port}/`),
    shut,
    open: () => {
      isShut = false;
    },
    get refused() {
      return refused;
    },
  };
}

/** A logger that keeps its messages. */
export class KeptLog implements Logger {
  readonly lines: string[] = [];

  info = (_fields: object, message: string): unknown => this.lines.push(`info: ${message}`);
  warn = (fields: object, message: string): unknown => this.lines.push(`warn: ${message} ${JSON.stringify(fields)}`);
  error = (_fields: object, message: string): unknown => this.lines.push(`error: ${message}`);
}
