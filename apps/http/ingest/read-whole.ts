// The bytes of a request, as they come.
//
// Invariants:
//   W1. No more is kept than `bytesMax`, whatever the head said; `onBytes` is told of all that is, before it is kept.

import type { IncomingMessage } from 'node:http';
import { RecordError } from '../../../lib/errors.ts';
import { Refusal } from './refusal.ts';

/** Throws RecordError TRG_RECORD_TOO_LARGE, Refusal (400) where the sender went away, and what `onBytes` throws. */
export function readWhole(
  request: IncomingMessage,
  bytesMax: number,
  onBytes: (bytes: number) => void,
): Promise<Buffer> {
  const claimed = Number(request.headers['content-length'] ?? 0);
  if (claimed > bytesMax) return Promise.reject(tooLarge(bytesMax));
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const fail = (error: unknown): void => {
    request.off('data', take);
    chunks.length = 0;
    // What still comes is read and thrown away: a sender that is not listened to never reads its answer.
    request.resume();
    reject(error);
  };
  const take = (chunk: Buffer): void => {
    bytes += chunk.length;
    try {
      if (bytes > bytesMax) throw tooLarge(bytesMax);
      onBytes(chunk.length);
      chunks.push(chunk);
    } catch (error) {
      fail(error);
    }
  };
  const cut = (): void => fail(new Refusal(400, 'TRG_HTTP_MALFORMED', 'the body ended before its end'));
  request.on('data', take);
  request.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
  request.once('error', cut);
  request.once('aborted', cut);
  return promise;
}

export function tooLarge(bytesMax: number): RecordError {
  return new RecordError('TRG_RECORD_TOO_LARGE', `the body is larger than ${bytesMax} bytes`);
}
