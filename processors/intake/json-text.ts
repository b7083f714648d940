// JSON text of somebody else, whose content must not get into messages.

import { utf8Text } from '../../lib/bytes.ts';
import { RecordError } from '../../lib/errors.ts';
import type { Json } from '../../schemas/json.ts';

/** `what` says in the error which part is none. Throws RecordError TRG_RECORD_UNREADABLE. */
export function parseJson(bytes: Uint8Array, what: string): Json {
  try {
    return JSON.parse(utf8Text(bytes));
  } catch {
    // JSON.parse quotes the text in its message.
    throw new RecordError('TRG_RECORD_UNREADABLE', `${what} is not JSON`);
  }
}
