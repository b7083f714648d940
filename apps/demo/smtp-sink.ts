// A real SMTP server for the demo: takes every message, sends none on. Its package is an optional dependency, which
// whoever runs workers alone need not install.

import type { AddressInfo } from 'node:net';
import { FatalError } from '../../lib/errors.ts';

export interface SinkMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  /** As it came over the wire. */
  readonly raw: string;
}

export interface SmtpSink {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

const MAIL_BYTES_MAX = 1024 * 1024;
/** Senders keep idle connections open; the demo does not wait for them to go. */
const CLOSE_MS_MAX = 100;

/**
 * Listens on a free port of this machine; `onMail` is called before the sender is told that its message was taken.
 * Throws FatalError TRG_PACKAGE_MISSING when the server's package is not installed.
 */
export async function startSmtpSink(onMail: (mail: SinkMail) => void): Promise<SmtpSink> {
  const { SMTPServer } = await installedServer();
  const server = new SMTPServer({
    // Neither has anything to protect here: the sender is on this machine.
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: MAIL_BYTES_MAX,
    closeTimeout: CLOSE_MS_MAX,
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => {
        // Bytes beyond the bound are dropped here and refused below.
        if (!stream.sizeExceeded) chunks.push(chunk);
      });
      stream.on('end', () => {
        if (stream.sizeExceeded) {
          callback(Object.assign(new Error('the message is too large'), { responseCode: 552 }));
          return;
        }
        const raw = Buffer.concat(chunks).toString('utf8');
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? '' : mailFrom.address;
        onMail({ from, to: rcptTo.map(({ address }) => address), subject: subjectOf(raw), raw });
        callback();
      });
    },
  });
  // Else each small reply waits for the sender's delayed acknowledgement: 40 ms a message.
  server.server.on('connection', (socket) => socket.setNoDelay(true));
  const host = '127.0.0.1';
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  // A sender that hangs up in the middle of a message is no reason to stop.
  server.on('error', () => {});
  const { port } = server.server.address() as AddressInfo;
  return { host, port, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

async function installedServer(): Promise<typeof import('smtp-server')> {
  try {
    return await import('smtp-server');
  } catch (cause) {
    throw new FatalError(
      'TRG_PACKAGE_MISSING',
      'the demo has its mail delivered to a server of its own, of the package smtp-server',
      { hint: 'npm install smtp-server, or npm ci without --omit=optional; workers do not need it' },
      cause,
    );
  }
}

/** The Subject header, unfolded and decoded (RFC 2047). */
function subjectOf(raw: string): string {
  const head = raw.split('\r\n\r\n', 1)[0]!.replaceAll(/\r\n[ \t]+/g, ' ');
  const subject = /^subject: *(.*)$/im.exec(head)?.[1] ?? '';
  return subject
    .replaceAll(/\?= +=\?/g, '?==?')
    .replaceAll(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, kind: string, text: string) => {
      if (kind.toLowerCase() === 'b') return Buffer.from(text, 'base64').toString('utf8');
      const bytes = text.replaceAll('_', ' ').replaceAll(/=([0-9a-f]{2})/gi, (_all, hex: string) => {
        return String.fromCharCode(Number.parseInt(hex, 16));
      });
      return Buffer.from(bytes, 'latin1').toString('utf8');
    });
}
