// Text and JSON of somebody else, whose content must not get into messages.

import { asBuffer } from '../../lib/bytes.ts';
import { RecordError } from '../../lib/errors.ts';
import { jsonMistake } from '../../lib/json-mistake.ts';
import { findNotUtf8 } from '../../lib/text-encoding.ts';
import type { Json } from '../../schemas/json.ts';
import { keepDigits } from './exact-ids.ts';

/**
 * `what` says in the error which part is none; `ids`: dotted paths of ids, whose digits are kept. Throws RecordError
 * TRG_RECORD_UNREADABLE.
 */
export function parseJson(bytes: Uint8Array, what: string, ids: readonly string[]): Json {
  const text = parseText(bytes, what);
  let json: Json;
  try {
    json = JSON.parse(text);
  } catch {
    // JSON.parse quotes the text in its message.
    const mistake = jsonMistake(text);
    throw new RecordError('TRG_RECORD_UNREADABLE', `${what} is not JSON${mistake === null ? '' : `: ${mistake}`}`);
  }
  keepDigits(json, text, ids);
  return json;
}

/** The text of UTF-8 bytes: others would make one id, one name, out of several. Throws RecordError TRG_RECORD_UNREADABLE. */
export function parseText(bytes: Uint8Array, what: string): string {
  const found = findNotUtf8(bytes);
  if (found === null) return asBuffer(bytes).toString('utf8');
  const { at, hex } = found;
  throw new RecordError('TRG_RECORD_UNREADABLE', `${what} is not UTF-8: byte ${at + 1} of it begins ${hex}`);
}
