// JSON text of somebody else, whose content must not get into messages.

import { utf8Text } from '../../lib/bytes.ts';
import { RecordError } from '../../lib/errors.ts';
import type { Json } from '../../schemas/json.ts';
import { keepDigits } from './exact-ids.ts';

/**
 * `what` says in the error which part is none; `ids`: dotted paths of ids, whose digits are kept. Throws RecordError
 * TRG_RECORD_UNREADABLE.
 */
export function parseJson(bytes: Uint8Array, what: string, ids: readonly string[]): Json {
  const text = utf8Text(bytes);
  let json: Json;
  try {
    json = JSON.parse(text);
  } catch {
    // JSON.parse quotes the text in its message.
    throw new RecordError('TRG_RECORD_UNREADABLE', `${what} is not JSON`);
  }
  keepDigits(json, text, ids);
  return json;
}
