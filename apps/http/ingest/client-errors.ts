// What Node says of a connection that speaks no HTTP, or too slowly, as an answer like any other (refusal.ts).

import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ErrorCode } from '../../../lib/errors.ts';
import { HEAD_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from './limits.ts';
import { bodyOf } from './refusal.ts';

interface Said {
  readonly status: string;
  readonly code: ErrorCode;
  readonly message: string;
}

const BAD: Said = { status: '400 Bad Request', code: 'TRG_HTTP_MALFORMED', message: 'the request is not HTTP/1.1' };

const SAID: Readonly<Record<string, Said>> = {
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    code: 'TRG_HTTP_MALFORMED',
    message: 'the headers are larger than 16 KB',
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: '413 Payload Too Large',
    code: 'TRG_RECORD_TOO_LARGE',
    message: 'the chunk extensions of the body are too large',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: '408 Request Timeout',
    code: 'TRG_HTTP_TIMEOUT',
    message: `the head did not come within ${HEAD_TIMEOUT_MS / 1_000} s, or the body within ${REQUEST_TIMEOUT_MS / 1_000} s`,
  },
};

/** For Fastify's clientErrorHandler. Ends the connection. */
export function answerClientError({ code }: { readonly code?: string }, socket: Socket): void {
  if (code === 'ECONNRESET' || socket.destroyed) return;
  if (!socket.writable || hasAnswerBegun(socket)) {
    socket.destroy();
    return;
  }
  const { status, code: ours, message } = SAID[code ?? ''] ?? BAD;
  const body = JSON.stringify(bodyOf(ours, message));
  const head = [
    `HTTP/1.1 ${status}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

/** Node keeps the answer that is being written to a connection there, and itself looks at it in this place. */
function hasAnswerBegun(socket: Socket): boolean {
  const { _httpMessage: answer } = socket as { readonly _httpMessage?: ServerResponse | null };
  return answer?.headersSent === true;
}
