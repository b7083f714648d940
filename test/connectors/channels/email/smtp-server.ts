// A real SMTP server that refuses where the test says so, and keeps what it takes.

import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export interface Taken {
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: string;
  readonly email: Email;
}

export interface TestServer {
  readonly port: number;
  readonly taken: Taken[];
  /** Connections made so far. */
  readonly connections: () => number;
}

export interface Refusals {
  readonly at?: 'connect' | 'mail' | 'rcpt' | 'data';
  readonly code?: number;
  readonly message?: string;
}

export async function startSmtpServer(
  t: TestContext,
  refusals: Refusals = {},
  options: SMTPServerOptions = {},
): Promise<TestServer> {
  const taken: Taken[] = [];
  let connections = 0;
  const verdict = (at: Refusals['at']): Error | null => {
    if (refusals.at !== at) return null;
    return Object.assign(new Error(refusals.message ?? 'no'), { responseCode: refusals.code });
  };
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 10,
    onConnect: (_session, callback) => {
      connections++;
      callback(verdict('connect'));
    },
    onMailFrom: (_address, _session, callback) => callback(verdict('mail')),
    onRcptTo: (_address, _session, callback) => callback(verdict('rcpt')),
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', async () => {
        const refused = verdict('data');
        if (refused === null) {
          const raw = Buffer.concat(chunks).toString('utf8');
          const { mailFrom, rcptTo } = session.envelope;
          const from = mailFrom === false ? '' : mailFrom.address;
          taken.push({ from, to: rcptTo.map(({ address }) => address), raw, email: await PostalMime.parse(raw) });
        }
        callback(refused);
      });
    },
    ...options,
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { port: (server.server.address() as AddressInfo).port, taken, connections: () => connections };
}
