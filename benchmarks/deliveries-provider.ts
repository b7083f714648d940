// A provider on this machine, in a thread of its own: takes every request, and counts.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort } from 'node:worker_threads';

const server = createServer((request, response) => {
  request.resume();
  request.once('end', () => response.end('ok'));
});
server.listen(0, '127.0.0.1', () => parentPort!.postMessage((server.address() as AddressInfo).port));
parentPort!.once('message', () => {
  server.closeAllConnections();
  server.close();
});
