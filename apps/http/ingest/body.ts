// The body of a request: unpacked within bounds, decoded, parsed.
//
// Invariants:
//   B1. Never more than `bytesMax` is unpacked, whatever the packed body claims.
//   B2. What is handed on is nested no deeper than DEPTH_MAX.

import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { RecordError } from '../../../lib/errors.ts';
import { keepDigits } from '../../../processors/intake/exact-ids.ts';
import { DEPTH_MAX, isJsonObject, isNestedWithin, type Json, type JsonObject } from '../../../schemas/json.ts';
import { tooLarge } from './read-whole.ts';

const gunzipBody = promisify(gunzip);
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Where ids stand in a body, whose digits are kept: dotted paths, in it and in each of the list of that name. */
export interface IdPaths {
  readonly paths: readonly string[];
  readonly list?: string;
}

/** The JSON object of a body. Throws RecordError TRG_RECORD_UNREADABLE, TRG_RECORD_INVALID. */
export function parseBody(bytes: Buffer, ids: IdPaths): JsonObject {
  const text = textOf(bytes);
  const json = parse(text);
  if (!isJsonObject(json)) throw new RecordError('TRG_RECORD_INVALID', 'the body must be a JSON object');
  checkDepth(json);
  keepDigits(json, text, ids.paths, ids.list);
  return json;
}

/** The JSON list of a body. Throws RecordError as parseBody. */
export function parseList(bytes: Buffer, paths: readonly string[]): readonly Json[] {
  const text = textOf(bytes);
  const list = parse(text);
  if (!Array.isArray(list)) throw new RecordError('TRG_RECORD_INVALID', 'the body must be a JSON list');
  checkDepth(list);
  keepDigits({ list }, `{"list":${text}}`, paths, 'list');
  return list;
}

function checkDepth(json: Json): void {
  if (isNestedWithin(json, DEPTH_MAX)) return;
  throw new RecordError('TRG_RECORD_INVALID', `the body is nested deeper than ${DEPTH_MAX} levels`);
}

/** The body that came with this Content-Encoding. Throws RecordError TRG_RECORD_TOO_LARGE, TRG_RECORD_UNREADABLE. */
export async function unpack(packed: Buffer, encoding: string | undefined, bytesMax: number): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity') {
    if (packed.length > bytesMax) throw tooLarge(bytesMax);
    return packed;
  }
  if (name !== 'gzip' && name !== 'x-gzip') {
    throw new RecordError('TRG_RECORD_UNREADABLE', `content-encoding ${name.slice(0, 40)} is not known: use gzip`);
  }
  try {
    return await gunzipBody(packed, { maxOutputLength: bytesMax });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(bytesMax);
    throw new RecordError('TRG_RECORD_UNREADABLE', 'the body is not whole gzip, as content-encoding says', {}, error);
  }
}

function textOf(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw notJson();
  }
}

function parse(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    // JSON.parse quotes the text in its message, which is somebody's data.
    throw notJson();
  }
}

function notJson(): RecordError {
  return new RecordError('TRG_RECORD_UNREADABLE', 'the body is not JSON in UTF-8');
}
