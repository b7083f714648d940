// Providers on this machine, in a thread of their own: HTTP and SMTP, which take everything and keep nothing.

import { createServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { parentPort } from 'node:worker_threads';
import { SMTPServer } from 'smtp-server';

export interface ProviderPorts {
  readonly http: number;
  readonly smtp: number;
}

const http = createServer((request, response) => {
  request.resume();
  request.once('end', () => response.end('ok'));
});
const smtp = new SMTPServer({
  disabledCommands: ['AUTH', 'STARTTLS'],
  disableReverseLookup: true,
  logger: false,
  onData(stream, _session, done) {
    stream.resume();
    stream.once('end', () => done());
  },
});

// Its short answers would otherwise wait for the client's acknowledgements, 40 ms a message.
smtp.server.on('connection', (socket) => socket.setNoDelay(true));

const listening = (server: Server): Promise<number> =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
const ports: ProviderPorts = { http: await listening(http), smtp: await listening(smtp.server) };
parentPort!.postMessage(ports);
parentPort!.once('message', () => {
  http.closeAllConnections();
  http.close();
  smtp.close();
});
