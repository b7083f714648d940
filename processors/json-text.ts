// JSON text of somebody else, whose content must not get into messages.

import { RecordError } from '../lib/errors.ts';
import type { Json } from '../schemas/json.ts';

/** `what` says in the error which part is none. Throws RecordError TRG_RECORD_UNREADABLE. */
export function parseJson(bytes: Uint8Array, what: string): Json {
  try {
    const text = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return JSON.parse(text.toString('utf8'));
  } catch {
    // JSON.parse quotes the text in its message.
    throw new RecordError('TRG_RECORD_UNREADABLE', `${what} is not JSON`);
  }
}
